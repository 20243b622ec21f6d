"""``tradewire data`` and ``tradewire indicator``: answers, documents, exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.moments import iso
from tradewire.app.cli.output import Exit, show_error
from tradewire.backtest.data.errors import VenueAwayError
from tradewire.testkit.rest_venue import HOUR_MS, START_MS, RestVenue

PROJECT = Path(__file__).parents[4]
DAILY = PROJECT / "data/sample/bitstamp-BTCUSD-1d.csv"
HOURLY = PROJECT / "data/sample/coinbase-BTCUSD-1h.csv"
HEADER = "open_time,open,high,low,close,volume\n"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def document(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    code, out, _ = run(capsys, *words, "--json")
    return code, json.loads(out)


def test_check_of_a_valid_file_has_exactly_the_keys_that_other_tools_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(capsys, "data", "check", DAILY)
    assert code == 0
    assert found == {
        "valid": True,
        "rows": 1865,
        "first_ms": 1417132800000,
        "last_ms": 1579219200000,
        "interval": "1d",
        "duplicates": [],
        "conflicts": [],
        "gaps": [{"after_ms": 1552953600000, "before_ms": 1554076800000, "missing": 12}],
        "errors": [],
    }


def test_check_of_a_bad_file_names_row_time_field_found_and_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    rows = [f"{START_MS + n * HOUR_MS},5,6,4,5,1" for n in (0, 1, 1, 2)]
    rows[1] = rows[1].replace("5,6,4", "5,4.5,4")
    path.write_text(HEADER + "\n".join([*rows, rows[0], rows[3] + "1"]))
    code, found = document(capsys, "data", "check", path)
    assert code == 1
    assert (found["valid"], found["rows"], found["interval"]) == (False, 6, "1h")
    assert found["duplicates"] == [START_MS]
    assert found["conflicts"] == [START_MS + 2 * HOUR_MS]
    assert found["errors"] == [
        {"row": 3, "time_ms": START_MS + HOUR_MS, "field": "high", "found": "4.5", "allowed": "≥ max(open, close) = 5"},
        {
            "row": 7,
            "time_ms": START_MS + 2 * HOUR_MS,
            "field": "open_time",
            "found": "other values than in row 5",
            "allowed": "one bar per open time",
        },
    ]
    code, out, _ = run(capsys, "data", "check", path)
    assert code == 1
    assert f"{path}, row 3, 2020-09-13T09:00:00Z: high: found 4.5, allowed ≥ max(open, close) = 5" in out


def test_check_of_no_file_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "data", "check", tmp_path / "none.csv")
    assert code == 2
    assert "No such file" in err


def test_info_and_resample(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, found = document(capsys, "data", "info", DAILY)
    assert code == 0
    assert (found["rows"], found["gaps"], found["missing"], found["price_decimals"]) == (1865, 1, 12, 2)
    code, made = document(capsys, "data", "resample", DAILY, "--to", "1w", "--out", tmp_path / "w.parquet")
    assert (code, made["rows"], made["dropped_ms"]) == (0, 266, [1417132800000, 1578873600000])
    assert document(capsys, "data", "check", tmp_path / "w.parquet")[1]["interval"] == "1w"
    code, _, err = run(capsys, "data", "resample", DAILY, "--to", "4h", "--out", tmp_path / "x.csv")
    assert code == Exit.USAGE
    assert "found 4h, allowed 2d, 3d, 4d, 5d, 1w" in err


def test_resample_names_the_bars_that_miss_some_of_theirs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("data", "resample", DAILY, "--to", "1w", "--out", tmp_path / "w.csv")
    _, made = document(capsys, *words)
    partial = made["partial"]
    assert [(bar["bars"], bar["of"]) for bar in partial] == [(2, 7)]
    assert [gap["missing"] for gap in made["gaps"]] == [1]
    code, _, err = run(capsys, *words)
    assert code == 0
    assert f"partial: the 1w bar at {iso(partial[0]['time_ms'] * 1000)} is made of 2 of 7 bars" in err


def test_rows_and_bars_are_counted_alike_by_check_info_and_backtest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = HOURLY.read_text(encoding="utf-8").splitlines()[:1501]
    file = tmp_path / "coinbase-BTCUSD-1h.csv"
    file.write_text("\n".join(["# mine", *lines, lines[7]]) + "\n", encoding="utf-8")
    _, checked = document(capsys, "data", "check", file)
    _, described = document(capsys, "data", "info", file)
    assert (checked["rows"], checked["bars"]) == (described["rows"], described["bars"]) == (1501, 1500)
    assert checked["remarks"] == ["1 line of comment before the columns"]
    assert described["remarks"] == [
        *checked["remarks"],
        "1 open times stood more than once, equal each time: kept once",
    ]
    code, said, _ = run(capsys, "backtest", PROJECT / "strategies/ema-cross-btc.yaml", "--data", file)
    assert code == 0
    assert "1,500 closes" in said
    assert "data: BTCUSD: 1 line of comment before the columns" in said


def test_a_time_zone_is_told_by_its_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = [f"2024-01-0{day} 09:00,10,12,9,11,1" for day in range(1, 4)]
    file.write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
    _, found = document(capsys, "data", "check", file, "--tz", "Asia/Tokyo")
    assert (found["valid"], found["interval"], found["first_ms"]) == (True, "1d", 1_704_067_200_000)
    assert found["remarks"] == ["times without a zone are read as Asia/Tokyo"]
    code, _, err = run(capsys, "data", "check", file, "--tz", "Tokyo")
    assert code == Exit.USAGE
    assert "--tz: found 'Tokyo', allowed a name of the time zone database" in err


def test_a_series_that_reads_no_volume_needs_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = [f"{1_704_067_200_000 + n * 3_600_000},10,12,9,{10 + n % 3}" for n in range(30)]
    file.write_text("\n".join(["time,open,high,low,close", *rows]) + "\n")
    code, _ = document(capsys, "indicator", "compute", "ema(close, 5)", "--data", file)
    assert code == 0
    code, _, err = run(capsys, "indicator", "compute", "obv()", "--data", file)
    assert code == Exit.REFUSED
    assert "volume: found no column for the volume, allowed a volume in every row, for `obv()`" in err


def test_fetch_asks_a_venue_and_writes_what_check_takes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    venue = RestVenue(hours=30)
    words = ["--symbol", "BTC/USDT:USDT", "--interval", "1h", "--from", START_MS, "--out", tmp_path]
    try:
        code, found = document(capsys, "data", "fetch", *words, "--base-url", venue.url)
    finally:
        venue.close()
    assert code == 0
    assert {kind: (Path(told["file"]).name, told["rows"]) for kind, told in found.items()} == {
        "candles": ("binanceusdm-BTCUSDT-1h.parquet", 30),
        "mark": ("binanceusdm-BTCUSDT-mark-1h.parquet", 30),
        "funding": ("binanceusdm-BTCUSDT-funding.parquet", 4),
    }
    code, checked = document(capsys, "data", "check", tmp_path / "binanceusdm-BTCUSDT-1h.parquet")
    assert (code, checked["valid"], checked["rows"]) == (0, True, 30)


@pytest.mark.parametrize("form", [[], ["--stream"], ["--adapter", "talib"]])
def test_compute_writes_open_time_and_a_column_for_each_output(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: list[str]
) -> None:
    path = tmp_path / "o.csv"
    code, _, _ = run(capsys, "indicator", "compute", "macd(close)", "--data", DAILY, "--csv", path, *form)
    assert code == 0
    with path.open() as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["open_time", "macd", "signal", "histogram"]
    assert rows[1] == ["1417132800000", "", "", ""]
    assert len(rows) == 1866
    assert rows[33][1] == ""
    assert float(rows[34][1]) == pytest.approx(-14.881134511085293, rel=1e-12)


def test_compute_as_json_has_null_while_it_warms_up(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(capsys, "indicator", "compute", "sma(close, 2)", "--data", DAILY)
    assert code == 0
    assert found["outputs"]["value"][0] is None
    assert found["outputs"]["value"][1] == (376.28 + 376.72) / 2
    assert found["open_time"][:2] == [1417132800000, 1417219200000]


def test_compute_of_what_is_no_expression_or_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "indicator", "compute", "rsi(clos)", "--data", DAILY)
    assert code == 2
    assert "did you mean `close`?" in err
    code, _, err = run(capsys, "indicator", "compute", "choppiness(14)", "--data", DAILY, "--adapter", "talib")
    assert code == 1
    assert "TA-Lib has no choppiness" in err


def test_compare_says_yes_or_names_the_first_bar_that_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "indicator", "compare", "rsi(close, 14)", "--data", DAILY)[0] == 0
    code, found = document(capsys, "indicator", "compare", "macd(close).macd", "--data", DAILY)
    assert code == 1
    assert [(row["way"], row["bar"]) for row in found["ways"]][-1] == ("pandas-ta", 33)


def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = document(capsys, "indicator", "list")
    assert code == 0
    assert len(found) >= 60
    adapters = {row["call"]: row["adapters"] for row in found}
    assert adapters["rsi(close, 14)"] == ["native", "talib", "pandas-ta"]
    code, told = document(capsys, "indicator", "show", "rsi")
    assert (code, told["warmup_bars"], told["outputs"]) == (0, 14, ["value"])
    code, _, err = run(capsys, "indicator", "show", "rsii")
    assert code == 1
    assert "did you mean 'rsi'" in err


def test_venue_that_does_not_answer_is_no_matter_of_the_platform(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(VenueAwayError("binanceusdm: 6 attempts failed"), Exit.UNREACHABLE, as_json=False)
    said = capsys.readouterr().err
    assert "--base-url" in said
    assert "tradewire status" not in said
