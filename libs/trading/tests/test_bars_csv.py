"""Candles as text: what loads alike, what is refused and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.bars_csv import (
    BarFault,
    DecimalBar,
    RawBar,
    bar_of,
    read_bars,
    read_rows,
)
from tradewire.trading.bars_layout import BarsFileError

HOUR_US = 3_600_000_000
FIRST_US = 1_571_302_800_000_000  # 2019-10-17 09:00
ROWS = (
    ("8051", "8056.83", "8021.23", "8035.88", "61.25"),
    ("8035.88", "8070", "7975.89", "8051.00", "370.45"),
    ("8051.00", "8051.00", "8051.00", "8051.00", "0.0"),
)
HEADER = "open_time,open,high,low,close,volume"
PLAIN = "\n".join([HEADER, *(f"{1571302800000 + n * 3600000},{','.join(row)}" for n, row in enumerate(ROWS))]) + "\n"


def _with(times: Sequence[object], *, header: str = "", delimiter: str = ",", tail: str = "", end: str = "\n") -> str:
    lines = [delimiter.join([str(time), *row]) + tail for time, row in zip(times, ROWS, strict=True)]
    return end.join(([header] if header else []) + lines) + end


MS = [1571302800000 + n * 3600000 for n in range(3)]
ISO = [f"2019-10-17T{9 + n:02d}:00:00Z" for n in range(3)]
BINANCE_TAIL = ",1571306399999,492394.56,812,30.1,241000.2,0"
GOOD = {
    "plain": PLAIN,
    "seconds": _with([ms // 1000 for ms in MS], header=HEADER),
    "microseconds": _with([ms * 1000 for ms in MS], header=HEADER),
    "float milliseconds": _with([f"{ms}.0" for ms in MS], header=HEADER),
    "ISO without a zone": _with([iso.removesuffix("Z") for iso in ISO], header=HEADER),
    "named UTC": _with([iso.replace("T", " ").replace("Z", " UTC") for iso in ISO], header=HEADER),
    "slashes": _with([iso.replace("-", "/").replace("T", " ") for iso in ISO], header=HEADER),
    "nanoseconds": _with([ms * 1_000_000 for ms in MS], header=HEADER),
    "no name for the time": _with(ISO, header=",open,high,low,close,volume"),
    "comment": "# made by hand\n" + PLAIN,
    "address of the source": "https://www.example.org\n" + PLAIN,
    "ISO with Z": _with(ISO, header=HEADER),
    "ISO with offset": _with([f"2019-10-17 {11 + n}:00:00+02:00" for n in range(3)], header=HEADER),
    "no header": _with(MS),
    "Binance, 12 columns": _with(MS, tail=BINANCE_TAIL),
    "Binance, header": _with(MS, header=HEADER + ",close_time,quote_volume,count,b,q,ignore", tail=BINANCE_TAIL),
    "title case": _with(MS, header="Open Time,Open,High,Low,Close,Volume"),
    "Date": _with(ISO, header="Date,Open,High,Low,Close,Volume"),
    "BOM": "\ufeff" + PLAIN,
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "extra columns": _with(MS, header=HEADER + ",trades,note", tail=",812,x"),
    "separator behind each row": _with(MS, header=HEADER, tail=","),
    "separator behind each line": _with(MS, header=HEADER + ",", tail=","),
    "camel case": _with(MS, header="OpenTime,Open,High,Low,Close,Volume"),
    "spaces": PLAIN.replace(",", ", "),
    "quotes": _with([f'"{ms}"' for ms in MS], header=HEADER),
    "blank lines": "\n" + PLAIN.replace("\n", "\n\n"),
    "no line end": PLAIN.rstrip("\n"),
    "reversed": "\n".join([HEADER, *reversed(PLAIN.splitlines()[1:])]),
    "unsorted": "\n".join(PLAIN.splitlines()[index] for index in (0, 2, 1, 3)),
    "equal duplicate": PLAIN + PLAIN.splitlines()[2] + "\n",
    "other order": "\n".join(
        ["volume,close,low,high,open,open_time"]
        + [",".join([*reversed(row), str(ms)]) for ms, row in zip(MS, ROWS, strict=True)]
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_read_bars_of_every_good_variant_gives_the_same_bars(name: str) -> None:
    bars = read_bars(GOOD[name], name)
    assert [bar.open_time_us for bar in bars] == [FIRST_US + n * HOUR_US for n in range(3)]
    assert [bar.numbers for bar in bars] == [tuple(map(Decimal, row)) for row in ROWS]


def test_read_rows_when_numbers_have_zeros_behind_keeps_the_text() -> None:
    rows = read_rows(PLAIN, "x.csv")
    assert rows[1] == RawBar(FIRST_US + HOUR_US, "8035.88", "8070", "7975.89", "8051.00", "370.45", row=3)


BAD = {
    "empty": (
        "",
        "x.csv: content: found an empty file, allowed rows of open_time,open,high,low,close,volume",
    ),
    "blank": ("\n \n", "x.csv: content: found an empty file"),
    "header only": (HEADER + "\n", "x.csv: content: found a header and no rows, allowed at least one row"),
    "no close": (
        "time,open,high,low,volume\n1,2,3,4,5\n",
        "x.csv, row 1: header: found columns time, open, high, low, volume without close, allowed open_time",
    ),
    "a column twice": (
        "time,open,high,low,close,volume,Volume\n",
        "x.csv, row 1: header: found volume and Volume: volume 2 times, allowed each name once",
    ),
    "thousands separators": (
        PLAIN.replace("8070", '"8,070"'),
        "x.csv, row 3: high: found 8,070, allowed a finite decimal number",
    ),
    "thousands separators without quotes": (
        PLAIN.replace("8070", "8,070"),
        "x.csv, row 3: row: found 7 columns, allowed 6 columns",
    ),
    "month and day in doubt": (
        "date,open,high,low,close,volume\n10/11/2019,1,1,1,1,1\n",
        "x.csv, row 2: open_time: found 10/11/2019, allowed a time after 1974 in s, ms, µs or ns since the epoch",
    ),
    "time too small": (
        HEADER + "\n157,1,1,1,1,1\n",
        "x.csv, row 2: open_time: found 157, allowed a time after 1974 in s, ms, µs or ns",
    ),
    "truncated last row": (
        PLAIN + "1571313600000,8051.0",
        "x.csv, row 5: row: found 2 columns, allowed 6 columns",
    ),
    "time cut": (
        PLAIN + "15713136,1,1,1,1,1",
        "x.csv, row 5: open_time: found 15713136, allowed ms since the epoch, as in the rows before",
    ),
    "units mixed": (PLAIN + "1571313600,1,1,1,1,1", "row 5: open_time: found 1571313600, allowed ms since"),
    "text in number": (
        PLAIN.replace("8070", "n/a"),
        "x.csv, row 3: high: found n/a, allowed a finite decimal number",
    ),
    "underscore": (
        PLAIN.replace("8070", "8_070"),
        "row 3: high: found 8_070, allowed a finite decimal number",
    ),
    "empty cell": (PLAIN.replace("8070", ""), "row 3: high: found nothing, allowed a finite decimal number"),
    "NaN": (PLAIN.replace("370.45", "NaN"), "row 3: volume: found NaN, allowed a finite decimal number"),
    "infinite": (PLAIN.replace("370.45", "inf"), "row 3: volume: found inf, allowed a finite decimal number"),
    "negative": (PLAIN.replace("370.45", "-1"), "row 3: volume: found -1, allowed ≥ 0"),
    "zero price": (PLAIN.replace("8021.23", "0.0"), "row 2: low: found 0.0, allowed > 0"),
    "high below close": (
        PLAIN.replace("8070", "8050"),
        "row 3: high: found 8050, allowed ≥ max(open, close) = 8051.00",
    ),
    "low above open": (
        PLAIN.replace("8021.23", "8040"),
        "row 2: low: found 8040, allowed ≤ min(open, close) = 8035.88",
    ),
    "too fine": (
        PLAIN.replace("370.45", "1.123456789"),
        "row 3: volume: found 1.123456789, allowed at most 8 decimals",
    ),
    "too large": (
        PLAIN.replace("370.45", "1e30"),
        "volume: found 1e30, allowed at most 30 digits before the point",
    ),
    "conflicting duplicate": (
        PLAIN + "1571302800000,8051,8056.83,8021.23,8035.88,61.26\n",
        "x.csv, row 5: open_time: found other values than in row 2, allowed one bar per open time",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_read_bars_of_a_bad_file_says_file_row_field_found_and_allowed(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(BarsFileError) as caught:
        read_bars(text, "x.csv")
    assert message in str(caught.value)


def test_read_rows_when_a_row_has_no_time_places_its_fault_behind_the_row_before() -> None:
    text = "\n".join([HEADER, *PLAIN.splitlines()[1:3], "soon,1,1,1,1,1", PLAIN.splitlines()[3]])
    rows = read_rows(text, "x.csv")
    assert [type(row) for row in rows] == [RawBar, RawBar, BarFault, RawBar]
    assert rows[2].open_time_us == FIRST_US + HOUR_US


@pytest.mark.parametrize("text", ["1.100000000", "1e-8", "1E+3", "+1.5", "123456789012345678901234567890.12345678"])
def test_bar_of_when_a_number_fits_the_wire_keeps_it_exactly(text: str) -> None:
    bar = bar_of(RawBar(0, "1", "1", "1", "1", text))
    assert isinstance(bar, DecimalBar)
    assert bar.volume == Decimal(text)


@pytest.mark.parametrize(("text", "allowed"), [("39999999999.99999999", ""), ("40000000000", "below 40,000,000,000")])
def test_bar_of_when_a_price_is_beyond_what_engines_count_says_so(text: str, allowed: str) -> None:
    bar = bar_of(RawBar(0, "1", text, "1", "1", "0"))
    assert (bar.allowed.partition(":")[0] if isinstance(bar, BarFault) else "") == allowed


prices = st.decimals(min_value="0.00000001", max_value="10000000", places=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(prices, min_size=4, max_size=4), st.decimals(min_value=0, max_value="1e12", places=8))
def test_bar_of_when_the_rules_hold_gives_the_very_numbers_and_otherwise_the_field(
    four: list[Decimal], volume: Decimal
) -> None:
    open_, high, low, close = four
    texts = [f"{number:f}" for number in (*four, volume)]
    judged = bar_of(RawBar(0, texts[0], texts[1], texts[2], texts[3], texts[4]))
    if high < max(open_, close) or low > min(open_, close):
        assert isinstance(judged, BarFault)
        assert judged.field == ("high" if high < max(open_, close) else "low")
    else:
        assert isinstance(judged, DecimalBar)
        assert judged.numbers == (*four, volume)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(3)), st.lists(st.integers(0, 2), max_size=4))
def test_read_bars_whatever_the_order_and_equal_repeats_gives_the_same(order: list[int], again: list[int]) -> None:
    lines = PLAIN.splitlines()[1:]
    text = "\n".join([HEADER, *(lines[index] for index in (*order, *again))])
    assert [bar.numbers for bar in read_bars(text, "x")] == [bar.numbers for bar in read_bars(PLAIN, "x")]
