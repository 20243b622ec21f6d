"""Commands that are loaded when they are asked for: the same ones, and what they do not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tradewire.app.cli.commands import app
from tradewire.app.cli.on_demand import COMMANDS, app_for

PROJECT = Path(__file__).parents[4]
STRATEGY, SAMPLE = "strategies/ema-cross-btc.yaml", "data/sample/coinbase-BTCUSD-1h.csv"
PLATFORM = (
    "fastapi",
    "aiokafka",
    "sqlalchemy",
    "tradewire.runtime.loop",
    "tradewire.runtime.codec",
    "tradewire.embedded",
)
RESEARCH = ("numba", "pandas", "plotly", "optuna", "tradewire.backtest.futures", "tradewire.backtest.vectorized")


def test_what_is_known_of_a_command_is_what_it_says_itself() -> None:
    loaded = typer.main.get_command(app)
    said = {name: (one.help or "").split("\n\n")[0].replace("\n", " ") for name, one in loaded.commands.items()}  # type: ignore[attr-defined]  # a group
    assert said == {name: known.help for name, known in COMMANDS.items()}
    assert list(said) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_asked_for_is_loaded_and_no_other_hidden(name: str) -> None:
    asked = typer.main.get_command(app_for([name, "--help"]))
    assert set(asked.commands) == set(COMMANDS)  # type: ignore[attr-defined]  # a group
    own, whole = asked.commands[name], typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]  # groups
    assert [option.opts for option in own.params] == [option.opts for option in whole.params]


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], (*PLATFORM, *RESEARCH, "numpy", "polars", "tradewire.backtest", "tradewire.trading.language")),
        (["no-such"], (*PLATFORM, *RESEARCH, "numpy", "polars")),
        (["strategy", "validate", STRATEGY], (*PLATFORM, *RESEARCH, "polars", "tradewire.ports.events")),
        (["strategy", "language", "ema"], (*PLATFORM, *RESEARCH, "polars")),
        (["data", "check", SAMPLE], (*PLATFORM, *RESEARCH, "tradewire.trading.indicators", "tradewire.ports.events")),
        (["data", "info", SAMPLE], (*PLATFORM, *RESEARCH, "tradewire.trading.indicators", "ccxt")),
        (["lag", "--help"], (*RESEARCH, "fastapi", "polars", "tradewire.backtest")),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_a_command_loads_nothing_that_it_does_not_need(words: list[str], heavy: tuple[str, ...]) -> None:
    program = f"""
import json, sys
from tradewire.app.cli import main
main({words!r})
loaded = [name for name in {heavy!r} if name in sys.modules]
print(json.dumps(loaded), file=sys.stderr)
"""
    ended = subprocess.run(  # our own program
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert json.loads(ended.stderr.splitlines()[-1]) == []
