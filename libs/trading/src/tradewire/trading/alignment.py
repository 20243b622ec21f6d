"""Marks and funding laid beside bars. Pure; shared by ingest and research, so that both see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

MINUTE_US = 60_000_000
RATE_SCALE = 100_000_000
"""Rates are whole numbers of 1e-8."""


def align_marks(
    open_time_us: IntArray,
    interval_us: int,
    mark_open_time_us: IntArray,
    mark_interval_us: int,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mark candles over the spans of the bars: open, high, low, close of shape (n,), NaN where there is no mark.

    ``open_time_us`` (n,) and ``mark_open_time_us`` (m,) rise. Finer marks are aggregated, of those that exist in a
    bar's span. Raises ValueError when a bar is not a whole number of mark candles long, or times do not rise.
    """
    if mark_interval_us <= 0 or interval_us % mark_interval_us:
        raise ValueError(
            f"marks: found candles of {mark_interval_us} µs, allowed {interval_us} µs or a whole part of it"
        )
    for name, times in (("bars", open_time_us), ("marks", mark_open_time_us)):
        if np.any(np.diff(times) <= 0):
            raise ValueError(f"{name}: found open times that do not rise, allowed rising ones")
    place = np.searchsorted(open_time_us, mark_open_time_us, side="right") - 1
    inside = place >= 0
    inside[inside] = mark_open_time_us[inside] < open_time_us[place[inside]] + interval_us
    place = place[inside]
    aligned = tuple(np.full(len(open_time_us), np.nan) for _ in range(4))
    if len(place):
        starts = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
        bars = place[starts]
        aligned[0][bars] = open_[inside][starts]
        aligned[1][bars] = np.maximum.reduceat(high[inside], starts)
        aligned[2][bars] = np.minimum.reduceat(low[inside], starts)
        aligned[3][bars] = close[inside][np.append(starts[1:], len(place)) - 1]
    return aligned[0], aligned[1], aligned[2], aligned[3]


def align_funding(open_time_us: IntArray, interval_us: int, time_us: IntArray, rate: FloatArray) -> FloatArray:
    """The sum of the rates settled in each bar, shape (n,): after its open and by its close; 0 where none was.

    Settlements are recorded up to some ms after their nominal time: ``time_us`` (m,) is floored to the minute. One
    that falls into a gap between bars belongs to none. Sums are exact in units of 1e-8.
    """
    total = np.zeros(len(open_time_us), dtype=np.int64)
    nominal_us = time_us - time_us % MINUTE_US
    place = np.searchsorted(open_time_us, nominal_us, side="left") - 1
    inside = place >= 0
    inside[inside] = nominal_us[inside] <= open_time_us[place[inside]] + interval_us
    np.add.at(total, place[inside], np.rint(rate[inside] * RATE_SCALE).astype(np.int64))
    return total / RATE_SCALE
