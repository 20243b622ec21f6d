"""A request's markets as columns: every close of the account, every symbol, in canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_inside
from tradewire.backtest.loops.arithmetic import LARGEST_PRICE, SCALE
from tradewire.backtest.loops.units import bars_e8, e8_array, prices_e8
from tradewire.backtest.merging import merged
from tradewire.backtest.traded import traded_markets
from tradewire.backtest.warmup import bars_seen, lead_of
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory
from tradewire.ports.events import InstrumentStatus
from tradewire.trading.exchange import bounded_e8
from tradewire.trading.language import INTERVALS_US, Bars, StrategyDocument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray, IntArray

_Number = TypeVar("_Number", np.float64, np.int64)

TICK, STEP, MIN_QTY, MAX_QTY, MIN_NOTIONAL, TAKER_FEE, COLLAR, TRADING = range(8)
"""Columns of an instrument in `Markets.filters`, all 1e-8; TRADING is 1 or 0."""


class MarketColumns(NamedTuple):
    """What the compiled loop reads of m symbols of up to n bars each, by the number of a symbol's own bar.

    ``open`` to ``close`` and the ``mark`` at the close: float64 of at most 8 decimals, shape (m, n).
    ``funding``: rate, int64 1e-8, (m, n), or (m, 0) where no symbol has any. ``bar``: number of the symbol's bar at
    each of the t closes, -1 where it has none, int64, shape (m, t); (1, 0) of one symbol, whose bars are the closes.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    mark: FloatArray
    funding: IntArray
    bar: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Markets:
    """Prices of m symbols (in alphabetical order) over t closes.

    ``columns``: the bars that are traded; ``seen``: all that indicators are computed on, ``lead`` of them before those,
    shape (m,). ``time_us``: the closes, shape (t,). ``filters``: int64, shape (m, 8). ``rows``: for each symbol, where
    its bars lie among the closes, shape (n,) each; empty of one symbol, whose bars are the closes. ``histories``
    likewise by symbol.
    """

    histories: tuple[MarketHistory, ...]
    columns: tuple[Bars, ...]
    seen: tuple[Bars, ...]
    lead: IntArray
    interval_us: int
    time_us: IntArray
    tape: MarketColumns
    filters: IntArray
    rows: tuple[NDArray[np.intp], ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The venue's symbols in canonical order."""
        return tuple(history.symbol for history in self.histories)

    @property
    def longest(self) -> int:
        """Bars of the symbol that has most."""
        return max(map(len, self.columns))

    def marks_e8(self) -> IntArray:
        """The marks by the symbols' own bars, int64 1e-8, shape (m, n)."""
        return np.rint(self.tape.mark * SCALE).astype(np.int64)

    def at_closes(self, values: IntArray, absent: int) -> IntArray:
        """Values by the symbols' own bars, shape (m, n), at the account's closes, shape (t, m)."""
        if not self.rows:
            return values.T
        spread = np.full((len(self.time_us), len(self.rows)), absent, dtype=np.int64)
        for number, places in enumerate(self.rows):
            spread[places, number] = values[number, : len(places)]
        return spread


def markets_of(request: BacktestRequest, document: StrategyDocument) -> Markets:
    """The markets that a strategy trades, checked.

    Raises: ValueError when a symbol has no history, or one of another interval, or bars that are none.
    """
    histories = tuple(traded_markets(document, request.markets))
    interval_us = INTERVALS_US[document.interval]
    closes = [np.asarray(history.open_time_us, dtype=np.int64) + interval_us for history in histories]
    rows: tuple[NDArray[np.intp], ...] = ()
    time_us, bar = closes[0], np.empty((1, 0), dtype=np.int64)
    if len(closes) > 1:
        time_us = merged(closes)
        rows = tuple(np.searchsorted(time_us, close) for close in closes)
        bar = np.full((len(closes), len(time_us)), -1, dtype=np.int64)
        for number, places in enumerate(rows):
            bar[number, places] = np.arange(len(places))
    columns = tuple(_columns(history) for history in histories)
    seen = tuple(map(_seen, histories, columns))
    lead = np.array([lead_of(history) for history in histories], dtype=np.int64)
    filters = np.array([_filters(history, request.account) for history in histories], dtype=np.int64)
    tape = _tape(histories, columns, bar)
    return Markets(histories, columns, seen, lead, interval_us, time_us, tape, filters, rows)


def _columns(history: MarketHistory) -> Bars:
    floats = (history.open, history.high, history.low, history.close, history.volume)
    return Bars(np.asarray(history.open_time_us, dtype=np.int64), *(_plain(column) for column in floats))


def _seen(history: MarketHistory, traded: Bars) -> Bars:
    return traded if history.earlier is None else bars_seen(history)


def _plain(column: FloatArray) -> FloatArray:
    """The column in the one layout that loops are compiled for; a copy of one that is read-only."""
    return np.require(column, np.float64, ["C", "W"])


def _tape(histories: Sequence[MarketHistory], columns: Sequence[Bars], bar: IntArray) -> MarketColumns:
    marks = [_mark(history, bars) for history, bars in zip(histories, columns, strict=True)]
    paid = any(history.funding_rate is not None for history in histories)
    rates = [_rates(history) if paid else np.empty(0, dtype=np.int64) for history in histories]
    prices = ([getattr(bars, name) for bars in columns] for name in ("open", "high", "low", "close"))
    opened, high, low, close = (_together(column) for column in prices)
    return MarketColumns(opened, high, low, close, _together(marks), _together(rates), bar)


def _together(columns: Sequence[NDArray[_Number]]) -> NDArray[_Number]:
    """One row for each column, the shorter ones filled up with 0; no copy of a single one."""
    if len(columns) == 1:
        return columns[0].reshape(1, -1)
    whole = np.zeros((len(columns), max(map(len, columns))), dtype=columns[0].dtype)
    for row, column in zip(whole, columns, strict=True):
        row[: len(column)] = column
    return whole


def _mark(history: MarketHistory, bars: Bars) -> FloatArray:
    """The mark at each close, shape (n,), after a check of the prices: the close where there is none."""
    bad = _first_faulty(bars.open, bars.high, bars.low, bars.close)
    if bad >= 0:
        found = f"open {bars.open[bad]}, high {bars.high[bad]}, low {bars.low[bad]}, close {bars.close[bad]}"
        columns = {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close}
        bars_e8({name: values[: bad + 1] for name, values in columns.items()}, history.symbol)
        raise ValueError(f"{history.symbol}: bar {bad} has prices that do not nest, or of too many digits: {found}")
    if history.mark is None:
        return bars.close
    mark = np.asarray(history.mark.close, dtype=np.float64)
    known = np.where(np.isnan(mark), bars.close, mark)
    prices_e8(known, f"{history.symbol} mark close")
    return known


def _rates(history: MarketHistory) -> IntArray:
    if history.funding_rate is None:
        return np.zeros(len(history), dtype=np.int64)
    return e8_array(history.funding_rate, f"{history.symbol} funding rate")


@compiled
def _first_faulty(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> int:
    """The first bar that is none, -1 where all are."""
    faults = 0
    for t in range(len(close)):
        faults += _faulty(opened[t], high[t], low[t], close[t])
    if faults:
        for t in range(len(close)):
            if _faulty(opened[t], high[t], low[t], close[t]):
                return t
    return -1


@compiled_inside
def _faulty(opened: float, high: float, low: float, close: float) -> int:
    """1 for a bar that is none. No branches: the loop over it works on several bars at a time."""
    nested = (
        (low > 0.0) & (low <= opened) & (opened <= high) & (high < LARGEST_PRICE) & (low <= close) & (close <= high)
    )
    exact = (np.rint(opened * SCALE) / SCALE == opened) & (np.rint(high * SCALE) / SCALE == high)
    exact &= (np.rint(low * SCALE) / SCALE == low) & (np.rint(close * SCALE) / SCALE == close)
    return 1 - int(nested & exact)


def _filters(history: MarketHistory, account: AccountSettings) -> Sequence[int]:
    instrument = account.priced(history.instrument)
    limit = None if account.limits is None else account.limits.price_collar_ratio
    collars = [collar for collar in (instrument.price_collar_ratio, limit) if collar is not None and collar > 0]
    values = (
        instrument.tick_size,
        instrument.step_size,
        instrument.min_qty,
        instrument.max_qty,
        instrument.min_notional,
        instrument.taker_fee,
        min(collars, default=Decimal(0)),
    )
    return (*(bounded_e8(value) for value in values), int(instrument.status is InstrumentStatus.TRADING))
