"""Fewer points that look the same: what a screen cannot show is not put on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

POINTS_MAX = 1_600
"""Points of a line: about two a pixel of a wide chart."""
CANDLES_MAX = 1_000


def extremes(values: FloatArray, points_max: int = POINTS_MAX) -> IntArray:
    """Indices to keep of a line, ascending: the lowest and the highest of each of equal buckets, and both ends.

    All of them if there are no more than ``points_max``. A bucket of NaN alone keeps its first point, a gap.
    """
    count = len(values)
    if count <= points_max:
        return np.arange(count)
    edges = np.linspace(0, count, points_max // 2 + 1).astype(np.int64)[:-1]
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    kept = [np.array([0, count - 1])]
    for filled, reduce in ((low, np.minimum), (high, np.maximum)):
        best = np.repeat(reduce.reduceat(filled, edges), np.diff(np.append(edges, count)))
        hits = np.flatnonzero(filled == best)
        buckets = np.searchsorted(edges, hits, side="right")
        kept.append(hits[np.flatnonzero(np.diff(buckets, prepend=-1))])
    return np.unique(np.concatenate(kept))


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCandles:
    """Candles to draw, each array of shape (k,): every one stands for ``bars`` bars, the last for as many or less."""

    bars: int
    time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


def candles(
    time_us: IntArray,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    candles_max: int = CANDLES_MAX,
) -> DrawnCandles:
    """Candles of as many bars each as keeps their number within ``candles_max``."""
    count = len(close)
    bars = max(1, -(-count // candles_max))
    starts = np.arange(0, count, bars)
    if not count:
        return DrawnCandles(bars, time_us, open_, high, low, close)
    ends = np.append(starts[1:], count) - 1
    return DrawnCandles(
        bars,
        time_us[starts],
        open_[starts],
        np.maximum.reduceat(high, starts),
        np.minimum.reduceat(low, starts),
        close[ends],
    )


def numbers(values: FloatArray) -> list[float | None]:
    """Values for JSON, 8 significant digits, None for what is no finite number."""
    return [float(f"{value:.8g}") if np.isfinite(value) else None for value in values.tolist()]


def moments(time_us: Any) -> list[int]:
    """Times for the axis, ms since the epoch."""
    return [int(value) for value in (np.asarray(time_us, dtype=np.int64) // 1000).tolist()]
