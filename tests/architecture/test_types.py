"""mypy is strict, and reads every file: a check that skips files is worse than none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.architecture.layout import ROOT, distributions, relative, tracked

OTHERS = ("tests", "benchmarks", "contracts", "data", "deploy", "docs", "requirements")
"""Folders with Python that no distribution holds."""


def _mypy(*arguments: str, cwd: Path = ROOT) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *arguments]
    ran = subprocess.run(
        command, cwd=cwd, env={**os.environ, "COLUMNS": "500"}, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


def test_mypy_reads_every_python_file_and_finds_nothing() -> None:
    folders = [
        relative(path) for d in distributions() for name in ("src", "tests") if (path := d.folder / name).is_dir()
    ]
    pages = [relative(path) for d in distributions() for path in (d.folder / "web").glob("*.py")]
    output = _mypy(*folders, *OTHERS, *pages, *map(relative, ROOT.glob("*.py")))
    match = re.search(r"no issues found in (\d+) source files", output)
    assert match is not None, output
    every = {path for name in tracked() if (path := ROOT / name).suffix == ".py"}
    assert int(match.group(1)) == len(every)


EXCHANGED_HANDLERS = """
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import CandleClosed, RiskAssessed
from tradewire.runtime.service import Input, on


def inputs(desk: ExecutionDesk) -> tuple[Input, ...]:
    return (on(CandleClosed, desk.on_assessment), on(RiskAssessed, desk.on_candle))
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def f(x):\n    return x\n", "no-untyped-def"),
        ("from typing import Any\ndef f(x: Any) -> int:\n    return x\n", "no-any-return"),
        ("def f(x: list) -> None: ...\n", "type-arg"),
        ("def f(x: int = None) -> None: ...\n", "assignment"),
        ("x: int = 1  # type: ignore[assignment]\n", "unused-ignore"),
        ("import os as o\nfrom tradewire.risk.wiring import Service\n", "attr-defined"),
        ("def f() -> int:\n    return 1\n    print()\n", "unreachable"),
        (EXCHANGED_HANDLERS, "arg-type"),
    ],
)
def test_mypy_finds_what_strict_forbids(code: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(code)
    output = _mypy("--cache-dir", str(tmp_path_cache()), str(tmp_path / "planted.py"))
    assert f"[{error}]" in output, output


def tmp_path_cache() -> Path:
    """mypy's own cache: what is installed is not read again for each plant."""
    return ROOT / ".mypy_cache"


def test_no_module_is_excused_from_strictness() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["mypy"]
    assert options["strict"] is True
    assert "exclude" not in options
    for override in options["overrides"]:
        assert set(override) == {"module", "ignore_missing_imports"}
        assert not [name for name in override["module"] if name.startswith("tradewire")]
