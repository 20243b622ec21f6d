"""Mark-price candles and funding settlements from files, laid beside a market's bars."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradewire.backtest.data.contents import holds_parquet, read_contents
from tradewire.backtest.data.csv_rows import rows_of_csv
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.inspection import Candles, candles_of, inspect_rows
from tradewire.backtest.data.parquet_rows import rows_of_table, table_of_parquet, times_of
from tradewire.ports.backtest import MarkHistory
from tradewire.trading.alignment import align_funding, align_marks

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_TIMES = ("funding_time", "fundingtime", "calc_time", "time", "timestamp")
_RATES = ("funding_rate", "fundingrate", "last_funding_rate", "rate")
_SCALE = 1e8


def read_marks(path: Path) -> Candles:
    """Mark candles of a CSV or Parquet file; a volume may be missing. Raises MarketDataError, OSError."""
    data, source = read_contents(path), str(path)
    if holds_parquet(data, path):
        table = table_of_parquet(data, source)
        if "volume" not in {name.lower() for name in table.columns}:
            table = table.with_columns(volume=pl.lit(0.0))
        return candles_of(inspect_rows(rows_of_table(table, source)), source)
    return candles_of(inspect_rows(rows_of_csv(_with_volume(data), source)), source)


def read_funding(path: Path) -> tuple[IntArray, FloatArray]:
    """Settlements of a file: times (µs) that rise and rates (fractions), each shape (m,).

    Raises MarketDataError for missing columns, a rate that is none, beyond ±1 or finer than 1e-8, and for two rates
    of one time; OSError.
    """
    data, source = read_contents(path), str(path)
    table = table_of_parquet(data, source) if holds_parquet(data, path) else _table_of_csv(data, source)
    plain = {name.strip().lower(): name for name in table.columns}
    time = next((plain[name] for name in _TIMES if name in plain), None)
    rate = next((plain[name] for name in _RATES if name in plain), None)
    if time is None or rate is None:
        found = f"columns {', '.join(table.columns)}"
        raise MarketDataError(source, field="header", found=found, allowed="funding_time, funding_rate")
    if not table.height:
        raise MarketDataError(source, found="no rows", allowed="at least one settlement")
    times = times_of(_typed(table.get_column(time), pl.Int64, source), source)
    rates = _typed(table.get_column(rate), pl.Float64, source).fill_null(float("nan")).to_numpy().astype(np.float64)
    _check_rates(times, rates, source)
    times, first = np.unique(times, return_index=True)
    return times, rates[first]


def marks_beside(candles: Candles, marks: Candles, source: str) -> MarkHistory:
    """The marks over the spans of the bars. Raises MarketDataError for marks of longer bars."""
    open_, high, low, close, _ = marks.columns
    try:
        aligned = align_marks(
            candles.open_time_us, candles.interval_us, marks.open_time_us, marks.interval_us, open_, high, low, close
        )
    except ValueError as error:
        found, allowed = f"marks of {marks.interval}", f"marks of {candles.interval} or of a part of it"
        raise MarketDataError(source, field="interval", found=found, allowed=allowed) from error
    return MarkHistory(*aligned)


def funding_beside(candles: Candles, times: IntArray, rates: FloatArray) -> FloatArray:
    """The sum of the rates settled in each bar."""
    return align_funding(candles.open_time_us, candles.interval_us, times, rates)


def _with_volume(data: bytes) -> bytes:
    """The file with a volume of 0 in each row, when it names its columns and none is a volume."""
    lines = data.decode("utf-8", "replace").splitlines()
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None or "volume" in lines[head].lower() or "open" not in lines[head].lower():
        return data
    mark = next((mark for mark in (";", "\t") if mark in lines[head]), ",")
    rows = (line + f"{mark}0" if line.strip() else line for line in lines[head + 1 :])
    return "\n".join([*lines[:head], lines[head] + f"{mark}volume", *rows]).encode()


def _table_of_csv(data: bytes, source: str) -> pl.DataFrame:
    separator = next((mark for mark in (";", "\t") if mark.encode() in data[:1000]), ",")
    try:
        return pl.read_csv(io.BytesIO(data), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise MarketDataError(source, found=str(error).splitlines()[0], allowed="CSV with a header") from error


def _typed(column: pl.Series, wanted: type[pl.DataType], source: str) -> pl.Series:
    """The column as numbers, where it is text; ISO times become moments. Raises MarketDataError with the first row
    that is neither."""
    if column.dtype != pl.String:
        return column
    plain = column.str.strip_chars()
    typed = plain.cast(wanted, strict=False)
    if wanted == pl.Int64 and typed.is_null().all():
        typed = plain.str.to_datetime(strict=False, time_zone="UTC", time_unit="us")
    bad = (typed.is_null()).arg_true()
    if len(bad):
        row = int(bad[0])
        allowed = "a number" if wanted == pl.Float64 else "s, ms or µs since the epoch, or ISO 8601 with a zone"
        found = str(column[row]) if column[row] is not None else "nothing"
        raise MarketDataError(source, field=column.name, row=row + 2, found=found, allowed=allowed)
    return typed


def _check_rates(times: IntArray, rates: FloatArray, source: str) -> None:
    units = np.rint(rates * _SCALE)
    bad = np.flatnonzero(~((np.abs(rates) <= 1.0) & (units / _SCALE == rates)))
    if bad.size:
        place = int(bad[0])
        raise MarketDataError(
            source,
            field="funding_rate",
            row=place + 1,
            time_us=int(times[place]),
            found=repr(float(rates[place])),
            allowed="-1 to 1 with at most 8 decimals",
        )
    order = np.argsort(times, kind="stable")
    same = np.flatnonzero(np.diff(times[order]) == 0)
    differs = same[rates[order][same] != rates[order][same + 1]]
    if differs.size:
        place = int(order[differs[0] + 1])
        raise MarketDataError(
            source,
            field="funding_time",
            row=place + 1,
            time_us=int(times[place]),
            found="two rates",
            allowed="one rate a settlement",
        )
