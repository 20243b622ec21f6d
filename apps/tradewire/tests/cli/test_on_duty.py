"""The commands that stop trading: the same as in the whole application, and light."""

from __future__ import annotations

import subprocess
import sys
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest
from apps.tradewire.tests.cli.test_command_line import names

from tradewire.app.cli import on_duty
from tradewire.app.cli.commands import app
from tradewire.app.cli.controls import SWITCHES
from tradewire.app.cli.output import Exit
from tradewire.trading.controls import SEVERITY

PROJECT = Path(__file__).parents[4]
ON_DUTY = ("halt", "reduce-only", "pause", "flatten", "resume", "controls", "limits")


def test_document_of_the_levels_names_every_level_and_its_command() -> None:
    lines = iter((PROJECT / "docs/controls.md").read_text().splitlines())
    rows = takewhile(bool, dropwhile(lambda line: not line.startswith("| level, command"), lines))
    named = [row.split("|")[1].strip() for row in list(rows)[2:]]
    commands = {switch.level: switch.name for switch in SWITCHES}
    assert named == [f"{level.value} `{commands[level]}`" for level in SEVERITY]


@pytest.mark.parametrize(
    ("name", "scope", "said"),
    [
        ("pause", "service:ingest", "market data is held back, so that nothing fills on a paper account"),
        ("resume", "service:ingest", "market data goes on"),
        ("pause", "account:main", "nothing is sent; protective orders stay at work"),
        ("resume", "global", "trading goes on; market data goes on"),
        ("halt", "global", "no new positions are opened"),
    ],
)
def test_command_says_what_its_level_does_within_its_scope(name: str, scope: str, said: str) -> None:
    (switch,) = [switch for switch in SWITCHES if switch.name == name]
    assert switch.effects(scope) == said


HEAVY = ("numba", "polars", "numpy", "pandas", "talib", "fastapi", "tradewire.backtest", "tradewire.trading.language")
"""What research and the services need; it takes seconds to load on a busy machine."""


@pytest.mark.parametrize("words", [["halt"], ["flatten"], ["resume"], ["controls"], ["limits", "set"]], ids=" ".join)
@pytest.mark.parametrize("more", [["--help"], ["--root", "nowhere"]], ids=" ".join)
def test_command_that_stops_trading_loads_nothing_heavy(words: list[str], more: list[str]) -> None:
    arguments = ["main", "max_leverage=1"] if words == ["limits", "set"] else []
    program = f"""
import sys
from itertools import dropwhile, takewhile
from tradewire.app.cli import main, on_duty
code = main({[*words, *arguments, *more]!r})
print(code, [name for name in {HEAVY!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    expected = Exit.DONE if more == ["--help"] else Exit.UNREACHABLE
    assert ran.stdout.splitlines()[-1] == f"{int(expected)} []", ran.stderr


def test_every_command_is_the_same_however_it_is_started() -> None:
    assert names(on_duty.app) == {words for words in names(app) if words[0] in ON_DUTY}
