"""CONTRIBUTING's way to add a risk rule, walked in a copy of the tree: a limit on the number of symbols held."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("contracts", "libs", "services/risk", "services/telemetry", "apps/tradewire", "conftest.py", "pyproject.toml")
RULES = "libs/trading/src/tradewire/trading/assessment/rules.py"
SUITE = "libs/testkit/src/tradewire/testkit/risk_suite.py"
REQUESTS = "libs/backtest/tests/futures/requests.py"
COVERAGE = "libs/backtest/tests/futures/test_coverage.py"
PAGE_TYPES = "apps/tradewire/web/generate_types.py"
MIGRATIONS = "services/risk/src/tradewire/risk/migrations/versions"
FIELD = """    {
      "name": "max_open_symbols",
      "type": ["null", "int"],
      "doc": "Symbols held or about to be.",
      "default": null
    },
"""
RULE = """    held = Decimal(sum(1 for exposure in after.symbols.values() if exposure.worst))
    yield from _at_most("max_open_symbols", held, _count(limits.max_open_symbols))
"""
COUNT = """

def _count(limit: int | None) -> Decimal | None:
    return None if limit is None else Decimal(limit)
"""
MIGRATION = '''"""A limit on the symbols held."""

from alembic import op

revision = "limits_0002"
down_revision = "limits_0001"


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE limits ADD COLUMN max_open_symbols bigint")
'''
TESTS = (
    "libs/trading/tests/assessment/test_rules.py",
    "services/risk/tests/test_memory_rules.py",
    "services/risk/tests/test_postgres_rules.py",
)
AT_LIMIT_ROW = '    ("max_open_symbols", "max_open_symbols", 2, 1, "2", "1"),\n]\n"""Rule, limit,'
EDITS: tuple[tuple[str, str, str], ...] = (
    ("contracts/risk.limits.v1.avsc", '    {\n      "name": "author",', FIELD + '    {\n      "name": "author",'),
    (
        "contracts/consumers.yaml",
        "max_data_age_s, price_collar_ratio]",
        "max_data_age_s, price_collar_ratio, max_open_symbols]",
    ),
    (RULES, "    if entry.equity > 0:\n", RULE + "    if entry.equity > 0:\n"),
    (RULES, "\n\ndef judge(", COUNT + "\n\ndef judge("),
    (TESTS[0], ']\n"""Rule, limit,', AT_LIMIT_ROW),
    (
        SUITE,
        "BINDING: dict[str, dict[str, Any]] = {\n",
        'BINDING: dict[str, dict[str, Any]] = {\n    "max_open_symbols": {"max_open_symbols": 1},\n',
    ),
    (REQUESTS, '    "max_data_age_s": (', '    "max_open_symbols": ("1", "2"),\n    "max_data_age_s": ('),
    (COVERAGE, "str] = {}\n", 'str] = {"max_open_symbols": "max_open_symbols"}\n'),
)


def section() -> str:
    """CONTRIBUTING's words."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition("## Add a risk rule\n")[2].partition("\n## ")[0]


def run(copy: Path, *words: str) -> str:
    """A Python command in the copy, with the copy's packages before the installed ones."""
    sources = [str(path) for part in ("libs/*/src", "services/*/src", "apps/*/src") for path in sorted(copy.glob(part))]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*sources, str(copy)])}
    done = subprocess.run([sys.executable, *words], cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the tree that a rule touches."""
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy(source, target)
    return tmp_path


def edited(copy: Path, name: str, old: str, new: str) -> None:
    """Make one edit; the text to find is there once."""
    text = (copy / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
    (copy / name).write_text(text.replace(old, new), encoding="utf-8")


def test_a_rule_when_added_as_written_then_its_tests_pass_on_memory_and_postgres(copy: Path) -> None:
    for name, old, new in EDITS:
        edited(copy, name, old, new)
    (copy / MIGRATIONS / "limits_0002.py").write_text(MIGRATION, encoding="utf-8")
    run(copy, "-m", "contracts.release")
    run(copy, "contracts/generate.py")
    run(copy, "-m", "contracts.release", "--check")
    run(copy, PAGE_TYPES)
    told = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    assert "passed" in told
    told = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", COVERAGE, "-k", "gain")
    assert "1 passed" in told
    assert "max_open_symbols" in (copy / "apps/tradewire/web/src/api.ts").read_text(encoding="utf-8")
    assert "max_open_symbols" in (copy / "libs/ports/src/tradewire/ports/events.py").read_text(encoding="utf-8")


def test_contributing_when_read_then_names_every_file_that_was_edited() -> None:
    named = {word.rstrip("/") for word in re.findall(r"`((?:contracts|libs|services)/[\w./-]+)`", section())}
    assert {name for name, _, _ in EDITS} | {MIGRATIONS} <= named
