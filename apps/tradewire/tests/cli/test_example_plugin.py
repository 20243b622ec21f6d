"""The example package of a Python strategy and a Python indicator: installed as pip would, then used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "docs/research/example-plugin"
DATA = ROOT / "data/sample/coinbase-BTCUSD-1h.csv"
FILES = ("breakout.yaml", "heikin-ashi.yaml")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was installed into."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder), str(EXAMPLE)], check=True, capture_output=True, cwd=folder)
    return folder


def test_readme_says_how_the_example_is_installed_without_a_network() -> None:
    words = "pip install --no-build-isolation --no-deps docs/research/example-plugin"  # as the fixture does
    assert words in (EXAMPLE / "README.md").read_text()


def tradewire(*words: str, path: Path | None) -> tuple[int, Any]:
    """Exit code and JSON of a command, with the package on the path or without."""
    environ = {**os.environ, "PYTHONPATH": "" if path is None else str(path)}
    command = [sys.executable, "-m", "tradewire.app.cli", *words, "--json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert found.stdout, found.stderr
    return found.returncode, json.loads(found.stdout)


@pytest.mark.parametrize("file", FILES)
def test_strategy_of_the_example_when_installed_then_valid_and_else_refused(file: str, installed: Path) -> None:
    code, report = tradewire("strategy", "validate", str(EXAMPLE / file), path=installed)
    assert (code, report["faults"]) == (0, [])
    assert tradewire("strategy", "validate", str(EXAMPLE / file), path=None)[0] == 1


@pytest.mark.parametrize("file", FILES)
def test_strategy_of_the_example_when_backtested_then_trades(file: str, installed: Path) -> None:
    code, result = tradewire("backtest", str(EXAMPLE / file), "--data", str(DATA), path=installed)
    assert code == 0
    assert len(result["trades"]) > 50


def test_language_when_the_indicator_is_installed_then_explains_it(installed: Path) -> None:
    code, answer = tradewire("strategy", "language", "heikin_ashi", path=installed)
    assert code == 0
    assert "outputs: .open, .close" in answer["indicators"][0]
