"""Rules of the style guide that a program can keep. Allow-lists carry their reason and may only shrink."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.layout import distributions, every_module, relative, sources, tree

LINES_PER_FILE_MAX = 300
LINES_PER_FUNCTION_MAX = 40
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}

LONG_FILES: dict[str, int] = {}
"""Files over the bound today, with their lines."""

LONG_FUNCTIONS: dict[str, int] = {}
"""Functions over the bound today (file:name), with their lines of code."""

CLOCKS = {
    "libs/runtime/src/tradewire/runtime/clock.py": "the clock",
    "libs/runtime/src/tradewire/runtime/bus/tasks.py": "the event loop's own time, for a deadline",
    "libs/runtime/src/tradewire/runtime/loop/connecting.py": "the event loop's own time, for a stop's deadline",
    "libs/embedded/src/tradewire/embedded/freezing.py": "a deadline",
    "libs/embedded/src/tradewire/embedded/keeper.py": "deadlines of servers; runs beside them without our packages",
}
"""Files that may read a clock. No trading code is here but runtime/clock.py."""

DICE = {
    "libs/runtime/src/tradewire/runtime/loop/publisher.py": "jitter between tries",
    "services/ingest/src/tradewire/ingest/adapters/binance_public.py": "jitter between tries",
    "services/ingest/src/tradewire/ingest/adapters/binance_streams.py": "jitter between tries",
    "services/ingest/src/tradewire/ingest/adapters/ccxt_public.py": "jitter between polls",
    "services/ingest/src/tradewire/ingest/adapters/polling.py": "jitter between polls",
    "libs/runtime/src/tradewire/runtime/observe/tracing.py": "span ids, which no decision sees",
    "libs/runtime/src/tradewire/runtime/bus/redis_group.py": "name of a group member",
    "libs/runtime/src/tradewire/runtime/access/tokens.py": "tokens, which nobody may guess",
    "libs/embedded/src/tradewire/embedded/postgres.py": "the database's password",
    "apps/tradewire/src/tradewire/app/web/keys.py": "the key that signs links and sessions",
    "libs/testkit/src/tradewire/testkit/postgres.py": "name of a test's database",
    "libs/testkit/src/tradewire/testkit/bus_suite/harness.py": "name of a test's topics",
    "libs/testkit/src/tradewire/testkit/chaos/__main__.py": "a new seed, which is printed",
}
"""Files that may be random without a seed, with the reason."""


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of code: no docstring, blank line or comment."""
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        assert first.end_lineno is not None
        skipped = set(range(first.lineno, first.end_lineno + 1))
    else:
        skipped = set()
    assert function.end_lineno is not None
    own = (n for n in range(function.lineno, function.end_lineno + 1) if n not in skipped)
    return sum(1 for n in own if lines[n - 1].strip() and not lines[n - 1].lstrip().startswith("#"))


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_file_is_longer_than_its_bound() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in every_module()}
    long = {path: lines for path, lines in lengths.items() if lines > LINES_PER_FILE_MAX}
    _only_shrinks(long, LONG_FILES)


def test_no_function_is_longer_than_its_bound() -> None:
    lengths: dict[str, int] = {}
    for path in every_module():
        lines = path.read_text().splitlines()
        for function in _functions(tree(path)):
            lengths[f"{relative(path)}:{function.name}"] = _code_lines(function, lines)
    long = {name: lines for name, lines in lengths.items() if lines > LINES_PER_FUNCTION_MAX}
    _only_shrinks(long, LONG_FUNCTIONS)


def _only_shrinks(found: dict[str, int], allowed: dict[str, int]) -> None:
    longer = {name: lines for name, lines in found.items() if lines > allowed.get(name, 0)}
    assert longer == {}, "split these"
    assert set(allowed) == set(found), "within the bound now: take them off the list"


def test_no_module_has_a_vague_name() -> None:
    parts = {relative(path): {path.stem, *path.parent.parts} for path in every_module()}
    assert {path: names & VAGUE_NAMES for path, names in parts.items() if names & VAGUE_NAMES} == {}


def test_every_module_and_every_public_class_and_function_is_documented() -> None:
    missing = []
    for path in sources():
        if "/migrations/" in relative(path):
            continue
        module = tree(path)
        if ast.get_docstring(module) is None:
            missing.append(relative(path))
        for node in module.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name[0] != "_" and ast.get_docstring(node) is None:
                missing.append(f"{relative(path)}:{node.name}")
    assert missing == []


def _reads_clock(path: Path) -> bool:
    """Does the module import ``time``, or ask ``datetime`` or a loop for now?"""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = ast.unparse(node.func)
            if re.search(r"(datetime\.(now|utcnow|today)|date\.today|loop(\(\))?\.time)$", asked):
                return True
    return False


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from time import monotonic",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "import datetime\ntoday = datetime.date.today()",
        "import asyncio\nnow = asyncio.get_running_loop().time()",
        "def f(loop):\n    return loop.time()",
    ],
)
def test_a_planted_clock_is_found(code: str, tmp_path: Path) -> None:
    assert _reads_clock(_planted(code, tmp_path))


@pytest.mark.parametrize(
    "code",
    [
        "import random\nx = random.random()",
        "from random import choice",
        "import random\nrng = random.Random()",
        "import numpy as np\nrng = np.random.default_rng()",
        "import numpy as np\nx = np.random.normal()",
        "import uuid\nx = uuid.uuid4()",
        "import secrets",
        "import os\nx = os.urandom(8)",
        "from dataclasses import field\nimport random\nrng = field(default_factory=random.Random)",
    ],
)
def test_a_planted_draw_without_a_seed_is_found(code: str, tmp_path: Path) -> None:
    assert _is_random(_planted(code, tmp_path))


@pytest.mark.parametrize(
    "code",
    ["import random\nrng = random.Random(7)", "import numpy as np\nrng = np.random.default_rng(7)", "import uuid"],
)
def test_a_seeded_generator_is_let_be(code: str, tmp_path: Path) -> None:
    assert not _is_random(_planted(code, tmp_path))


def _planted(code: str, folder: Path) -> Path:
    path = folder / "planted.py"
    path.write_text(code)
    return path


def test_only_the_clock_reads_a_clock() -> None:
    assert {relative(path) for path in sources() if _reads_clock(path)} == set(CLOCKS)


def _is_random(path: Path) -> bool:
    """Does the module draw without a seed? ``random.Random(seed)`` and ``default_rng(seed)`` are fine."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if "secrets" in names or names & {"uuid1", "uuid4", "RandomIdGenerator"}:
                return True
            if isinstance(node, ast.ImportFrom) and node.module in ("random", "secrets"):
                return True
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.urandom", "uuid.uuid1", "uuid.uuid4"):
            return True
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in ("random", "np.random")
            and node.attr not in ("Random", "default_rng", "Generator")
        ):
            return True
    return _unseeded(tree(path))


def _unseeded(module: ast.Module) -> bool:
    """Is a generator made without a seed, or handed on as a factory?"""
    generators = ("random.Random", "np.random.default_rng")
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) in generators and not node.args and not node.keywords:
                return True
            if any(ast.unparse(keyword.value) in generators for keyword in node.keywords):
                return True
    return False


def test_only_a_seeded_generator_is_random() -> None:
    assert {relative(path) for path in sources() if _is_random(path)} == set(DICE)


def test_every_silenced_type_error_is_named() -> None:
    silent = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!: ?[A-Z]))")
    found = [
        f"{relative(path)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if silent.search(line)
    ]
    assert found == []


def test_every_package_says_that_it_is_typed() -> None:
    for distribution in distributions():
        assert (distribution.folder / "src" / distribution.package.replace(".", "/") / "py.typed").is_file()
