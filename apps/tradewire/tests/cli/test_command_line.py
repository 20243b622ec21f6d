"""What every command has in common, and what needs no platform."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from tradewire.app.cli import main
from tradewire.app.cli.commands import app
from tradewire.app.cli.limit_words import parse_limits
from tradewire.app.cli.moments import ago, iso, moment, span
from tradewire.app.cli.output import CommandError, Exit, number, plain
from tradewire.app.cli.strategy import STYLES, report_answer
from tradewire.app.operating.live_venues import LiveVenue
from tradewire.app.operating.market import live_market
from tradewire.app.operating.validate import validate
from tradewire.ports.events import ConfigStatus, ControlLevel
from tradewire.testkit.builders import assessment
from tradewire.testkit.strategies import active, document, status

PROJECT = Path(__file__).parents[4]
STRATEGY = PROJECT / "strategies/ema-cross-btc.yaml"
SAMPLE = str(PROJECT / "data/sample/coinbase-BTCUSD-1h.csv")


def names(group: typer.Typer, before: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every command that can be typed."""
    own = {(*before, str(c.name or c.callback.__name__)) for c in group.registered_commands if c.callback}
    return own.union(
        *(names(g.typer_instance, (*before, str(g.name))) for g in group.registered_groups if g.typer_instance)
    )


ALL_COMMANDS = [list(words) for words in sorted(names(app))]
ASKS_A_PLATFORM = [
    ["status"],
    ["lag"],
    ["halt"],
    ["controls"],
    ["strategy", "list"],
    ["strategy", "publish", str(STRATEGY)],
    ["topics", "plan"],
    ["contracts", "check"],
    ["limits", "show"],
    ["dlq", "list"],
    ["explain", "twe-x"],
]


@pytest.mark.parametrize("words", ALL_COMMANDS, ids=" ".join)
def test_help_of_every_command_has_an_example_the_json_option_and_exit_codes(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert f"Example: tradewire {' '.join(words)}" in shown
    assert "--json" in shown
    assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("words", ASKS_A_PLATFORM, ids=lambda words: " ".join(words[:2]))
def test_command_without_a_platform_says_how_to_start_one(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--root", str(tmp_path / "nowhere")]) == Exit.UNREACHABLE
    said = capsys.readouterr()
    assert said.out == ""
    assert "tradewire up" in said.err
    assert "Traceback" not in said.err


def test_error_is_a_document_when_json_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["lag", "--json", "--root", str(tmp_path)])
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == code == Exit.UNREACHABLE
    assert "no platform runs" in document["error"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such"], "No such command"),
        (["strategy", "validate", "nowhere.yaml"], "No such file"),
        (["up", "ingester"], "allowed: ingest, indicator"),
        (["up", "--market", "moon"], "allowed: live, replay"),
        (["run", "--scenario", "moon"], "btc-hourly"),
        (["halt", "--account", "a", "--strategy", "b"], "one of them"),
        (["limits", "set", "main", "max_orders=1"], "max_order_notional"),
        (["dlq", "list", "--service", "rsk"], "allowed: ingest"),
        (["explain", "a", "b"], "CLIENT_ORDER_ID, or STRATEGY SYMBOL TIME"),
        (["explain", "a", "b", "yesterday"], "ISO 8601"),
        (["lag", "--bus", "http://there"], "bus address"),
        (["backtest", str(STRATEGY), "--data", "nowhere.csv"], "found no such file"),
        (["backtest", str(STRATEGY), "--data", SAMPLE, "--set", "fast=1"], "allowed fast_len, slow_len"),
        (["backtest", str(STRATEGY), "--data", SAMPLE, "--brackets", "nowhere.json"], "nowhere.json"),
        (["sweep", str(STRATEGY), "--data", SAMPLE, "--params", "rubbish"], "NAME=LOW:HIGH:STEP"),
        (["sweep", str(STRATEGY), "--data", SAMPLE, "--search", "luck"], "allowed grid, random, tpe"),
        (["data", "info", "nowhere.csv"], "No such file"),
        (["data", "resample", SAMPLE, "--to", "7h", "--out", "x.csv"], "found 7h"),
        (["data", "resample", SAMPLE, "--to", "4h", "--out", "x.txt"], ".csv or .parquet"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_says_what_was_found_and_what_is_allowed(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    assert main(words) == Exit.USAGE
    assert said in capsys.readouterr().err


def options_with_decimals() -> list[tuple[str, Any]]:
    """Every option of every command that typer reads as a float."""
    found: list[tuple[str, Any]] = []

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))
        found.extend(
            (" ".join((*words, p.opts[0])), p) for p in command.params if p.type_descriptor.annotation is float
        )

    walk(typer.main.get_command(app), ())
    return found


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_no_option_with_decimals_takes_a_number_that_is_not_finite(text: str) -> None:
    options = options_with_decimals()
    assert len(options) > 5
    context = typer.Context(typer.main.get_command(app))
    for name, option in options:
        with pytest.raises(typer.BadParameter):
            pytest.fail(f"{name} takes {option.process_value(context, text)}")


@pytest.mark.parametrize("text", ["nan", "sNaN", "inf", "-Infinity", "1e400"])
@pytest.mark.parametrize("option", ["--capital", "--fees", "--slippage", "--volume-share", "--set", "--limit"])
def test_no_option_of_research_takes_a_number_that_is_not_finite(
    option: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    word = {"--set": f"fast_len={text}", "--limit": f"max_leverage={text}"}.get(option, text)
    assert main(["backtest", str(STRATEGY), "--data", SAMPLE, f"{option}={word}"]) != Exit.DONE
    said = capsys.readouterr().err
    assert "found" in said
    assert "allowed" in said


@pytest.mark.parametrize("word", ["fast_len=nan", "fast_len=nan:60:5", "fast_len=5:inf:5", "fast_len=5:60:nan"])
def test_no_range_of_a_sweep_takes_a_number_that_is_not_finite(
    word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(STRATEGY), "--data", SAMPLE, "--params", word]) == Exit.USAGE
    assert "--params: found fast_len=" in capsys.readouterr().err


def test_wrong_usage_outside_a_project_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == Exit.USAGE
    assert "`tradewire init` writes them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["backtest", "nowhere.yaml", "--data", SAMPLE], ["backtest", str(STRATEGY)], ["lag", "--no-such"]]
)
def test_wrong_usage_is_a_document_too(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main([*words, "--json"])

    assert code == Exit.USAGE
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == Exit.USAGE
    assert document["error"]


@pytest.mark.parametrize("group", sorted({words[0] for words in ALL_COMMANDS if len(words) > 1}))
def test_help_of_every_group_has_an_example(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group, "--help"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert f"Example: tradewire {group} " in shown
    assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("content", ["", "open_time,open,high,low,close,volume\n"])
def test_run_on_a_file_without_bars_is_refused_at_once(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strategies").mkdir()
    data = tmp_path / "data/sample"
    data.mkdir(parents=True)
    (data / "coinbase-BTCUSD-1h.csv").write_text(content)
    monkeypatch.chdir(tmp_path)

    assert main(["run", "--monolith", "--json"]) == Exit.REFUSED

    assert f"no bars in {data / 'coinbase-BTCUSD-1h.csv'}" in json.loads(capsys.readouterr().out)["error"]


def test_validate_of_a_sample_strategy_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "validate", str(STRATEGY)]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "ema-cross-btc is valid" in shown
    assert "ema(close,12)" in shown


def test_validate_of_a_faulty_strategy_gives_line_column_and_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faulty.yaml"
    file.write_text(STRATEGY.read_text().replace("crossed_below(fast, slow)\n", "crossunder(fast, slow)\n", 1))
    assert main(["strategy", "validate", str(file), "--json"]) == Exit.REFUSED
    report = json.loads(capsys.readouterr().out)
    (fault,) = report["faults"]
    line = file.read_text().splitlines()[fault["line"] - 1]
    assert line[fault["column"] - 1 :].startswith("crossunder")
    assert "crossed_below" in fault["suggestion"]
    assert not report["valid"]


@pytest.mark.parametrize("path", sorted((PROJECT / "strategies").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sample_strategy_is_valid(path: Path) -> None:
    assert validate(path.read_text()).faults == ()


def test_strategy_moved_to_the_live_market_is_valid_there() -> None:
    (document,) = live_market(LiveVenue("kraken", "ccxt"), ["ETHUSD", "BTCUSD"], "5m").documents
    report = validate(document)
    assert (report.valid, report.venue, report.symbols, report.interval) == (True, "kraken", ("ETHUSD",), "5m")


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1546682400000", 1_546_682_400_000_000),
        ("2019-01-05T10:00Z", 1_546_682_400_000_000),
        ("2019-01-05T10:00", 1_546_682_400_000_000),
        ("2019-01-05T11:00+01:00", 1_546_682_400_000_000),
        ("2019-01-05", 1_546_646_400_000_000),
    ],
)
def test_moment_reads_what_people_type(text: str, time_us: int) -> None:
    assert moment(text) == time_us
    assert moment(iso(time_us)) == time_us


def test_durations_are_told_in_the_largest_unit_that_fits() -> None:
    assert [span(s) for s in (0.25, 90, 7200, 200_000)] == ["0.2 s", "1.5 min", "2.0 h", "2.3 d"]
    assert ago(None, 0) == "never"
    assert ago(1_000_000, 3_000_000) == "2.0 s ago"


def test_json_form_keeps_every_digit() -> None:
    document = plain(assessment(1, equity=Decimal("12345678901234567890.12345678")))
    assert document["equity"] == "12345678901234567890.12345678"
    assert json.loads(json.dumps(document)) == document
    assert number(Decimal("5000.00000000")) == "5000"
    assert number(Decimal("-0.10")) == "-0.1"
    assert number(Decimal("0E-8")) == "0"
    assert plain({ControlLevel.NORMAL: b"\x01"}) == {"NORMAL": "01"}


def test_limits_are_read_as_exact_numbers() -> None:
    words = ["max_order_notional=5000.10", "max_leverage=none", "max_orders_per_minute=60"]
    assert parse_limits(words) == {
        "max_order_notional": Decimal("5000.10"),
        "max_leverage": None,
        "max_orders_per_minute": 60,
    }


@pytest.mark.parametrize(
    "word", ["max_leverage", "max_leverage=", "max_leverage=-1", "max_leverage=0", "max_leverage=nan", "leverage=1"]
)
def test_limit_that_makes_no_sense_is_refused(word: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse_limits([word])
    assert refused.value.code is Exit.USAGE


def test_every_answer_has_its_colour() -> None:
    assert set(STYLES) == set(ConfigStatus)


def test_answer_to_a_version_when_it_misses_bars_of_its_markets_then_says_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begins = active(document(), effective_from_us=1_518_030_000_000_001)
    answer = status(begins).model_copy(update={"start_reason": "begins behind the newest bar of sim:ETHUSDT 1h"})
    report_answer(answer, as_json=False)
    assert "version 1 begins behind the newest bar of sim:ETHUSDT 1h" in " ".join(capsys.readouterr().out.split())
