"""What each trade went through: how long it was held, what it returned, how far the price went for and against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.ports.backtest import MarketHistory, Trade
from tradewire.ports.events import Side
from tradewire.trading.language import INTERVALS_US

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


class TradeMeasures(NamedTuple):
    """Measures of k trades, shape (k,) each; of one that is still open, as of the end.

    ``bars``: closes of the symbol that it was held over. ``held_us``: from entry to exit. ``return_ratio``: PnL over
    quantity times entry price. ``mae_ratio`` and ``mfe_ratio``: maximum adverse and favourable excursion, how far the
    last price went from the entry price against the position (0 or below) and for it (0 or above), as a ratio of the
    entry price. Within a bar the price takes the way that fills are modelled by: to the adverse extreme first for what
    is held, and for an entry on its way; a third of the bar each.
    """

    bars: IntArray
    held_us: IntArray
    return_ratio: FloatArray
    mae_ratio: FloatArray
    mfe_ratio: FloatArray


class _Pieces(NamedTuple):
    """Bars, each replaced by its finer bars where there are any, shape (n,): times UTC µs, quote per base."""

    open_us: IntArray
    span_us: IntArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


class _Trades(NamedTuple):
    """Trades of one symbol, shape (k,): sign 1 or -1, times UTC µs (that of the end where still open)."""

    sign: IntArray
    entry_us: IntArray
    exit_us: IntArray
    entry_price: FloatArray
    exit_price: FloatArray


def measures_of(trades: Sequence[Trade], markets: Sequence[MarketHistory]) -> TradeMeasures:
    """The measures of trades on these markets. Raises: KeyError for a trade of a symbol that is not among them."""
    known = {market.symbol: market for market in markets}
    bars, held = np.zeros(len(trades), dtype=np.int64), np.zeros(len(trades), dtype=np.int64)
    adverse, favourable = np.zeros(len(trades)), np.zeros(len(trades))
    places: dict[str, list[int]] = {}
    for place, trade in enumerate(trades):
        places.setdefault(trade.symbol, []).append(place)
    for symbol, own in places.items():
        market = known[symbol]
        columns = _columns([trades[place] for place in own], market)
        bars[own] = _bar_of(market, columns.exit_us) - _bar_of(market, columns.entry_us)
        held[own] = columns.exit_us - columns.entry_us
        adverse[own], favourable[own] = _excursions(columns, _pieces_of(market))
    returned = np.array([trade.return_ratio for trade in trades], dtype=np.float64)
    return TradeMeasures(bars, held, returned, adverse, favourable)


def _columns(trades: Sequence[Trade], market: MarketHistory) -> _Trades:
    end_us = int(market.open_time_us[-1]) + INTERVALS_US[market.interval]
    exits = [end_us if trade.exit_time_us is None else trade.exit_time_us for trade in trades]
    return _Trades(
        np.array([1 if trade.side is Side.BUY else -1 for trade in trades], dtype=np.int64),
        np.array([trade.entry_time_us for trade in trades], dtype=np.int64),
        np.array(exits, dtype=np.int64),
        np.array([float(trade.entry_price) for trade in trades]),
        np.array([float(trade.exit_price) for trade in trades]),
    )


def _bar_of(market: MarketHistory, times_us: IntArray) -> IntArray:
    """Number of the bar in which each time is; that of the bar after the last at the end."""
    last_us = market.open_time_us[-1:] + INTERVALS_US[market.interval]
    opens = np.concatenate([market.open_time_us, last_us])
    found: IntArray = np.searchsorted(opens, times_us, side="right") - 1
    return found


def _pieces_of(market: MarketHistory) -> _Pieces:
    span_us, path = INTERVALS_US[market.interval], market.path
    opens = market.open_time_us
    whole = _Pieces(opens, np.full(len(opens), span_us, dtype=np.int64), market.high, market.low, market.close)
    if path is None:
        return whole
    inner_us = np.full(len(path), INTERVALS_US[path.interval], dtype=np.int64)
    finer = _Pieces(path.open_time_us, inner_us, path.high, path.low, path.close)
    first = np.searchsorted(path.open_time_us, opens)
    walked = np.searchsorted(path.open_time_us, opens + span_us) > first
    both = [np.concatenate([part[~walked], more]) for part, more in zip(whole, finer, strict=True)]
    by_time = np.argsort(both[0], kind="stable")
    return _Pieces(*(column[by_time] for column in both))


def _excursions(trades: _Trades, pieces: _Pieces) -> tuple[FloatArray, FloatArray]:
    """Adverse and favourable excursion of each trade."""
    sign, entry_us, exit_us, entry, left = trades
    first = np.maximum(np.searchsorted(pieces.open_us, entry_us, side="right") - 1, 0)
    last = np.searchsorted(pieces.open_us, exit_us) - 1  # an open belongs to the piece before: that is passed whole
    on_way = entry_us > pieces.open_us[first]
    into, out = _thirds(entry_us, first, pieces), _thirds(exit_us, last, pieces)
    low, high = np.minimum(entry, left), np.maximum(entry, left)
    whole = np.where(on_way, first + 1, first), last
    low = np.minimum(low, _over(np.minimum, pieces.low, whole, np.inf))
    high = np.maximum(high, _over(np.maximum, pieces.high, whole, -np.inf))
    held, until = (last >= first) & ~(on_way & (last == first)), np.where(last > first, 3, out)
    # Of the piece of the exit, the adverse extreme comes first; of that of an entry on its way, the other one.
    reached = (
        (last, sign, held & (out >= 1), held & (out >= 2)),
        (first, -sign, on_way & (into < 1) & (until >= 1), on_way & (into < 2) & (until >= 2)),
    )
    for at, towards, nearer, farther in reached:
        low = np.where(np.where(towards > 0, nearer, farther), np.minimum(low, pieces.low[at]), low)
        high = np.where(np.where(towards > 0, farther, nearer), np.maximum(high, pieces.high[at]), high)
    closed = np.where(on_way & (last > first), pieces.close[first], entry)
    low, high = np.minimum(low, closed), np.maximum(high, closed)
    worst, best = np.where(sign > 0, low, high), np.where(sign > 0, high, low)
    return np.minimum(sign * (worst / entry - 1.0), 0.0), np.maximum(sign * (best / entry - 1.0), 0.0)


def _thirds(times_us: IntArray, at: IntArray, pieces: _Pieces) -> IntArray:
    """How many thirds of a piece have passed, 0 to 3."""
    found: IntArray = np.clip((times_us - pieces.open_us[at]) * 3 // pieces.span_us[at], 0, 3)
    return found


def _over(reduce: np.ufunc, values: FloatArray, bounds: tuple[IntArray, IntArray], none: float) -> FloatArray:
    """``reduce`` over values[begin:end] of each pair of bounds; ``none`` where that is empty."""
    begin, end = bounds
    found = np.full(len(begin), none)
    some = end > begin
    if some.any():
        pairs = np.column_stack([begin[some], end[some]]).ravel()
        found[some] = reduce.reduceat(np.append(values, none), pairs)[::2]
    return found
