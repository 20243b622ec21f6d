"""An equity curve within a bound: thinned, but never of its highs and lows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

POINTS_MAX = 20_000
"""Points kept per account: two years of hours exactly, then highs and lows of ever longer stretches."""


class Point(NamedTuple):
    """An account as of an event time (µs); quote. ``drawdown_ratio``: distance below the peak so far, 0.05 = 5 %."""

    time_us: int
    equity: Decimal
    realized_pnl: Decimal
    drawdown_ratio: float


class Curve:
    """Points by rising time."""

    def __init__(self, *, points_max: int = POINTS_MAX) -> None:
        self._points: list[Point] = []
        self._points_max = points_max

    def add(self, point: Point) -> None:
        """Take the newest point; it replaces one of the same time."""
        if self._points and self._points[-1].time_us == point.time_us:
            self._points[-1] = point
            return
        self._points.append(point)
        if len(self._points) > self._points_max:
            self._points = thinned(self._points, self._points_max // 2)

    def between(self, from_us: int | None, to_us: int | None) -> list[Point]:
        """Points from ``from_us`` (inclusive) to ``to_us`` (exclusive); None: no bound."""
        return [
            point
            for point in self._points
            if (from_us is None or point.time_us >= from_us) and (to_us is None or point.time_us < to_us)
        ]


def thinned(points: Sequence[Point], count: int) -> list[Point]:
    """At most ``count`` (≥ 4) of the points: the first, the last, and lowest and highest equity of equal stretches."""
    if len(points) <= count:
        return list(points)
    inner = points[1:-1]
    stretches = (count - 2) // 2
    kept = [points[0]]
    for number in range(stretches):
        part = inner[number * len(inner) // stretches : (number + 1) * len(inner) // stretches]
        if not part:
            continue
        extremes = {min(part, key=lambda point: point.equity), max(part, key=lambda point: point.equity)}
        kept += sorted(extremes)
    return [*kept, points[-1]]
