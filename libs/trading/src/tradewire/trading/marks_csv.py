"""Mark prices and funding as text: CSV files that lie beside a file of candles."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, tzinfo
from decimal import Decimal

from tradewire.trading.alignment import MINUTE_US
from tradewire.trading.bars_csv import DecimalBar, decimal_of, read_bars
from tradewire.trading.bars_layout import BarsFileError, market_of
from tradewire.trading.columns import plain_names
from tradewire.trading.language.intervals import origin_us
from tradewire.trading.market_column import market_column
from tradewire.trading.times import form_of, time_us

FUNDING_COLUMNS = ("funding_time", "funding_rate")


def read_marks(text: str, source: str, zone: tzinfo = UTC, symbol: str = "") -> dict[int, DecimalBar]:
    """Mark candles by open time (µs): the columns of a candle file, with or without a volume; times in ``zone``.

    Raises BarsFileError for the first row that is no bar, and for rows of other markets than ``symbol``.
    """
    return {bar.open_time_us: bar for bar in read_bars(text, source, zone, symbol)}


def read_funding(text: str, source: str, interval_us: int, zone: tzinfo = UTC, symbol: str = "") -> dict[int, Decimal]:
    """Funding rates by the open time (µs) of the bar in which they were settled; several of one bar are added up.

    Columns funding_time (as a candle's, up to some ms after the venue's nominal time) and funding_rate; ``zone``: of
    times that name none; ``symbol``: whose rows are read where a column names the markets. A settlement belongs to the
    bar with open < nominal time <= close. Raises BarsFileError with row, found and allowed.
    """
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in FUNDING_COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise BarsFileError(source, row=1, field="header", found=found, allowed=" and ".join(FUNDING_COLUMNS))
    rates: defaultdict[int, Decimal] = defaultdict(Decimal)
    for number, row in _rows_of(reader, source, symbol):
        time, rate = row["funding_time"] or "", row["funding_rate"] or ""
        try:
            settled_us = time_us(time.strip(), form_of(time.strip()), zone)
        except ValueError as error:
            raise BarsFileError(
                source, row=number, field="funding_time", found=repr(time), allowed=str(error)
            ) from error
        rates[_bar_open_us(settled_us, interval_us)] += _rate(rate, source, number)
    return dict(rates)


def _rows_of(reader: csv.DictReader[str], source: str, symbol: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of ``symbol`` with their numbers; all where no column names markets. Raises BarsFileError."""
    rows = [(reader.line_num, row) for row in reader]
    names = list(reader.fieldnames or ())
    column = market_column(names, plain_names(names))
    if column is None:
        yield from rows
        return
    own = names[column.place]
    first_rows: dict[str, int] = {}
    for number, row in rows:
        first_rows.setdefault((row[own] or "").strip(), number)
    cells = market_of(first_rows, column, source, symbol).cells
    yield from ((number, row) for number, row in rows if cells is None or (row[own] or "").strip() in cells)


def _rate(text: str, source: str, row: int) -> Decimal:
    try:
        rate = decimal_of(text.removeprefix("-"), positive=False)
    except ValueError as error:
        raise BarsFileError(source, row=row, field="funding_rate", found=repr(text), allowed=str(error)) from error
    if rate >= 1:
        raise BarsFileError(source, row=row, field="funding_rate", found=text, allowed="between -1 and 1")
    return -rate if text.startswith("-") else rate


def _bar_open_us(settled_us: int, interval_us: int) -> int:
    origin = origin_us(interval_us)
    nominal_us = settled_us - settled_us % MINUTE_US
    return origin - (origin - nominal_us) // interval_us * interval_us - interval_us
