"""Candles as text: rows of a CSV file, and the rules that make a row a bar. Shared by ingest and research.

Columns may be named (any case; separated by comma, semicolon or tab) or, without a header, in the order of
Binance's archives: open_time, open, high, low, close, volume, … Times are s, ms or µs since the epoch, or
ISO 8601 with a zone; the first row fixes which. Order within a file says nothing: rows are sorted by open
time, equal ones in the file's order.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NUMBER_FIELDS = ("open", "high", "low", "close", "volume")
FIELDS = ("open_time", *NUMBER_FIELDS)
TIME_NAMES = ("open_time", "opentime", "time", "timestamp", "date", "datetime", "unix")
MAX_DECIMALS = 8
"""Scale of every decimal on the wire."""
MAX_DIGITS = 30
"""Digits before the point that a decimal(38, 8) holds."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,8})?", re.ASCII)
"""What nearly every file has, told without arithmetic."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLANK = " \t\r\n;,"
"""What a line without cells is made of."""


class BarsFileError(ValueError):
    """A file, or with ``row`` a line of it, that can't be read as bars."""

    def __init__(
        self, source: str, *, found: str, allowed: str, row: int | None = None, field: str = "content"
    ) -> None:
        where = f"{source}, row {row}" if row else source
        super().__init__(f"{where}: {field}: found {found}, allowed {allowed}")
        self.source, self.row, self.field, self.found, self.allowed = source, row, field, found, allowed


@dataclass(frozen=True, slots=True)
class RawBar:
    """A candle as a file or venue gave it: numbers are text. ``row`` is 1-based, a header counted."""

    open_time_us: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    row: int | None = None


@dataclass(frozen=True, slots=True)
class BarFault:
    """Why a row is no bar. ``open_time_us`` is that of the row before it when its own can't be read."""

    open_time_us: int
    field: str
    found: str
    allowed: str
    row: int | None = None


@dataclass(frozen=True, slots=True)
class DecimalBar:
    """One candle. Prices in quote per base, volume in base asset; exact."""

    open_time_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    row: int | None = None

    @property
    def numbers(self) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume


def bar_of(raw: RawBar) -> DecimalBar | BarFault:
    """The bar that a row stands for, or the first rule it breaks.

    Rules: numbers are decimal text, finite, ≤ 30 digits and ≤ 8 decimals; prices > 0; volume ≥ 0;
    high ≥ max(open, close); low ≤ min(open, close).
    """
    numbers: list[Decimal] = []
    for field, text in zip(NUMBER_FIELDS, (raw.open, raw.high, raw.low, raw.close, raw.volume), strict=True):
        try:
            numbers.append(decimal_of(text, positive=field != "volume"))
        except ValueError as error:
            return BarFault(raw.open_time_us, field, text or "nothing", str(error), raw.row)
    open_, high, low, close, volume = numbers
    top, bottom = max(open_, close), min(open_, close)
    if high < top:
        return BarFault(raw.open_time_us, "high", raw.high, f"≥ max(open, close) = {top}", raw.row)
    if low > bottom:
        return BarFault(raw.open_time_us, "low", raw.low, f"≤ min(open, close) = {bottom}", raw.row)
    return DecimalBar(raw.open_time_us, open_, high, low, close, volume, raw.row)


def decimal_of(text: str, *, positive: bool) -> Decimal:
    """The number that ``text`` writes; > 0 or ≥ 0. Raises ValueError that says what is allowed."""
    if not _PLAIN_NUMBER.fullmatch(text):
        _check_form(text)
    number = Decimal(text)
    if number <= 0 and (positive or number < 0):
        raise ValueError("> 0" if positive else "≥ 0")
    return number


def _check_form(text: str) -> None:
    """Raises ValueError for text that is no number, or none that the wire's decimal(38, 8) can hold."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("a finite decimal number")
    number = Decimal(text)
    if number.adjusted() >= MAX_DIGITS:
        raise ValueError(f"at most {MAX_DIGITS} digits before the point")
    _, digits, exponent = number.as_tuple()
    excess = -int(exponent) - MAX_DECIMALS
    if excess > 0 and any(digits[-excess:]):
        raise ValueError(f"at most {MAX_DECIMALS} decimals")


def read_rows(text: str, source: str) -> list[RawBar | BarFault]:
    """All rows of a CSV text by open time; rows with faults of form are in their places as ``BarFault``.

    ``source`` names the file in errors. Raises BarsFileError when the file as a whole can't be read: it is
    empty, has no rows or unknown columns, or its first time is none.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    layout = read_layout(lines, source)
    rows = list(_rows(lines, layout, source))
    if not rows:
        raise BarsFileError(source, found="a header and no rows", allowed="at least one row")
    rows.sort(key=lambda row: row.open_time_us)
    return rows


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: ``columns`` are the places of FIELDS, ``start`` counts the lines before the first row."""

    delimiter: str
    columns: tuple[int, ...]
    start: int


def read_layout(lines: Sequence[str], source: str) -> Layout:
    """The layout that the first line with text tells. Raises BarsFileError for no such line or unknown columns."""
    first = next((number for number, line in enumerate(lines) if line.strip(_BLANK)), None)
    if first is None:
        raise BarsFileError(source, found="an empty file", allowed="rows of " + ",".join(FIELDS))
    delimiter = next((mark for mark in (";", "\t") if mark in lines[first]), ",")
    columns = _columns(_cells(lines[first], delimiter), source, row=first + 1)
    return Layout(delimiter, columns or tuple(range(len(FIELDS))), first if columns is None else first + 1)


def read_bars(text: str, source: str) -> list[DecimalBar]:
    """All bars of a CSV text, ascending, without duplicates: for research, which wants clean data or none.

    Raises BarsFileError at the first row that is no bar, or that differs from an earlier row of the same open
    time. Gaps are let through: ask the open times.
    """
    bars: list[DecimalBar] = []
    for row in read_rows(text, source):
        bar = bar_of(row) if isinstance(row, RawBar) else row
        if isinstance(bar, BarFault):
            raise BarsFileError(source, found=bar.found, allowed=bar.allowed, row=bar.row, field=bar.field)
        if not bars or bar.open_time_us != bars[-1].open_time_us:
            bars.append(bar)
        elif bar.numbers != bars[-1].numbers:
            raise BarsFileError(
                source,
                found=f"other values than in row {bars[-1].row}",
                allowed="one bar per open time",
                row=bar.row,
                field="open_time",
            )
    return bars


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _columns(cells: Sequence[str], source: str, *, row: int) -> tuple[int, ...] | None:
    """Where each of FIELDS stands according to a header; None when ``cells`` are data already."""
    if cells[0][:1].isdigit():
        return None
    names = [re.sub(r"[\s_]+", "_", cell.lower()).strip("_") for cell in cells]
    twice = next((name for name in FIELDS if names.count(name) > 1), None)
    if twice:
        raise BarsFileError(source, found=f"{twice} twice", allowed="each name once", row=row, field="header")
    time = next((name for name in TIME_NAMES if name in names), None)
    missing = [name for name in NUMBER_FIELDS if name not in names] + ([] if time else ["open_time"])
    if missing or time is None:
        raise BarsFileError(
            source,
            found=f"columns {', '.join(cells)} without {', '.join(missing)}",
            allowed=", ".join(FIELDS),
            row=row,
            field="header",
        )
    return names.index(time), *(names.index(name) for name in NUMBER_FIELDS)


def _rows(lines: Sequence[str], layout: Layout, source: str) -> Iterator[RawBar | BarFault]:
    """Rows in the file's order. The first fixes their width and the form of times."""
    width, form, previous_us = 0, None, 0
    columns, start = layout.columns, layout.start
    for row, cells in enumerate(csv.reader(lines[start:], delimiter=layout.delimiter), start=start + 1):
        if not any(cells):
            continue
        width = width or max(len(cells), max(columns) + 1)
        if len(cells) != width:
            yield BarFault(previous_us, "row", f"{len(cells)} columns", f"{width} columns", row)
            continue
        time, open_, high, low, close, volume = (cells[column].strip() for column in columns)
        try:
            form = form or _time_form(time)
            previous_us = _time_us(time, form)
        except ValueError as error:
            if form is None:
                raise BarsFileError(
                    source, found=time or "nothing", allowed=str(error), row=row, field="open_time"
                ) from error
            yield BarFault(previous_us, "open_time", time or "nothing", str(error), row)
            continue
        yield RawBar(previous_us, open_, high, low, close, volume, row)


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a file writes times: as counts from ``low`` up to ``high`` of ``unit_us``; or, 0, as ISO 8601."""

    name: str
    low: int = 0
    high: int = 0
    unit_us: int = 0


_ISO = TimeForm("ISO 8601 with a zone, e.g. 2019-10-17T09:00:00Z")
TIME_COUNTS = (
    TimeForm("s since the epoch", 10**8, 10**11, 10**6),
    TimeForm("ms since the epoch", 10**11, 10**14, 10**3),
    TimeForm("µs since the epoch", 10**14, 10**17, 1),
)
"""The ranges do not meet within the years 1974 to 5138, so the size of a count tells its unit."""


def _time_form(text: str) -> TimeForm:
    """How ``text`` writes its time. Raises ValueError that says what is allowed."""
    if not _NUMBER.fullmatch(text):
        _time_us(text, _ISO)
        return _ISO
    for form in TIME_COUNTS:
        if form.low <= Decimal(text) < form.high:
            return form
    raise ValueError("a time after 1974 in s, ms or µs since the epoch, or ISO 8601 with a zone")


def _time_us(text: str, form: TimeForm) -> int:
    """µs since the epoch. Raises ValueError that says what is allowed."""
    if form is _ISO:
        return _iso_us(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{form.name}, as in the rows before")
    count = int(text) if text.isdigit() else Decimal(text)
    if not form.low <= count < form.high:
        raise ValueError(f"{form.name}, as in the rows before")
    return int(count * form.unit_us)


def _iso_us(text: str) -> int:
    """µs since the epoch. Raises ValueError for another form, and for a time that names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_ISO.name) from None
    if moment.tzinfo is None:
        raise ValueError(_ISO.name)
    return (moment - _EPOCH) // timedelta(microseconds=1)
