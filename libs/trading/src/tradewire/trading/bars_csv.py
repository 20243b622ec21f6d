"""Candles as text: rows of a CSV file, and the rules that make a row a bar. Shared by ingest and research.

Columns may be named (``columns.py`` says how; separated by comma, semicolon or tab) or, without a header, in the order
of Binance's archives: open_time, open, high, low, close, volume, … Lines of comment may come first. ``times.py`` says
how times are written; the first row fixes which. Order within a file says nothing: rows are sorted by open time, equal
ones in the file's order.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal

from tradewire.trading.bars_layout import BarsFileError, Layout, market_in, read_layout
from tradewire.trading.bounds import PRICE_BOUND
from tradewire.trading.columns import DATE_NOTE, DAY_NOTE, NO_VOLUME, NUMBER_FIELDS
from tradewire.trading.market_column import EVERY_ROW, ChosenMarket
from tradewire.trading.times import ISO, TimeForm, day_and_clock, form_of, is_clock, names_no_zone, time_us

MAX_DECIMALS = 8
"""Scale of every decimal on the wire."""
MAX_DIGITS = 30
"""Digits before the point that a decimal(38, 8) holds."""
TOO_FINE = f"at most {MAX_DECIMALS} decimals"
TOO_HIGH = f"below {PRICE_BOUND:,}: divide the prices by a power of ten, and multiply the volumes by it"

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS = {"K": 3, "M": 6, "B": 9}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,8})?", re.ASCII)
"""What nearly every file has, told without arithmetic."""


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

    Rules: numbers are decimal text, finite, ≤ 30 digits and ≤ 8 decimals; 0 < prices < 40,000,000,000; volume ≥ 0;
    high ≥ max(open, close); low ≤ min(open, close).
    """
    bar, faults = judged_bar(raw)
    if faults:
        return faults[0]
    assert bar is not None, "a row without a fault is a bar"
    return bar


def judged_bar(raw: RawBar) -> tuple[DecimalBar | None, tuple[BarFault, ...]]:
    """The bar that a row stands for, and every rule it breaks.

    A row whose volume alone breaks rules is a bar without a volume, 0: what reads no volume may use it.
    """
    numbers: dict[str, Decimal] = {}
    faults: list[BarFault] = []
    for field, text in zip(NUMBER_FIELDS, (raw.open, raw.high, raw.low, raw.close, raw.volume), strict=True):
        try:
            numbers[field] = decimal_of(text, positive=field != "volume")
        except ValueError as error:
            faults.append(BarFault(raw.open_time_us, field, text or "nothing", str(error), raw.row))
    ends = [numbers[name] for name in ("open", "close") if name in numbers]
    if ends and "high" in numbers and numbers["high"] < max(ends):
        faults.append(BarFault(raw.open_time_us, "high", raw.high, f"≥ max(open, close) = {max(ends):f}", raw.row))
    if ends and "low" in numbers and numbers["low"] > min(ends):
        faults.append(BarFault(raw.open_time_us, "low", raw.low, f"≤ min(open, close) = {min(ends):f}", raw.row))
    if any(fault.field != "volume" for fault in faults):
        return None, tuple(faults)
    open_, high, low, close = (numbers[name] for name in NUMBER_FIELDS[:4])
    volume = numbers.get("volume", Decimal(0))
    return DecimalBar(raw.open_time_us, open_, high, low, close, volume, raw.row), tuple(faults)


def whole_amount(text: str) -> str:
    """An amount in thousands, millions or billions, as investing.com writes volumes (``0.20K``), in ones."""
    if text[-1:] not in _THOUSANDS or not _NUMBER.fullmatch(text[:-1]):
        return text
    return f"{Decimal(text[:-1]).scaleb(_THOUSANDS[text[-1]]):f}"


def amount_note(text: str) -> str:
    """What is said of amounts such as this one that stand for thousands, millions or billions."""
    return f"volumes as {text} are read as {whole_amount(text)}"


def decimal_of(text: str, *, positive: bool) -> Decimal:
    """The number that ``text`` writes; a price (``positive``), or ≥ 0. Raises ValueError that says what is allowed."""
    if not _PLAIN_NUMBER.fullmatch(text):
        _check_form(text)
    number = Decimal(text)
    if number <= 0 and (positive or number < 0):
        raise ValueError("> 0" if positive else "≥ 0")
    if positive and number >= PRICE_BOUND:
        raise ValueError(TOO_HIGH)
    return number


def _check_form(text: str) -> None:
    """Raises ValueError for text that is no number, or none that the wire's decimal(38, 8) can hold."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("a finite decimal number" + (", with a point and no other separator" if "," in text else ""))
    number = Decimal(text)
    if number.adjusted() >= MAX_DIGITS:
        raise ValueError(f"at most {MAX_DIGITS} digits before the point")
    _, digits, exponent = number.as_tuple()
    excess = -int(exponent) - MAX_DECIMALS
    if excess > 0 and any(digits[-excess:]):
        raise ValueError(TOO_FINE)


@dataclass(frozen=True, slots=True)
class CsvRows:
    """All rows of a CSV text by open time; rows with faults of form are in their places as ``BarFault``.

    ``has_volume``: whether there is a column for it; without, each row's is 0. ``notes``: what was taken for what.
    """

    rows: list[RawBar | BarFault]
    has_volume: bool = True
    notes: tuple[str, ...] = ()


def text_of(data: bytes) -> str:
    """The text of a file's bytes: UTF-8, or UTF-16 where its mark says so. Raises UnicodeDecodeError."""
    return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8")


def read_rows(text: str, source: str, zone: tzinfo = UTC, symbol: str = "") -> list[RawBar | BarFault]:
    """All rows of a CSV text by open time, as ``CsvRows`` has them. A volume is needed: a platform's strategies come
    later than its candles.

    ``source`` names the file in errors; ``zone``: of times that name none; ``symbol``: whose rows are read where a
    column names the markets. Raises BarsFileError when the file as a whole can't be read: it is empty, has no rows or
    unknown columns, its first time is none, or its rows are of other markets.
    """
    found = csv_rows(text, source, zone, symbol)
    if not found.has_volume:
        allowed = "a column volume; write 0 where it is unknown"
        why = next((note for note in found.notes if note.startswith(NO_VOLUME)), "no volume")
        raise BarsFileError(source, found=why, allowed=allowed, field="header")
    return found.rows


def csv_rows(text: str, source: str, zone: tzinfo = UTC, symbol: str = "") -> CsvRows:
    """All rows of a CSV text, with or without a volume; ``zone``: of times that name none; ``symbol``: whose rows.

    Raises BarsFileError as ``read_rows``.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    layout = read_layout(lines, source, symbol)
    market = market_in(lines, layout, source, symbol)
    reader = _RowReader(layout, zone, source, market)
    rows = list(reader.rows(lines))
    if not rows:
        raise BarsFileError(source, found="a header and no rows", allowed="at least one row")
    rows.sort(key=lambda row: row.open_time_us)
    notes = (*layout.columns.notes, *market.notes, *reader.notes)
    return CsvRows(rows, layout.columns.volume is not None, notes)


def read_bars(text: str, source: str, zone: tzinfo = UTC, symbol: str = "") -> list[DecimalBar]:
    """All bars of a CSV text, with or without a volume, ascending, without duplicates: clean data or none.

    ``zone``: of times that name none; ``symbol``: whose rows.

    Raises BarsFileError at the first row that is no bar, or that differs from an earlier row of the same open
    time. Gaps are let through: ask the open times.
    """
    bars: list[DecimalBar] = []
    for row in csv_rows(text, source, zone, symbol).rows:
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


class _RowReader:
    """Reads the rows of a market in a file. The first fixes their width and the form of times."""

    def __init__(self, layout: Layout, zone: tzinfo, source: str, market: ChosenMarket = EVERY_ROW) -> None:
        self._layout, self._zone, self._source, self._market = layout, zone, source, market
        self._form: TimeForm | None = None
        self._clocked = self._scaled = False
        self.notes: tuple[str, ...] = ()

    def rows(self, lines: Sequence[str]) -> Iterator[RawBar | BarFault]:
        """Rows in the file's order."""
        width, previous_us = 0, 0
        places, day, start = self._layout.columns.places, self._layout.columns.day, self._layout.start
        for row, cells in enumerate(csv.reader(lines[start:], delimiter=self._layout.delimiter), start=start + 1):
            if not any(cells) or self._is_of_another(cells):
                continue
            width = width or max(len(cells), max(places) + 1)
            if len(cells) != width:
                yield BarFault(previous_us, "row", f"{len(cells)} columns", f"{width} columns", row)
                continue
            time, *numbers = (cells[place].strip() for place in places)
            if day is not None and is_clock(time):
                time = day_and_clock(cells[day].strip(), time)
                self._clocked = True
            try:
                previous_us = self._time_us(time, row)
            except ValueError as error:
                if isinstance(error, BarsFileError):
                    raise
                yield BarFault(previous_us, "open_time", time or "nothing", str(error), row)
                continue
            open_, high, low, close, volume = (*numbers, "0")[:5]
            whole = whole_amount(volume)
            if whole != volume and not self._scaled:
                self._scaled = True
                self.notes = (*self.notes, amount_note(volume))
            yield RawBar(previous_us, open_, high, low, close, whole, row)

    def _is_of_another(self, cells: Sequence[str]) -> bool:
        """Whether the row names another market than the one that is read."""
        chosen, column = self._market.cells, self._layout.columns.market
        if chosen is None or column is None:
            return False
        return len(cells) > column.place and cells[column.place].strip() not in chosen

    def _time_us(self, text: str, row: int) -> int:
        """Raises BarsFileError for a first time that is none, ValueError for a later one."""
        if self._form is not None:
            return time_us(text, self._form, self._zone)
        try:
            self._form = form_of(text)
            found = time_us(text, self._form, self._zone)
        except ValueError as error:
            raise BarsFileError(
                self._source, found=text or "nothing", allowed=str(error), row=row, field="open_time"
            ) from error
        if self._layout.columns.day is not None:
            self.notes = (DAY_NOTE if self._clocked else DATE_NOTE,)
        if self._form is ISO and names_no_zone(text):
            self.notes = (*self.notes, zone_note(self._zone))
        return found


def zone_note(zone: tzinfo) -> str:
    """What is said of times that name no zone."""
    return f"times without a zone are read as {'UTC' if zone is UTC else zone}"
