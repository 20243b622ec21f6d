"""``tradewire backtest``, as typed."""

from __future__ import annotations

import json
import os
import threading
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tradewire.app.cli.entry import main
from tradewire.app.cli.output import Exit
from tradewire.app.cli.research import ready_line

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "data/sample"
DAILY = str(ROOT / "strategies/trend-daily.yaml")
HOURLY = str(ROOT / "strategies/ema-cross-btc.yaml")
CANDLES = str(SAMPLE / "coinbase-BTCUSD-1h.csv")
SPAN = ("--from", "2018-01-01", "--to", "2018-03-01")


def test_result_as_json_has_the_keys_that_other_tools_read(tmp_path: Path) -> None:
    target = tmp_path / "result.json"

    assert main(["backtest", HOURLY, "--data", CANDLES, *SPAN, "--json", str(target)]) == Exit.DONE

    found = json.loads(target.read_text())
    keys = "fingerprint engine strategy settings ready_from_ms ruined_at_ms activity stats trades equity"
    assert set(found) == set(keys.split())
    assert (found["engine"], found["strategy"]) == ("futures", "ema-cross-btc")
    assert len(found["fingerprint"]) == 64
    assert len(found["equity"]) == 1 + 59, "the first close, then one a day"
    assert found["ready_from_ms"] == {"BTCUSD": found["equity"][0][0]}, "warmed up on the bars before"
    trade = found["trades"][0]
    keys = "symbol side qty entry_time_ms exit_time_ms entry_price exit_price fees funding pnl slippage entry_reason"
    keys += " exit_reason bars held_ms return_ratio mae_ratio mfe_ratio"
    assert set(trade) == set(keys.split())
    assert all(isinstance(trade[name], str) for name in ("qty", "entry_price", "exit_price", "fees", "funding", "pnl"))
    total = sum(Decimal(item["pnl"]) for item in found["trades"])
    gained = Decimal(found["equity"][-1][1]) - 100_000
    assert abs(total - gained) < Decimal("0.0001")


@pytest.mark.parametrize("command", [["backtest"], ["sweep", "--params", "fast_len=10,20"]])
def test_json_is_written_into_a_pipe_as_a_shell_hands_it(command: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    found: list[str] = []
    reading = threading.Thread(target=lambda: found.append(os.fdopen(reader).read()))
    reading.start()
    words = [command[0], HOURLY, "--data", CANDLES, *SPAN, *command[1:], "--json", f"/dev/fd/{writer}"]
    try:
        assert main(words) == Exit.DONE
    finally:
        os.close(writer)
        reading.join()
    assert json.loads(found[0])


def test_bare_json_goes_to_stdout_and_nothing_else_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", HOURLY, "--data", CANDLES, *SPAN, "--json"]) == Exit.DONE

    assert json.loads(capsys.readouterr().out)["engine"] == "futures"


def test_text_ends_with_the_fingerprint_and_says_how_orders_filled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", HOURLY, "--data", CANDLES, *SPAN]) == Exit.DONE

    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("fingerprint: ")
    assert "Sharpe ratio" in out
    assert "fill model: decided at a bar's close" in out


def test_entries_that_are_refused_are_said_by_rule(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["backtest", HOURLY, "--data", CANDLES, *SPAN, "--limit", "max_order_notional=10"]

    assert main(words) == Exit.DONE
    said = capsys.readouterr().out
    assert main([*words, "--json"]) == Exit.DONE

    found = json.loads(capsys.readouterr().out)["activity"]
    refused = found["refused"]["max_order_notional"]
    assert f"refused by risk: {refused} of {refused} entries: max_order_notional {refused}" in said
    assert (found["entries"], found["signals"] - found["signals_ignored"]) == (0, refused)


def test_settings_and_parameters_reach_the_account(capsys: pytest.CaptureFixture[str]) -> None:
    account = ["--capital", "5000", "--fees", "0", "--slippage", "0", "--leverage", "3", "--margin-mode", "isolated"]
    words = [*account, "--set", "fast_len=9"]

    assert main(["backtest", HOURLY, "--data", CANDLES, *SPAN, *words, "--json"]) == Exit.DONE

    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["margin_mode"] == "ISOLATED"
    assert found["settings"]["params"]["fast_len"] == 9
    assert found["equity"][0][1] == "5000"
    assert {trade["fees"] for trade in found["trades"]} == {"0"}


def test_files_of_a_run_hold_what_the_result_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"

    assert main(["backtest", DAILY, "--data", str(SAMPLE), "--out", str(folder), "--json"]) == Exit.DONE

    found = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "result.json").read_text()) == found
    assert len(pl.read_parquet(folder / "trades.parquet")) == len(found["trades"])
    assert len(pl.read_parquet(folder / "equity.parquet")) == len(found["equity"])
    origin = json.loads((folder / "provenance.json").read_text())
    assert origin["fingerprint"] == found["fingerprint"]
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--engine", "fast"], Exit.USAGE, "found engine 'fast', allowed vectorized, futures, replay, kafka"),
        (["--capital", "lots"], Exit.USAGE, "--capital: found 'lots', allowed a number"),
        (["--fees", "2"], Exit.USAGE, "--fees: found 2, allowed 0 to 0.99999999"),
        (["--set", "fast_len"], Exit.USAGE, "found parameter 'fast_len', allowed NAME=NUMBER"),
        (["--set", "fst_len=9"], Exit.USAGE, "fst_len"),
        (["--from", "yesterday"], Exit.USAGE, "found time 'yesterday'"),
        (["--from", "2030-01-01"], Exit.REFUSED, "bar"),
        (["--leverage", "500"], Exit.REFUSED, "leverage"),
    ],
)
def test_what_cannot_be_run_is_told(
    words: list[str], code: Exit, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", HOURLY, "--data", CANDLES, *words]) == code

    assert message in " ".join(capsys.readouterr().err.split())


def test_bad_candles_are_told_with_row_time_and_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path(CANDLES).read_text().splitlines()[:200]
    lines[100] = lines[100].replace(lines[100].split(",")[4], "-5")
    bad = tmp_path / "coinbase-BTCUSD-1h.csv"
    bad.write_text("\n".join(lines))

    assert main(["backtest", HOURLY, "--data", str(bad)]) == Exit.REFUSED

    said = " ".join(capsys.readouterr().err.split())
    assert "row 101" in said
    assert "-5" in said


def test_finer_candles_are_walked_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    longer, text = tmp_path / "coinbase-BTCUSD-2h.csv", Path(HOURLY).read_text().replace("interval: 1h", "interval: 2h")
    (tmp_path / "strategy.yaml").write_text(text)
    assert main(["data", "resample", CANDLES, "--to", "2h", "--out", str(longer)]) == Exit.DONE
    words = ["backtest", str(tmp_path / "strategy.yaml"), "--data", str(longer), *SPAN, "--json"]
    capsys.readouterr()

    found = {}
    for name, more in (("guessed", []), ("walked", ["--path-data", CANDLES])):
        assert main([*words, *more]) == Exit.DONE
        found[name] = json.loads(capsys.readouterr().out)

    assert "708 of 708 bars walked along their 1h bars" in found["walked"]["settings"]["fill_model"]
    assert found["walked"]["fingerprint"] != found["guessed"]["fingerprint"]
    assert main([*words, "--path-data", CANDLES, "--engine", "vectorized"]) == Exit.DONE
    assert "1h path data is not used" in " ".join(json.loads(capsys.readouterr().out)["settings"]["left_out"])


def test_many_symbols_that_are_ready_at_one_close_are_told_by_their_number() -> None:
    few = {"BTCUSD": 0, "ETHUSD": None}
    assert ready_line(few) == "ready: BTCUSD from 1970-01-01T00:00:00Z, ETHUSD never"
    many = {f"S{number}": 0 for number in range(2000)} | {"LATE": 3_600_000_000}
    assert ready_line(many) == "ready: 2,000 symbols from 1970-01-01T00:00:00Z, LATE from 1970-01-01T01:00:00Z"
