"""Finer candles that tell the way of the price inside longer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.data.errors import MarketDataError

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_FIELDS = ("open", "high", "low", "close")


def path_inside(candles: Candles, finer: Candles, source: str) -> Candles:
    """The finer candles of those bars that they add up to; the other bars have none.

    A bar of which finer candles are missing may differ from what is left of them, and is left without; one that has
    them all may not. Raises MarketDataError: the finer interval is no part of the bars' own, a bar differs from its
    finer candles, or no bar has any.
    """
    if finer.interval_us >= candles.interval_us or candles.interval_us % finer.interval_us:
        allowed = f"candles of a part of {candles.interval}"
        raise MarketDataError(source, field="interval", found=f"candles of {finer.interval}", allowed=allowed)
    bar = np.searchsorted(candles.open_time_us, finer.open_time_us, side="right") - 1
    inside = (bar >= 0) & (finer.open_time_us < candles.open_time_us[bar] + candles.interval_us)
    bar, place = bar[inside], np.flatnonzero(inside)
    if not len(bar):
        raise MarketDataError(source, found="no candle inside the bars", allowed="finer candles of the same time")
    starts = np.flatnonzero(np.concatenate([[True], bar[1:] != bar[:-1]]))
    counts = np.diff(np.append(starts, len(bar)))
    bars = bar[starts]
    wrong = _differing(candles, finer, bars, place[starts], place[starts + counts - 1])
    _refuse(candles, finer, bars, wrong, counts, source)
    kept = np.repeat(~wrong.any(axis=0), counts)
    return _chosen(finer, place[kept])


def _differing(candles: Candles, finer: Candles, bars: IntArray, first: IntArray, last: IntArray) -> FloatArray:
    """Which of the bars' open, high, low, close (4, n) differ from what their finer candles add up to."""
    added = _added(finer, first, last)
    own = np.array([column[bars] for column in candles.columns[:4]])
    return np.asarray(added != own)


def _added(finer: Candles, first: IntArray, last: IntArray) -> FloatArray:
    """Open, high, low, close (4, n) of the runs of finer candles from ``first`` to ``last``, both included."""
    edges = np.stack([first, last + 1], axis=1).ravel()
    padded = [np.append(column, np.nan) for column in (finer.high, finer.low)]
    high = np.fmax.reduceat(padded[0], edges)[::2]
    low = np.fmin.reduceat(padded[1], edges)[::2]
    return np.array([finer.open[first], high, low, finer.close[last]])


def _refuse(candles: Candles, finer: Candles, bars: IntArray, wrong: FloatArray, counts: IntArray, source: str) -> None:
    """Raise MarketDataError for the first bar that has all its finer candles and differs from them."""
    whole = counts == candles.interval_us // finer.interval_us
    bad = np.flatnonzero(wrong.any(axis=0) & whole)
    if bad.size:
        field = int(np.flatnonzero(wrong[:, bad[0]])[0])
        at = int(bars[bad[0]])
        time_us = int(candles.open_time_us[at])
        run = slice(*np.searchsorted(finer.open_time_us, [time_us, time_us + candles.interval_us]).tolist())
        found = (finer.open[run][0], finer.high[run].max(), finer.low[run].min(), finer.close[run][-1])[field]
        allowed = f"{float(candles.columns[field][at])!r}, as the bar of {candles.interval} has"
        raise MarketDataError(source, time_us=time_us, field=_FIELDS[field], found=repr(float(found)), allowed=allowed)


def _chosen(finer: Candles, place: IntArray) -> Candles:
    open_, high, low, close, volume = (np.ascontiguousarray(column[place]) for column in finer.columns)
    return Candles(finer.interval, finer.open_time_us[place], open_, high, low, close, volume)
