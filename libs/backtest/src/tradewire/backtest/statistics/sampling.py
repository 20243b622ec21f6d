"""From an equity curve to returns: per bar, per day and per month, and how many bars make a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAY_US = 86_400_000_000
YEAR_US = 365 * DAY_US
"""Crypto trades around the clock on every day: no 252 trading days."""


def bar_length_us(time_us: IntArray) -> float | None:
    """Median distance between closes, µs, so that gaps in the data do not count; None for less than two closes."""
    return float(np.median(np.diff(time_us))) if len(time_us) > 1 else None


def periods_per_year(time_us: IntArray) -> float | None:
    """Bars in a year of 365 × 86,400 s at the median bar length: 8,760 for 1 h. None for less than two closes."""
    length_us = bar_length_us(time_us)
    return YEAR_US / length_us if length_us else None


def living(equity: FloatArray) -> int:
    """How many points of the curve count for returns: up to the first that is not above 0, that one included."""
    gone = np.flatnonzero(equity <= 0.0)
    return int(gone[0]) + 1 if gone.size else len(equity)


def simple_returns(equity: FloatArray) -> FloatArray:
    """Simple return of every bar, ``e[t] / e[t-1] - 1``, shape (n-1,).

    The series ends with the bar on which the equity is gone (≤ 0): what follows has no return.
    """
    alive = equity[: living(equity)]
    return alive[1:] / alive[:-1] - 1.0 if len(alive) > 1 else np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Returns of calendar periods in UTC: ``start_us`` of each, ascending, and its simple return, both (p,)."""

    start_us: IntArray
    returns: FloatArray


def period_returns(time_us: IntArray, equity: FloatArray, start_us: IntArray) -> Periods:
    """Returns of the periods that begin at ``start_us`` (one entry per close: the start of the period it belongs to).

    A period's return goes from the last close of the period before (the first close of all for the first) to its own
    last close. A close at midnight ends the day before.
    """
    count = living(equity)
    if count < 2:
        return Periods(np.empty(0, np.int64), np.empty(0))
    alive, starts = equity[:count], start_us[:count]
    lasts = np.append(np.flatnonzero(np.diff(starts)), count - 1)
    ends = alive[lasts]
    before = np.concatenate(([alive[0]], ends[:-1]))
    returns = ends / before - 1.0
    # A first close at midnight is the end of a period that the run did not see: no return of that period.
    first = 1 if lasts[0] == 0 else 0
    return Periods(starts[lasts][first:], returns[first:])


def daily_returns(time_us: IntArray, equity: FloatArray) -> Periods:
    """Returns of UTC days; of the bars themselves where bars are a day or longer."""
    return period_returns(time_us, equity, (time_us - 1) // DAY_US * DAY_US)


def monthly_returns(time_us: IntArray, equity: FloatArray) -> Periods:
    """Returns of UTC calendar months."""
    months = (time_us - 1).astype("datetime64[us]").astype("datetime64[M]")
    return period_returns(time_us, equity, months.astype("datetime64[us]").astype(np.int64))


def buy_and_hold(time_us: IntArray, close_time_us: IntArray, close: FloatArray, capital: float) -> FloatArray:
    """Equity of one who buys for all the capital at the first point and holds: the benchmark, quote, shape (t,).

    The price at a point is that of the last bar closed by then; the first bar's before there is one. No fee.
    """
    if not len(close):
        return np.full(len(time_us), capital)
    at = np.maximum(np.searchsorted(close_time_us, time_us, side="right") - 1, 0)
    prices = close[at]
    return capital * prices / prices[0] if len(prices) else prices
