"""Rows of a Parquet file or a data frame, judged by the rules of CSV files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.judged import JudgedRows, in_order, plainly_good, raw_bars
from tradewire.trading.bars_csv import NUMBER_FIELDS, TIME_COUNTS, TIME_NAMES, BarFault, DecimalBar, bar_of

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


def table_of_parquet(data: bytes, source: str) -> pl.DataFrame:
    """The file's table. Raises MarketDataError when it is no Parquet file."""
    try:
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise MarketDataError(source, found=f"no Parquet file ({error})", allowed="a Parquet file") from error


def rows_of_table(table: pl.DataFrame, source: str) -> JudgedRows:
    """All rows; the first is row 1. Raises MarketDataError for missing columns, no rows, or times that are none."""
    time_name, names = columns_of(table.columns, NUMBER_FIELDS, source)
    if not table.height:
        raise MarketDataError(source, found="no rows", allowed="at least one row")
    time_us = times_of(table.get_column(time_name), source)
    row = np.arange(1, table.height + 1, dtype=np.int64)
    numbers = np.array([_floats(table.get_column(name), source) for name in names]) + 0.0
    good = plainly_good(numbers)
    faults: list[BarFault] = []
    odd = np.flatnonzero(~good)
    for place, raw in zip(odd.tolist(), raw_bars(time_us[odd], numbers[:, odd], row[odd]), strict=True):
        bar = bar_of(raw)
        good[place] = isinstance(bar, DecimalBar)
        if isinstance(bar, BarFault):
            faults.append(bar)
    judged = JudgedRows(time_us[good], numbers[:, good], row[good], tuple(faults), table.height)
    return in_order(judged)


def columns_of(found: Sequence[str], wanted: Sequence[str], source: str) -> tuple[str, list[str]]:
    """Names of the time column and of the ``wanted`` ones, any case. Raises MarketDataError when one is missing."""
    plain = {name.lower().replace(" ", "_"): name for name in found}
    time = next((name for name in TIME_NAMES if name in plain), None)
    missing = [name for name in wanted if name not in plain]
    if missing or time is None:
        raise MarketDataError(
            source,
            field="header",
            found=f"columns {', '.join(found)} without {', '.join(missing or ['open_time'])}",
            allowed=", ".join(("open_time", *wanted)),
        )
    return plain[time], [plain[name] for name in wanted]


def times_of(column: pl.Series, source: str) -> IntArray:
    """µs since the epoch of integers (s, ms or µs, told by their size) or moments; one without a zone is UTC.

    Raises MarketDataError for anything else, and for counts of different units.
    """
    name = column.name
    if column.null_count():
        row = int(column.is_null().arg_true()[0]) + 1
        raise MarketDataError(source, field=name, row=row, found="nothing", allowed="a time in every row")
    if column.dtype in (pl.Datetime, pl.Date):
        return column.cast(pl.Datetime("us")).dt.epoch("us").to_numpy().astype(np.int64)
    if not column.dtype.is_integer():
        allowed = "whole s, ms or µs since the epoch, or moments"
        raise MarketDataError(source, field=name, found=f"values of type {column.dtype}", allowed=allowed)
    counts = column.cast(pl.Int64).to_numpy().astype(np.int64)
    form = next((form for form in TIME_COUNTS if form.low <= counts[0] < form.high), None)
    if form is None:
        allowed = "a time after 1974 in s, ms or µs since the epoch"
        raise MarketDataError(source, field=name, row=1, found=str(counts[0]), allowed=allowed)
    wrong = np.flatnonzero((counts < form.low) | (counts >= form.high))
    if wrong.size:
        allowed = f"{form.name}, as in the rows before"
        raise MarketDataError(source, field=name, row=int(wrong[0]) + 1, found=str(counts[wrong[0]]), allowed=allowed)
    return counts * np.int64(form.unit_us)


def _floats(column: pl.Series, source: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Float64 of a numeric column; what is missing is NaN. Raises MarketDataError for text and other types."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        allowed = "numbers"
        raise MarketDataError(source, field=column.name, found=f"values of type {column.dtype}", allowed=allowed)
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
