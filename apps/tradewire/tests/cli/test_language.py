"""``tradewire strategy language``, and warnings of files that other readers of YAML read differently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit

EARLIER = """\
id: earlier
symbols: [BTCUSD]
venue: coinbase
interval: 1h
indicators: {fast: ema(close, 12)}
entry_long: close > fast
exit_long: close < fast
sizing: {fixed_qty: 1}
"""
WARNING = "line 5, column 20: to YAML this entry ends at its first comma"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("stop_loss", "protect: {stop_loss: 2.5 * atr(14)}"),
        ("volatility", "Yearly realized volatility"),
        ("sizing", "risk_per_trade"),
        ("functions", "crossed_above"),
        ("rsi", "rsi(close, 14)"),
    ],
)
def test_language_when_a_word_is_asked_then_explained(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "language", word]) == Exit.DONE
    assert said in capsys.readouterr().out


def test_language_when_asked_as_json_then_each_example_is_a_file_that_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategy", "language", "take_profit", "--json"]) == Exit.DONE
    (word,) = json.loads(capsys.readouterr().out)["words"]
    file = tmp_path / "example.yaml"
    file.write_text(word["file"])
    assert main(["strategy", "validate", str(file)]) == Exit.DONE


def test_language_when_no_word_is_given_then_every_chapter_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "language"]) == Exit.DONE
    assert "fraction_of_equity" in capsys.readouterr().out


def test_language_when_a_word_is_misspelt_then_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "language", "stop_los"]) == Exit.REFUSED
    assert "did you mean `stop_loss`?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["strategy", "validate"], ["backtest"], ["compare"]])
def test_command_when_a_file_has_calls_without_quotes_then_it_warns_with_the_quoted_one(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "earlier.yaml", Path(__file__).parents[4] / "data/sample"
    file.write_text(EARLIER)
    given = [] if "validate" in command else ["--data", str(data / "coinbase-BTCUSD-1h.csv"), "--to", "2017-08-01"]
    assert main([*command, str(file), *given]) == Exit.DONE
    printed = capsys.readouterr()
    assert WARNING in printed.out + printed.err
    assert "write it in quotes: fast: 'ema(close, 12)'" in printed.out + printed.err
