"""How a file of candles is laid out: its separator, its columns, and where its rows begin."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tradewire.trading.columns import FIELDS, Columns, ColumnsError, candle_columns, is_of_yfinance
from tradewire.trading.market_column import EVERY_ROW, ChosenMarket, MarketColumn, MarketsError, chosen_market
from tradewire.trading.times import is_clock

_BLANK = " \t\r\n;,|"
"""What a line without cells is made of."""
_COMMENT = re.compile(r"#|//|https?:|sep=", re.IGNORECASE)
"""How a line ahead of the header begins that is no row: a comment, a source's address, a spreadsheet's separator."""


class BarsFileError(ValueError):
    """A file, or with ``row`` a line of it, that can't be read as bars."""

    def __init__(
        self, source: str, *, found: str, allowed: str, row: int | None = None, field: str = "content"
    ) -> None:
        where = f"{source}, row {row}" if row else source
        super().__init__(f"{where}: {field}: found {found}, allowed {allowed}")
        self.source, self.row, self.field, self.found, self.allowed = source, row, field, found, allowed


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out; ``start`` counts the lines before the first row."""

    delimiter: str
    columns: Columns
    start: int


def read_layout(lines: Sequence[str], source: str, symbol: str = "") -> Layout:
    """The layout that the first line with text tells; ``symbol``: whose rows are read.

    Raises BarsFileError for no such line or unknown columns.
    """
    written = [number for number, line in enumerate(lines) if line.strip(_BLANK)]
    first = next((number for number in written if not _COMMENT.match(lines[number].lstrip(' "'))), None)
    if first is None:
        raise BarsFileError(source, found="an empty file", allowed="rows of " + ",".join(FIELDS))
    delimiter = separator_of(lines[first])
    cells = _cells(lines[first], delimiter)
    skipped = written.index(first)
    notes = (f"{skipped} line{'s' if skipped > 1 else ''} of comment before the columns",) if skipped else ()
    start = first + 1
    if is_of_yfinance([_cells(line, delimiter) for line in lines[first : first + 3]]):
        start, cells[0], notes = first + 3, "Date", (*notes, "three rows of names, as of yfinance")
    if cells[0][:1].isdigit() and cells[:5] != ["0", "1", "2", "3", "4"]:
        return Layout(delimiter, _in_order(cells, notes), first)
    try:
        named = candle_columns(cells, symbol)
    except ColumnsError as error:
        raise BarsFileError(source, found=error.found, allowed=error.allowed, row=first + 1, field="header") from error
    return Layout(delimiter, replace(named, notes=(*notes, *named.notes)), start)


def market_in(lines: Sequence[str], layout: Layout, source: str, symbol: str) -> ChosenMarket:
    """Which rows are of ``symbol``, "" for none told. Raises BarsFileError as ``market_of``."""
    column = layout.columns.market
    if column is None:
        return EVERY_ROW
    first_rows: dict[str, int] = {}
    for row, cells in enumerate(csv.reader(lines[layout.start :], delimiter=layout.delimiter), layout.start + 1):
        if column.place < len(cells):
            first_rows.setdefault(cells[column.place].strip(), row)
    return market_of(first_rows, column, source, symbol)


def market_of(first_rows: Mapping[str, int], column: MarketColumn, source: str, symbol: str) -> ChosenMarket:
    """As ``chosen_market``. Raises BarsFileError for rows of another market or of several."""
    try:
        return chosen_market(first_rows, column, symbol)
    except MarketsError as error:
        raise BarsFileError(
            source, found=error.found, allowed=error.allowed, row=error.row, field=column.name
        ) from error


def _in_order(cells: Sequence[str], notes: tuple[str, ...]) -> Columns:
    """The columns of a file without a header, of which ``cells`` is the first row: as Binance's, or as MetaTrader's,
    where a clock's time follows the day."""
    clocked = len(cells) > 1 and ":" in cells[1] and is_clock(cells[1])
    first = 2 if clocked else 1
    volume = first + 4 if len([cell for cell in cells if cell]) > first + 4 else None
    if clocked:
        return Columns(1, (2, 3, 4, 5), volume, notes, day=0)
    return Columns(0, (1, 2, 3, 4), volume, notes)


def separator_of(line: str) -> str:
    """What separates the cells of a file whose first line of text this is: a comma, unless it has another."""
    return next((mark for mark in (";", "\t", "|") if mark in line), ",")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
