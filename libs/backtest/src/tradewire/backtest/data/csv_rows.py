"""Rows of a CSV file, judged: by polars or, of a large file, by a compiled loop where nothing about the file is odd,
else by the strict reader.

All give the same rows bit for bit; the strict reader (``tradewire.trading.bars_csv``) is the authority.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.judged import JudgedRows, in_order, judge, plainly_good
from tradewire.backtest.data.reading import PLAIN, Reading
from tradewire.trading.bars_csv import csv_rows, text_of
from tradewire.trading.bars_layout import BarsFileError, Layout, read_layout
from tradewire.trading.market_column import MarketsError, chosen_market
from tradewire.trading.times import count_form, is_compact

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_BOM = b"\xef\xbb\xbf"
_ODD = bytes([*range(9), *range(0x0B, 0x20), 0x22, 0x7F])
"""Bytes that leave room for doubt: quotes, and all control characters but tab and line feed."""
_PLAIN_CHARS = 16
"""A number of at most 15 digits and a point: no two such decimals share a float64."""
_HEAD_BYTES = 1 << 16
_PART_BYTES = 1 << 23
_COMPILED_BYTES = 1 << 22
"""From this size on the compiled reader is worth its loading."""


def rows_of_csv(data: bytes, source: str, reading: Reading = PLAIN) -> JudgedRows:
    """All rows of a CSV file. Raises MarketDataError when the file as a whole can't be read."""
    rows = quick_rows(data, source, reading.symbol)
    return strict_rows(data, source, reading) if rows is None else rows


def strict_rows(data: bytes, source: str, reading: Reading = PLAIN) -> JudgedRows:
    """All rows by the strict reader. Raises MarketDataError when the file as a whole can't be read."""
    try:
        read = csv_rows(text_of(data), source, reading.zone, reading.symbol)
        judged = judge(read.rows, rounded=reading.rounded)
        return replace(judged, has_volume=read.has_volume, notes=read.notes)
    except UnicodeDecodeError as error:
        found = f"bytes at {error.start} that are no UTF-8"
        raise MarketDataError(source, found=found, allowed="text in UTF-8") from error
    except csv.Error as error:
        raise MarketDataError(source, found=str(error), allowed="comma-separated values") from error
    except BarsFileError as error:
        raise MarketDataError(
            source, found=error.found, allowed=error.allowed, field=error.field, row=error.row
        ) from error


def quick_rows(data: bytes, source: str, symbol: str = "") -> JudgedRows | None:
    """All rows, when all are good beyond doubt; None when the strict reader is to be asked."""
    text = data.removeprefix(_BOM)
    text = text.replace(b"\r\n", b"\n") if b"\r" in text else text
    if not text.isascii() or _is_odd(text[:_HEAD_BYTES]):
        return None
    read_cells = compiled_cells if len(text) >= _COMPILED_BYTES else _cells
    try:
        layout = read_layout(text[:_HEAD_BYTES].decode("ascii").split("\n"), source, symbol)
        said = _said_of_market(text, layout, symbol)
        read = None if said is None or layout.columns.day is not None else read_cells(text, layout)
    except (pl.exceptions.PolarsError, BarsFileError, MarketsError):
        return None
    time_us = None if read is None else _times(read[0])
    if said is None or read is None or time_us is None or not plainly_good(read[1]).all():
        return None
    row = np.arange(layout.start + 1, layout.start + 1 + len(time_us), dtype=np.int64)
    has_volume, notes = layout.columns.volume is not None, (*layout.columns.notes, *said)
    return in_order(JudgedRows(time_us, read[1], row, (), len(time_us), (), has_volume, notes))


def _said_of_market(text: bytes, layout: Layout, symbol: str) -> tuple[str, ...] | None:
    """What is to be said of the market that the rows name; None where not all name the same."""
    column = layout.columns.market
    if column is None:
        return ()
    cells: set[str] = set()
    for body in _parts(text, layout):
        table = pl.read_csv(
            io.BytesIO(body),
            separator=layout.delimiter,
            has_header=False,
            infer_schema=False,
            quote_char=None,
            columns=[column.place],
        )
        cells.update(cell or "" for cell in table.to_series().unique())
        if len(cells) > 1:
            return None
    return chosen_market(dict.fromkeys(cells, layout.start + 1), column, symbol).notes


def _is_odd(text: bytes) -> bool:
    return len(text.translate(None, _ODD)) < len(text)


def compiled_cells(text: bytes, layout: Layout) -> tuple[IntArray, FloatArray] | None:
    """As `_cells`, in a compiled loop: several times as fast, and without a copy of the text."""
    from tradewire.backtest.loops.plain_csv import SKIPPED, read_plain_rows  # loads numba

    start = _first_row(text, layout)
    end = len(text)
    while end > start and text[end - 1 : end] == b"\n":
        end -= 1
    line_end = text.find(b"\n", start, end)
    first_line = text[start : end if line_end < 0 else line_end]
    width = first_line.count(layout.delimiter.encode()) + 1
    if end == start or width <= max(layout.columns.places):
        return None
    columns = np.full(width, SKIPPED, dtype=np.int64)
    columns[list(layout.columns.places)] = np.arange(len(layout.columns.places))
    most = text.count(b"\n", start, end) + 1
    times, numbers = np.empty(most, dtype=np.int64), np.zeros((5, most))
    rows = np.frombuffer(text, dtype=np.uint8, count=end - start, offset=start)
    found = read_plain_rows(rows, ord(layout.delimiter), columns, times, numbers)
    return (times, numbers) if found == most else None


def _cells(text: bytes, layout: Layout) -> tuple[IntArray, FloatArray] | None:
    """Times as they are counted, shape (n,), and the numbers, shape (5, n); None when one is not plain."""
    if _is_odd(text):
        return None
    counts: list[IntArray] = []
    numbers: list[FloatArray] = []
    widths: set[int] = set()
    for table in _tables(text, layout):
        if table is None:
            return None
        widths.add(table.width)
        time, *columns = (table.get_column(table.columns[place]) for place in layout.columns.places)
        if len(widths) > 1 or not all(_is_plain(column) for column in columns):
            return None
        counts.append(time.cast(pl.Int64).to_numpy())
        numbers.append(np.zeros((5, table.height)))
        for place, column in enumerate(columns):
            numbers[-1][place] = column.cast(pl.Float64).to_numpy() + 0.0
    return (np.concatenate(counts), np.concatenate(numbers, axis=1)) if counts else None


def _tables(text: bytes, layout: Layout) -> Iterator[pl.DataFrame | None]:
    """The rows as texts, some MB at a time: polars keeps the memory that it took for a table."""
    return (_table(body, layout) for body in _parts(text, layout))


def _parts(text: bytes, layout: Layout) -> Iterator[bytes]:
    """The bytes of whole rows."""
    start = _first_row(text, layout)
    while start < len(text):
        end = text.find(b"\n", start + _PART_BYTES) + 1 or len(text)
        yield text[start:end]
        start = end


def _first_row(text: bytes, layout: Layout) -> int:
    """Where the first row begins."""
    start = 0
    for _ in range(layout.start):
        start = text.find(b"\n", start) + 1 or len(text)
    return start


def _table(body: bytes, layout: Layout) -> pl.DataFrame | None:
    """Rows as texts, or None when one has no value for a column or there is none."""
    if body.isspace():
        return None
    table = pl.read_csv(
        io.BytesIO(body), separator=layout.delimiter, has_header=False, infer_schema=False, quote_char=None
    )
    if table.width <= max(layout.columns.places) or sum(table.null_count().row(0)):
        return None
    return table


def _is_plain(column: pl.Series) -> bool:
    """Whether no number is long or has an exponent."""
    longest = column.str.len_bytes().max()
    return isinstance(longest, int) and longest <= _PLAIN_CHARS and not column.str.contains("e|E").any()


def _times(counts: IntArray) -> IntArray | None:
    """µs since the epoch of counts in one unit, that of the first; None when one is of another size."""
    form = count_form(int(counts[0]))
    if (
        is_compact(str(counts[0]))
        or form is None
        or not form.unit_us
        or counts.min() < form.low
        or counts.max() >= form.high
    ):
        return None
    return counts * np.int64(form.unit_us)
