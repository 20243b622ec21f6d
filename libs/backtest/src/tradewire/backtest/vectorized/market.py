"""A request's markets as one block of integers: every close of the account, every symbol, in canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.vectorized.arithmetic import LARGEST_PRICE, SCALE
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory
from tradewire.ports.events import InstrumentStatus
from tradewire.trading.exchange import to_e8
from tradewire.trading.language import INTERVALS_US, Bars, StrategyDocument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray, IntArray

OPEN, HIGH, LOW, CLOSE, MARK, FUNDING, PRESENT = range(7)
"""Columns of a bar in `Markets.bars`; prices 1e-8, the mark at the close, the funding rate 1e-8, 1 or 0."""
COLUMNS = 7
TICK, STEP, MIN_QTY, MAX_QTY, MIN_NOTIONAL, TAKER_FEE, COLLAR, TRADING = range(8)
"""Columns of an instrument in `Markets.filters`, all 1e-8; TRADING is 1 or 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Markets:
    """Prices of m symbols (in alphabetical order) over t closes.

    ``time_us``: the closes, shape (t,). ``bars``: int64, shape (t, m, COLUMNS). ``filters``: int64, shape (m, 8).
    ``rows``: for each symbol, where its bars lie among the closes, shape (n,) each. ``histories`` likewise by symbol.
    """

    histories: tuple[MarketHistory, ...]
    columns: tuple[Bars, ...]
    interval_us: int
    time_us: IntArray
    bars: IntArray
    filters: IntArray
    rows: tuple[NDArray[np.intp], ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The venue's symbols in canonical order."""
        return tuple(history.symbol for history in self.histories)


def markets_of(request: BacktestRequest, document: StrategyDocument) -> Markets:
    """The markets that a strategy trades, checked.

    Raises: ValueError when a symbol has no history, or one of another interval, or bars that are none.
    """
    found = {history.symbol: history for history in request.markets}
    missing = [symbol for symbol in document.symbols if symbol not in found]
    if missing:
        raise ValueError(f"no history for {', '.join(missing)}; found {', '.join(sorted(found)) or 'none'}")
    histories = tuple(found[symbol] for symbol in sorted(document.symbols))
    for history in histories:
        if history.interval != document.interval:
            raise ValueError(f"{history.symbol}: bars of {history.interval}, the strategy's are {document.interval}")
        if history.instrument.venue != document.venue:
            raise ValueError(f"{history.symbol}: found venue {history.instrument.venue}, allowed {document.venue}")
        if not len(history):
            raise ValueError(f"{history.symbol}: found no bars, at least one is needed")
    interval_us = INTERVALS_US[document.interval]
    closes = [np.asarray(history.open_time_us, dtype=np.int64) + interval_us for history in histories]
    if len(closes) == 1:  # its bars are the closes: no copy
        time_us = closes[0]
        rows: tuple[NDArray[np.intp], ...] = (np.arange(len(time_us)),)
        bars = _bar_rows(histories[0]).reshape(len(time_us), 1, COLUMNS)
    else:
        time_us = np.unique(np.concatenate(closes))
        rows = tuple(np.searchsorted(time_us, close) for close in closes)
        bars = np.zeros((len(time_us), len(histories), COLUMNS), dtype=np.int64)
        for number, (history, places) in enumerate(zip(histories, rows, strict=True)):
            bars[places, number] = _bar_rows(history)
    filters = np.array([_filters(history, request.account) for history in histories], dtype=np.int64)
    columns = tuple(_columns(history) for history in histories)
    return Markets(histories, columns, interval_us, time_us, bars, filters, rows)


def _columns(history: MarketHistory) -> Bars:
    floats = (history.open, history.high, history.low, history.close, history.volume)
    times = np.asarray(history.open_time_us, dtype=np.int64)
    return Bars(times, *(np.ascontiguousarray(column, dtype=np.float64) for column in floats))


def _bar_rows(history: MarketHistory) -> IntArray:
    """The history's bars, int64, shape (n, COLUMNS)."""
    none = np.empty(0)
    rates = none if history.funding_rate is None else history.funding_rate
    columns = (
        history.open,
        history.high,
        history.low,
        history.close,
        history.close if history.mark is None else history.mark.close,
        rates,
    )
    opened, high, low, close, mark, rate = (np.ascontiguousarray(column, dtype=np.float64) for column in columns)
    rows, bad = _packed(opened, high, low, close, mark, rate)
    if bad >= 0:
        found = f"open {opened[bad]}, high {high[bad]}, low {low[bad]}, close {close[bad]}"
        fault = f"prices that do not nest, or one outside 0 to {LARGEST_PRICE:g} or of more than 8 decimals"
        raise ValueError(f"{history.symbol}: bar {bad} has {fault}: {found}")
    return rows


@compiled
def _packed(
    opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, mark: FloatArray, rate: FloatArray
) -> tuple[IntArray, int]:
    """Columns of prices side by side in 1e-8 units, and the first bar that is none (-1)."""
    rows = np.empty((len(close), COLUMNS), dtype=np.int64)
    for t in range(len(close)):
        if not (0.0 < low[t] <= opened[t] <= high[t] < LARGEST_PRICE and low[t] <= close[t] <= high[t]):
            return rows, t
        rows[t, OPEN], rows[t, HIGH] = np.rint(opened[t] * SCALE), np.rint(high[t] * SCALE)
        rows[t, LOW], rows[t, CLOSE] = np.rint(low[t] * SCALE), np.rint(close[t] * SCALE)
        exact = rows[t, OPEN] / SCALE == opened[t] and rows[t, HIGH] / SCALE == high[t]
        if not (exact and rows[t, LOW] / SCALE == low[t] and rows[t, CLOSE] / SCALE == close[t]):
            return rows, t
        rows[t, MARK] = np.rint(mark[t] * SCALE) if mark[t] == mark[t] else rows[t, CLOSE]
        rows[t, FUNDING] = np.rint(rate[t] * SCALE) if len(rate) else 0
        rows[t, PRESENT] = 1
    return rows, -1


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
    return (*(to_e8(value) for value in values), int(instrument.status is InstrumentStatus.TRADING))
