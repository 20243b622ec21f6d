"""Candles of files: what loads alike bit for bit, what is refused, what is reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradewire.backtest.data import Gap, Inspection, MarketDataError, csv_rows, inspect_file, load_candles
from tradewire.backtest.data.csv_rows import quick_rows, strict_rows
from tradewire.backtest.data.judged import JudgedRows

FIRST_MS = 1_571_302_800_000  # 2019-10-17 09:00
HOUR_MS = 3_600_000
ROWS = (
    ("8051", "8056.83", "8021.23", "8035.88", "61.25"),
    ("8035.88", "8070", "7975.89", "8051.00", "370.45"),
    ("8051.00", "8051.00", "8051.00", "8051.00", "0.0"),
    ("8051.1", "8061.1", "8031.1", "8041.12345678", "0.00000001"),
)
MS = [FIRST_MS + n * HOUR_MS for n in range(4)]
HEADER = "open_time,open,high,low,close,volume"


def csv_of(times: list[object], *, header: str = HEADER, tail: str = "") -> str:
    lines = [",".join([str(time), *row]) + tail for time, row in zip(times, ROWS, strict=True)]
    return "\n".join(([header] if header else []) + lines) + "\n"


PLAIN = csv_of([*MS])
LINES = PLAIN.splitlines()
ISO = [f"2019-10-17T{9 + n:02d}:00:00" for n in range(4)]
GOOD = {
    "plain": PLAIN,
    "no header": csv_of([*MS], header=""),
    "Binance, 12 columns": csv_of([*MS], header="", tail=",1571306399999,492394.56,812,30.1,241000.2,0"),
    "title case": csv_of([*MS], header="Open Time,Open,High,Low,Close,Volume"),
    "seconds": csv_of([ms // 1000 for ms in MS]),
    "microseconds": csv_of([ms * 1000 for ms in MS]),
    "ISO without a zone": csv_of([*ISO]),
    "ISO with Z": csv_of([time + "Z" for time in ISO]),
    "ISO with offset": csv_of([f"2019-10-17 {11 + n}:00:00+02:00" for n in range(4)]),
    "BOM": "\ufeff" + PLAIN,
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "quotes": csv_of([f'"{ms}"' for ms in MS]),
    "reversed": "\n".join([LINES[0], *reversed(LINES[1:])]),
    "unsorted": "\n".join(LINES[place] for place in (0, 3, 1, 4, 2)),
    "equal duplicate": PLAIN + LINES[2] + "\n",
    "separators behind": csv_of([*MS], tail=","),
    "extra columns": csv_of([*MS], header=HEADER + ",trades,note", tail=",812,x"),
    "other order": "\n".join(
        ["volume,close,low,high,open,open_time"]
        + [",".join([*reversed(row), str(ms)]) for ms, row in zip(MS, ROWS, strict=True)]
    ),
}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    return path


def inspected(tmp_path: Path, text: str) -> Inspection:
    return inspect_file(written(tmp_path, text))


@pytest.mark.parametrize("name", GOOD)
def test_every_good_variant_loads_to_the_same_bars_bit_for_bit(tmp_path: Path, name: str) -> None:
    candles = load_candles(written(tmp_path, GOOD[name]))
    assert candles.interval == "1h"
    assert candles.open_time_us.tolist() == [ms * 1000 for ms in MS]
    for column, texts in zip(candles.columns, zip(*ROWS, strict=True), strict=True):
        assert column.tobytes() == np.array([float(text) for text in texts]).tobytes()


@pytest.mark.parametrize("time", ["int64 ms", "moments", "moments in a zone"])
def test_parquet_loads_to_the_same_bars(tmp_path: Path, time: str) -> None:
    times = pl.Series("open_time", MS)
    if time != "int64 ms":
        times = times.cast(pl.Datetime("ms", None if time == "moments" else "UTC"))
    names = HEADER.split(",")[1:]
    columns = {name: [float(row[place]) for row in ROWS] for place, name in enumerate(names)}
    pl.DataFrame({"open_time": times, **columns}).write_parquet(tmp_path / "x.parquet")
    found, plain = load_candles(tmp_path / "x.parquet"), load_candles(written(tmp_path, PLAIN))
    assert found.open_time_us.tobytes() == plain.open_time_us.tobytes()
    assert [column.tobytes() for column in found.columns] == [column.tobytes() for column in plain.columns]


BAD = {
    "empty": ("", (None, None, "content", "an empty file")),
    "header only": (HEADER + "\n", (None, None, "content", "a header and no rows")),
    "NaN": (PLAIN.replace("370.45", "NaN"), (3, MS[1], "volume", "NaN")),
    "infinite": (PLAIN.replace("370.45", "inf"), (3, MS[1], "volume", "inf")),
    "negative": (PLAIN.replace("370.45", "-1"), (3, MS[1], "volume", "-1")),
    "zero price": (PLAIN.replace("8021.23", "0.0"), (2, MS[0], "low", "0.0")),
    "high below low": (PLAIN.replace("8070", "7900"), (3, MS[1], "high", "7900")),
    "open above high": (PLAIN.replace("8051,8056.83", "8057,8056.83"), (2, MS[0], "high", "8056.83")),
    "close below low": (PLAIN.replace("8041.12345678", "8031"), (5, MS[3], "low", "8031.1")),
    "text": (PLAIN.replace("8070", "n/a"), (3, MS[1], "high", "n/a")),
    "thousands": (PLAIN.replace("8070", '"8,070"'), (3, MS[1], "high", "8,070")),
    "truncated": (PLAIN[:-28], (5, None, "row", "4 columns")),
    "off the grid": (PLAIN.replace(str(MS[2]), str(MS[2] + 1)), (4, MS[2] + 1, "open_time", f"{MS[2] + 1} ms")),
    "too fine": (PLAIN.replace("370.45", "0.300000000000000000001"), (3, MS[1], "volume", "0.300000000000000000001")),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_variant_says_row_time_field_and_what_was_found(tmp_path: Path, name: str) -> None:
    text, wanted = BAD[name]
    found = inspected(tmp_path, text)
    assert not found.valid
    assert (found.candles is None) == (wanted[2] != "volume")
    (error,) = found.errors
    assert (error.row, error.time_ms, error.field, error.found) == wanted
    assert error.allowed
    with pytest.raises(MarketDataError) as caught:
        load_candles(tmp_path / "x.csv")
    assert (caught.value.row, caught.value.field, caught.value.found) == (wanted[0], *wanted[2:])


def test_a_bad_row_of_parquet_is_told_like_one_of_a_csv_file(tmp_path: Path) -> None:
    names = HEADER.split(",")[1:]
    columns = {name: [float(row[place]) for row in ROWS] for place, name in enumerate(names)}
    columns["high"][1] = 7900.0
    columns["volume"][2] = float("nan")
    pl.DataFrame({"open_time": MS, **columns}).write_parquet(tmp_path / "x.parquet")
    errors = inspect_file(tmp_path / "x.parquet").errors
    assert [(e.row, e.time_ms, e.field, e.found) for e in errors] == [
        (2, MS[1], "high", "7900.0"),
        (3, MS[2], "volume", "nan"),
    ]


def test_one_reason_to_refuse_a_row_does_not_hide_another(tmp_path: Path) -> None:
    worse = PLAIN.replace(f"{MS[1]},8035.88,8070,7975.89", f"{MS[1] + 1},n/a,8040,8060").replace("370.45", "-1")
    found = [(error.row, error.field, error.found) for error in inspected(tmp_path, worse).errors]
    assert found == [
        (3, "open", "n/a"),
        (3, "volume", "-1"),
        (3, "high", "8040"),
        (3, "low", "8060"),
        (3, "open_time", f"{MS[1] + 1} ms"),
    ]


def test_gaps_and_equal_duplicates_are_reported_and_never_mended(tmp_path: Path) -> None:
    found = inspected(tmp_path, PLAIN.replace(str(MS[3]), str(MS[3] + 5 * HOUR_MS)) + LINES[2] + "\n" + LINES[2])
    assert found.valid
    assert (found.rows, found.first_ms, found.last_ms) == (6, MS[0], MS[3] + 5 * HOUR_MS)
    assert found.duplicates == (MS[1],)
    assert found.gaps == (Gap(after_ms=MS[2], before_ms=MS[3] + 5 * HOUR_MS, missing=5),)
    assert found.candles is not None
    assert len(found.candles) == 4


def test_a_conflict_names_both_rows_and_is_no_duplicate(tmp_path: Path) -> None:
    found = inspected(tmp_path, PLAIN + LINES[1] + "\n" + LINES[1].replace("61.25", "61.26") + "\n")
    assert not found.valid
    assert (found.conflicts, found.duplicates) == ((MS[0],), ())
    assert [(e.row, e.time_ms, e.found) for e in found.errors] == [(7, MS[0], "other values than in row 2")]


def test_a_bad_row_is_no_gap(tmp_path: Path) -> None:
    assert inspected(tmp_path, PLAIN.replace("8070", "x")).gaps == ()


def test_a_row_cut_behind_the_columns_that_matter_is_cut_all_the_same(tmp_path: Path) -> None:
    whole = csv_of([*MS], header="", tail=",1571306399999,492394.56,812,30.1,241000.2,0")
    (error,) = inspected(tmp_path, whole.rstrip("\n").rpartition(",")[0]).errors
    assert (error.row, error.field, error.found, error.allowed) == (4, "row", "11 columns", "12 columns")


def test_a_time_off_the_grid_makes_no_gap_of_its_own(tmp_path: Path) -> None:
    found = inspected(tmp_path, PLAIN.replace(str(MS[2]), str(MS[2] + 1)))
    assert found.gaps == (Gap(MS[1], MS[3], missing=1),)


NUMBERS = st.one_of(
    st.decimals("0.00000001", 99_999, places=8).map(str),
    st.sampled_from(["1", "1.0", "5.", ".5", "+5", "1e2", "1e0005", "1E-8", "0", "-0", "-1", "nan", "inf", "", " 7 "]),
    st.sampled_from(["1_0", "0x1", "0.1234567890123", "12345678901234567890", "٣", "1\x0b", "0.3000000000000000001"]),
)


def same(one: JudgedRows, other: JudgedRows) -> bool:
    return one.faults == other.faults and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("time_us", "numbers", "row")
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), *[NUMBERS] * 2), min_size=1, max_size=6), st.booleans())
@example([(0, "5.", "1e0005")], True)
@example([(3, "7", "-0"), (1, "7", "2")], True)
def test_the_quick_reader_gives_what_the_strict_one_gives_or_nothing(
    drawn: list[tuple[int, str, str]], header: bool
) -> None:
    lines = [HEADER] if header else []
    lines += [f"{FIRST_MS + hour * HOUR_MS},{price},{price},{price},{price},{volume}" for hour, price, volume in drawn]
    data = "\n".join(lines).encode()
    for name, size in (("_PART_BYTES", 1 << 23), ("_PART_BYTES", 20), ("_COMPILED_BYTES", 0)):  # 20: a row by itself
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_rows, name, size)
            quick = quick_rows(data, "x")
        assert quick is None or same(quick, strict_rows(data, "x"))


CELLS = st.text(alphabet='0123456789.,;\t\n "-+eE\r\x0b#x', max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(CELLS, NUMBERS), min_size=1, max_size=18), st.sampled_from(["", "\n", "\n\n"]), st.booleans())
@example(["1", "2", "1", "1", "7", ""], "", True)
@example([".", "2", "1", "1", "7", "note"], "\n", True)
@example(["1.2.3", "2", "1", "1", "7", '"a'], "\n", False)
def test_the_compiled_reader_takes_nothing_that_the_strict_one_does_not(
    cells: list[str], tail: str, named: bool
) -> None:
    rows = [[str(FIRST_MS + at * HOUR_MS), *cells[at : at + 6]] for at in range(0, len(cells), 6)]
    lines = [HEADER + ",note"] if named else [LINES[1] + ",0"]
    data = ("\n".join([*lines, *map(",".join, rows)]) + tail).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_COMPILED_BYTES", 0)
        quick = quick_rows(data, "x")
    assert quick is None or same(quick, strict_rows(data, "x"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.decimals("0.01", 9_999_999, places=2), st.decimals(0, 9_999, places=5)), min_size=2))
def test_plain_files_need_no_strict_reader(drawn: list[tuple[object, object]]) -> None:
    rows = [f"{FIRST_MS + n * HOUR_MS},{p},{p},{p},{p},{v}" for n, (p, v) in enumerate(drawn)]
    data = "\n".join([HEADER, *rows]).encode()
    quick = quick_rows(data, "x")
    assert quick is not None
    assert same(quick, strict_rows(data, "x"))
    for name, size in (("_PART_BYTES", 100), ("_COMPILED_BYTES", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_rows, name, size)
            otherwise = quick_rows(data, "x")
        assert otherwise is not None
        assert same(otherwise, quick)
