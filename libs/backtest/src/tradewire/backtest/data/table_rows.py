"""Rows of a Parquet or Arrow file or a data frame, judged by the rules of CSV files."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradewire.backtest.data.contents import Form
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.judged import SCALE, JudgedRows, in_order, plainly_good, raw_bars, rows_kept
from tradewire.backtest.data.reading import PLAIN, Reading
from tradewire.trading.bars_csv import BarFault, amount_note, judged_bar, whole_amount, zone_note
from tradewire.trading.columns import DATE_NOTE, DAY_NOTE, NO_VOLUME, Columns, ColumnsError, candle_columns
from tradewire.trading.market_column import MarketColumn, MarketsError, chosen_market
from tradewire.trading.times import (
    ALLOWED,
    ISO,
    count_form,
    day_and_clock,
    form_of,
    is_clock,
    is_compact,
    names_no_zone,
    time_us,
)

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

Notes = list[str]
_HOURS_AND_MINUTES = 4
"""Digits of a clock's time without seconds."""


def table_of(data: bytes, form: Form, source: str) -> pl.DataFrame:
    """The table of a Parquet or Arrow file. Raises MarketDataError when it is none."""
    read = pl.read_parquet if form is Form.PARQUET else pl.read_ipc
    try:
        return read(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        found, allowed = f"no {form.value} file ({str(error).splitlines()[0]})", f"a whole {form.value} file"
        raise MarketDataError(source, found=found, allowed=allowed) from error


def rows_of_table(table: pl.DataFrame, source: str, reading: Reading = PLAIN) -> JudgedRows:
    """All rows; the first is row 1. Raises MarketDataError for missing columns, no rows, or times that are none."""
    try:
        columns = candle_columns(table.columns, reading.symbol)
    except ColumnsError as error:
        raise MarketDataError(source, field="header", found=error.found, allowed=error.allowed) from error
    if not table.height:
        raise MarketDataError(source, found="no rows", allowed="at least one row")
    notes = list(columns.notes)
    times = times_of(_moments(table, columns, notes), source, reading.zone, notes)
    numbers = np.zeros((5, table.height))
    for field, place in enumerate(columns.places[1:]):
        try:
            numbers[field] = _floats(table.to_series(place), source, notes) + 0.0
        except MarketDataError as error:
            if place != columns.volume:
                raise
            columns = replace(columns, volume=None)
            notes.append(f"{NO_VOLUME}column {error.field} has {error.found}")
    kept = market_rows(table, columns.market, source, reading.symbol, notes)
    moved = 0
    if reading.rounded:
        found, numbers = numbers, np.rint(numbers * SCALE) / SCALE
        fine = ((numbers != found) & ~np.isnan(found))[:4]
        moved = int(np.count_nonzero(fine if kept is None else fine[:, kept]))
    judged = _judged(times, numbers) if kept is None else rows_kept(_judged(times, numbers), kept)
    return replace(judged, rounded=moved, has_volume=columns.volume is not None, notes=tuple(notes))


def market_rows(
    table: pl.DataFrame,
    column: MarketColumn | None,
    source: str,
    symbol: str,
    notes: Notes,
    *,
    first_row: int = 1,
) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Which rows, bool (n,), are of ``symbol`` where a column names markets; None for all.

    ``first_row``: its number in the file. Raises MarketDataError for rows of another market or of several.
    """
    if column is None:
        return None
    cells = table.to_series(column.place).cast(pl.String).fill_null("").str.strip_chars()
    first_rows = {cell: place + first_row for cell, place in _first_places(cells)}
    try:
        chosen = chosen_market(first_rows, column, symbol)
    except MarketsError as error:
        raise MarketDataError(
            source, field=column.name, row=error.row, found=error.found, allowed=error.allowed
        ) from error
    notes.extend(chosen.notes)
    return None if chosen.cells is None else cells.is_in(list(chosen.cells)).to_numpy()


def _first_places(cells: pl.Series) -> list[tuple[str, int]]:
    """Each value, with the place of its first row."""
    places = pl.DataFrame({"cell": cells}).with_row_index("place").group_by("cell").agg(pl.col("place").min())
    return list(places.select("cell", "place").sort("place").iter_rows())


def _moments(table: pl.DataFrame, columns: Columns, notes: Notes) -> pl.Series:
    """The column of times; where it holds a clock's times alone, the texts of these with their dates."""
    times = table.to_series(columns.time)
    clocks = None if columns.day is None else _clocks(times)
    if clocks is None:
        notes.extend([] if columns.day is None else [DATE_NOTE])
        return times
    day = table.to_series(columns.day or 0)
    days = day.cast(pl.Date) if isinstance(day.dtype, pl.Datetime) else day
    notes.append(DAY_NOTE)
    texts = [f"{date} {clock}" for date, clock in zip(days.cast(pl.String), clocks, strict=True)]
    return pl.Series(times.name, texts)


def _clocks(times: pl.Series) -> list[str] | None:
    """Times of a day as texts; None where they are whole moments. Whole numbers lost the noughts ahead of them."""
    if times.dtype == pl.Time:
        return times.dt.strftime("%H:%M:%S").to_list()
    if times.null_count():
        return None
    texts = [str(time).strip() for time in times.to_list()]
    if times.dtype.is_integer():
        seconds = any(len(text) > _HOURS_AND_MINUTES for text in texts)
        texts = [text.zfill(6 if seconds else 4) for text in texts]
    return [day_and_clock("", text).strip() for text in texts] if all(map(is_clock, texts)) else None


def _judged(times: IntArray, numbers: FloatArray) -> JudgedRows:
    """Rows in order; those that are not good beyond doubt are asked one by one."""
    row = np.arange(1, len(times) + 1, dtype=np.int64)
    good = plainly_good(numbers)
    faults: list[BarFault] = []
    volumes: list[BarFault] = []
    odd = np.flatnonzero(~good)
    for place, raw in zip(odd.tolist(), raw_bars(times[odd], numbers[:, odd], row[odd]), strict=True):
        bar, own = judged_bar(raw)
        good[place] = bar is not None
        (faults if bar is None else volumes).extend(own)
        if bar is not None and own:
            numbers[4, place] = 0.0
    return in_order(JudgedRows(times[good], numbers[:, good], row[good], tuple(faults), len(times), tuple(volumes)))


def times_of(
    column: pl.Series, source: str, zone: tzinfo = UTC, notes: Notes | None = None, *, first_row: int = 1
) -> IntArray:
    """µs since the epoch of whole numbers (s, ms, µs or ns, told by their size), moments, dates or their texts.

    ``zone``: of those that name none, which ``notes`` is told; ``first_row``: its number in the file. Raises
    MarketDataError for anything else, and for counts of different units.
    """
    if column.null_count():
        row = int(column.is_null().arg_true()[0]) + first_row
        raise MarketDataError(source, field=column.name, row=row, found="nothing", allowed="a time in every row")
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        return _of_moments(column, source, zone, notes)
    if column.dtype == pl.String:
        return _of_texts(column, source, zone, notes, first_row)
    if column.dtype.is_float() and bool((column == column.floor()).all()):
        column = column.cast(pl.Int64)
    if not column.dtype.is_integer():
        found = f"values of type {column.dtype}"
        raise MarketDataError(source, field=column.name, found=found, allowed=ALLOWED)
    if is_compact(str(column[0])):
        return _of_texts(column.cast(pl.String), source, zone, notes, first_row)
    return _of_counts(column, source)


def _of_moments(column: pl.Series, source: str, zone: tzinfo, notes: Notes | None) -> IntArray:
    if getattr(column.dtype, "time_zone", None) is None:
        if notes is not None:
            notes.append(zone_note(zone))
        if zone is not UTC:
            return _of_texts(column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"), source, zone, None, first_row=1)
    found: IntArray = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None))).dt.epoch("us").to_numpy()
    return found.astype(np.int64)


def _of_texts(column: pl.Series, source: str, zone: tzinfo, notes: Notes | None, first_row: int) -> IntArray:
    texts = [text.strip() for text in column.to_list()]
    found = np.empty(len(texts), dtype=np.int64)
    form = None
    for place, text in enumerate(texts):
        try:
            form = form or form_of(text)
            found[place] = time_us(text, form, zone)
        except ValueError as error:
            raise MarketDataError(
                source, field=column.name, row=place + first_row, found=text or "nothing", allowed=str(error)
            ) from error
    if notes is not None and form is ISO and names_no_zone(texts[0]):
        notes.append(zone_note(zone))
    return found


def _of_counts(column: pl.Series, source: str) -> IntArray:
    name, counts = column.name, column.cast(pl.Int64).to_numpy().astype(np.int64)
    form = count_form(int(counts[0]))
    if form is None:
        raise MarketDataError(source, field=name, row=1, found=str(counts[0]), allowed=ALLOWED)
    high = min(form.high, np.iinfo(np.int64).max)
    wrong = np.flatnonzero((counts < form.low) | (counts >= high))
    if wrong.size:
        allowed = f"{form.name}, as in the rows before"
        raise MarketDataError(source, field=name, row=int(wrong[0]) + 1, found=str(counts[wrong[0]]), allowed=allowed)
    return counts * np.int64(form.unit_us) if form.unit_us else counts // 1000


def _floats(column: pl.Series, source: str, notes: Notes) -> FloatArray:
    """Float64 of numbers or their texts; what is missing is NaN. Raises MarketDataError for other types.

    ``notes`` is told of amounts in thousands.
    """
    if column.dtype == pl.String:
        try:
            texts = column.str.strip_chars().to_list()
            whole = [None if text is None else whole_amount(text) for text in texts]
            scaled = next((text for text, one in zip(texts, whole, strict=True) if text != one), None)
            notes.extend([] if scaled is None else [amount_note(scaled)])
            column = pl.Series(column.name, whole, pl.String).cast(pl.Float64)
        except pl.exceptions.PolarsError as error:
            found = f"texts that are no numbers ({str(error).splitlines()[0]})"
            raise MarketDataError(source, field=column.name, found=found, allowed="numbers") from error
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        found = f"values of type {column.dtype}"
        raise MarketDataError(source, field=column.name, found=found, allowed="numbers")
    numbers: FloatArray = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    return numbers
