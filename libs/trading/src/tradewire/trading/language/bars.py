"""Closed bars and their aggregation to higher intervals, bar by bar and over whole arrays.

Rules, the same in both forms:
- a base bar belongs to the higher bar whose bucket holds its open time (`intervals.origin_us` aligns
  buckets);
- a higher bar closes with the base bar that reaches the bucket's end, or, where that one is missing, when the
  first base bar of a later bucket arrives; it is made of the base bars that exist, and an empty bucket has
  none;
- a base bar sees the last higher bar closed by then, its own bucket's included when it completes it;
- when the first base bar of all is not the first of its bucket, that bucket is dropped: its beginning was
  not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.intervals import origin_us

IntArray = NDArray[np.int64]
_TIMES_AT_ONCE = 1 << 15
"""Differences of so many times stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class IndicatorBar:
    """One closed bar; `open_time_us` in UTC epoch µs, prices in quote per base, volume in base asset."""

    open_time_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A history of closed bars: arrays of equal shape (n,), in order of time, units as in Bar.

    Raises: ValueError for unequal shapes, a value that is not finite, or times that do not rise.
    """

    open_time_us: IntArray | FloatArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    step_us: float = field(init=False, repr=False, compare=False)
    """Shortest time from one bar's open to the next, µs; infinity for fewer than two bars."""

    def __post_init__(self) -> None:
        columns = self.columns()
        if len({np.shape(column) for column in (self.open_time_us, *columns.values())}) != 1:
            raise ValueError("the columns of bars differ in length")
        for name, column in columns.items():
            bad = _first_endless(column)
            if bad is not None:
                raise ValueError(f"{name} of bar {bad} is {column[bad]}; it must be a finite number")
        step_us = _shortest_step(self.open_time_us)
        if step_us <= 0:
            where = int(np.flatnonzero(np.diff(self.open_time_us) <= 0)[0]) + 1
            raise ValueError(f"bar {where} opens at or before the bar ahead of it; times must rise")
        object.__setattr__(self, "step_us", step_us)

    def __len__(self) -> int:
        return len(self.close)

    def columns(self) -> dict[str, FloatArray]:
        """The bar fields that expressions may read, by name."""
        return {
            "open": self.open,
            "high": self.high,
            "low": self.low,
            "close": self.close,
            "volume": self.volume,
        }

    def head(self, count: int) -> Bars:
        """The first `count` bars."""
        return self.span(0, count)

    def span(self, start: int, stop: int) -> Bars:
        """Bars start … stop-1."""
        return Bars(
            self.open_time_us[start:stop],
            *(column[start:stop] for column in self.columns().values()),
        )

    def bar(self, index: int) -> IndicatorBar:
        """The bar at `index`."""
        return IndicatorBar(int(self.open_time_us[index]), *(float(col[index]) for col in self.columns().values()))


def _first_endless(column: FloatArray) -> int | None:
    """The first place whose number is infinite or NaN; None where all are finite."""
    with np.errstate(all="ignore"):
        if math.isfinite(np.add.reduce(column)):  # else one of them is, or they are very large
            return None
    bad = np.flatnonzero(~np.isfinite(column))
    return int(bad[0]) if bad.size else None


def _shortest_step(times: IntArray | FloatArray) -> float:
    """The smallest difference of neighbours, infinity where there is none."""
    shortest = math.inf
    for first in range(0, len(times) - 1, _TIMES_AT_ONCE):
        part = times[first : first + _TIMES_AT_ONCE + 1]
        shortest = min(shortest, float((part[1:] - part[:-1]).min()))
    return shortest


def require_finite(bar: IndicatorBar) -> None:
    """Raise ValueError when a field of the bar is NaN or infinite."""
    for name in ("open", "high", "low", "close", "volume"):
        value = getattr(bar, name)
        if not math.isfinite(value):
            raise ValueError(f"{name} of the bar at {bar.open_time_us} µs is {value}; it must be finite")


def bucket_open_us(open_time_us: int, interval_us: int) -> int:
    """Open time of the higher bar that holds this time, µs."""
    return open_time_us - (open_time_us - origin_us(interval_us)) % interval_us


class Aggregator:
    """Builds the bars of one higher interval from base bars, in O(1) a bar."""

    def __init__(self, base_us: int, interval_us: int) -> None:
        self._base_us = base_us
        self._interval_us = interval_us
        self._started = False
        self._dropped_us: int | None = None
        self._pending: IndicatorBar | None = None

    def update(self, bar: IndicatorBar) -> list[IndicatorBar]:
        """Take a base bar; return the higher bars (0 to 2) that it closes, oldest first."""
        bucket_us = bucket_open_us(bar.open_time_us, self._interval_us)
        closed = []
        if self._pending is not None and self._pending.open_time_us != bucket_us:
            closed.append(self._pending)
            self._pending = None
        if not self._started:
            self._started = True
            self._dropped_us = bucket_us if bar.open_time_us != bucket_us else None
        if self._dropped_us == bucket_us:
            return closed
        self._pending = _merge(self._pending, bar, bucket_us)
        if bar.open_time_us + self._base_us >= bucket_us + self._interval_us:
            closed.append(self._pending)
            self._pending = None
        return closed

    def state(self) -> dict[str, Any]:
        """The aggregation in progress, JSON-able."""
        pending = self._pending
        fields = [pending.open_time_us, pending.open, pending.high, pending.low] if pending else None
        if fields is not None and pending is not None:
            fields += [pending.close, pending.volume]
        return {"started": self._started, "dropped_us": self._dropped_us, "pending": fields}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""
        self._started = bool(state["started"])
        self._dropped_us = state["dropped_us"]
        fields = state["pending"]
        self._pending = IndicatorBar(int(fields[0]), *(float(field) for field in fields[1:])) if fields else None


def _merge(pending: IndicatorBar | None, bar: IndicatorBar, bucket_us: int) -> IndicatorBar:
    if pending is None:
        return IndicatorBar(bucket_us, bar.open, bar.high, bar.low, bar.close, bar.volume)
    return IndicatorBar(
        bucket_us,
        pending.open,
        max(pending.high, bar.high),
        min(pending.low, bar.low),
        bar.close,
        pending.volume + bar.volume,
    )


def aggregate(bars: Bars, base_us: int, interval_us: int) -> tuple[Bars, IntArray]:
    """All higher bars of a history, and which of them each base bar sees.

    Returns: the higher bars that have begun, shape (m,), the last possibly still open; and for each base bar
    the index of the last higher bar closed by then, shape (n,), negative while there is none.
    """
    times = np.asarray(bars.open_time_us).astype(np.int64)
    buckets = times - (times - origin_us(interval_us)) % interval_us
    begins = np.ones(len(times), dtype=np.bool_)
    begins[1:] = buckets[1:] != buckets[:-1]
    dropped = len(times) > 0 and times[0] != buckets[0]
    group = np.cumsum(begins) - 1 - int(dropped)
    completes = times + base_us >= buckets + interval_us
    seen = np.where(completes, group, group - 1)
    starts = np.flatnonzero(begins)[int(dropped) :]
    return _grouped(bars, buckets, starts), seen


def _grouped(bars: Bars, buckets: IntArray, starts: IntArray) -> Bars:
    ends = np.append(starts[1:], len(bars)).astype(np.int64)
    if not len(starts):
        return bars.head(0)
    volume = bars.volume[starts].copy()
    for place in range(1, int((ends - starts).max())):  # one by one, as the incremental form adds
        longer = ends - starts > place
        volume[longer] += bars.volume[starts[longer] + place]
    return Bars(
        buckets[starts],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends - 1],
        volume,
    )
