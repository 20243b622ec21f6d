"""Mark-price candles and funding settlements from files, laid beside a market's bars."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.data.contents import Form, form_of, read_contents
from tradewire.backtest.data.errors import MarketDataError, iso_of
from tradewire.backtest.data.reading import PLAIN, Reading
from tradewire.backtest.data.sources import FrameSource, Source
from tradewire.backtest.data.table_rows import market_rows, table_of, times_of
from tradewire.ports.backtest import MarkHistory
from tradewire.trading.alignment import align_funding, align_marks
from tradewire.trading.bars_layout import separator_of
from tradewire.trading.columns import ColumnsError, plain_names, refuse_twice
from tradewire.trading.market_column import market_column

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_TIMES = ("funding_time", "fundingtime", "calc_time", "time", "timestamp", "date", "datetime")
_RATES = ("funding_rate", "fundingrate", "last_funding_rate", "rate")
_SCALE = 1e8
LONGEST_SETTLING_US = 8 * 3_600_000_000
"""Of venues, the longest usual time between two settlements."""


def read_funding(source: Source, reading: Reading = PLAIN) -> tuple[IntArray, FloatArray]:
    """Settlements of a file or frame: times (µs) that rise and rates (fractions), each shape (m,).

    Raises MarketDataError for missing columns, rows of another market than the reading's, a rate that is none, beyond
    ±1 or finer than 1e-8, and for two rates of one time; OSError.
    """
    table, name = _table(source), str(source)
    time, rate = _columns(table.columns, source)
    if not table.height:
        raise MarketDataError(name, found="no rows", allowed="at least one settlement")
    of_csv = table.to_series(rate).dtype == pl.String
    first_row = 2 if of_csv else 1
    column = market_column(table.columns, plain_names(table.columns))
    kept = market_rows(table, column, name, reading.symbol, [], first_row=first_row)
    times = times_of(table.to_series(time), name, reading.zone, first_row=first_row)
    rates = _rates(table.to_series(rate), name)
    times, rates = (times, rates) if kept is None else (times[kept], rates[kept])
    _check_rates(times, rates, name)
    times, first = np.unique(times, return_index=True)
    return times, rates[first]


def _table(source: Source) -> pl.DataFrame:
    if isinstance(source, FrameSource):
        return source.table
    data, name = read_contents(source), str(source)
    form = form_of(data, source)
    return _table_of_csv(data, name) if form is Form.CSV else table_of(data, form, name)


def _columns(names: Sequence[str], source: Source) -> tuple[int, int]:
    """The places of time and rate; of freqtrade's candles of a funding rate the open is the rate."""
    plain = plain_names(names)
    candles = isinstance(source, Path) and "funding_rate" in source.name and "open" in plain
    rates = ("open",) if candles else _RATES
    try:
        refuse_twice(names, plain, (*_TIMES, *rates))
    except ColumnsError as error:
        raise MarketDataError(str(source), field="header", found=error.found, allowed=error.allowed) from error
    time = next((plain.index(name) for name in _TIMES if name in plain), None)
    rate = next((plain.index(name) for name in rates if name in plain), None)
    if time is None or rate is None:
        found = f"columns {', '.join(names)}"
        raise MarketDataError(str(source), field="header", found=found, allowed="funding_time, funding_rate")
    return time, rate


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


def uncovered(candles: Candles, mark: MarkHistory | None, settled_us: IntArray | None) -> Iterator[str]:
    """For which of the bars there is no mark, and at which end of them no settlement, where others have one."""
    lacking = 0 if mark is None else int(np.count_nonzero(np.isnan(mark.close)))
    if lacking:
        yield f"no mark for {lacking:,} of {len(candles):,} bars: the last price stands in for it"
    if settled_us is None:
        return
    first_us, last_us = int(settled_us[0]), int(settled_us[-1])
    usual_us = max(int(np.diff(settled_us).max(initial=0)), LONGEST_SETTLING_US)
    begin_us, end_us = int(candles.open_time_us[0]), int(candles.open_time_us[-1]) + candles.interval_us
    if first_us - begin_us > usual_us or end_us - last_us > usual_us:
        yield f"funding is known from {iso_of(first_us)} to {iso_of(last_us)}: none is paid outside"


def _table_of_csv(data: bytes, source: str) -> pl.DataFrame:
    separator = separator_of(data[:1000].decode(errors="replace"))
    try:
        return pl.read_csv(io.BytesIO(data), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise MarketDataError(source, found=str(error).splitlines()[0], allowed="CSV with a header") from error


def _rates(column: pl.Series, source: str) -> FloatArray:
    """Float64; raises MarketDataError with the first row that is no number."""
    if column.dtype == pl.String:
        typed = column.str.strip_chars().cast(pl.Float64, strict=False)
        bad = typed.is_null().arg_true()
        if len(bad):
            found = str(column[int(bad[0])]) if column[int(bad[0])] is not None else "nothing"
            row = int(bad[0]) + 2
            raise MarketDataError(source, field=column.name, row=row, found=found, allowed="a number")
        column = typed
    rates: FloatArray = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    return rates


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
