"""Least-squares line through the last n values, at positions 0 (oldest) to n - 1 (newest)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.averages import furthest, unweighted, weighted, weighted_size
from tradewire.trading.indicators.decimals import settled
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars


def slope(s: list[float], k: int, n: int, x: float) -> float:
    """Slope of the line, unit of x per bar, for n ≥ 2; slots: `weighted_size(n)`.

    Sizes of what is added and taken away add up to at most n · (n + 1) times the furthest distance.
    """
    heavy = weighted(s, k, n, x)
    middle = (n + 1.0) / 2.0  # `weighted` counts positions from 1
    rise = settled(heavy - middle * unweighted(s, k, n), n * (n + 1.0) * furthest(s, k, n), n)
    return rise / (n * (n * n - 1.0) / 12.0)


def level(s: list[float], k: int, n: int) -> float:
    """Mean of the window, where the line passes at position (n - 1) / 2; `slope` must come first."""
    return s[k + 2] + unweighted(s, k, n) / n


def at(s: list[float], k: int, n: int, rise: float, bars: float) -> float:
    """Where the line of a slope passes so many bars after the middle of the window, at most n of them.

    The slope is off by less than (n + 8) · 2⁻⁵² · 24 / n times the furthest distance.
    """
    return settled(level(s, k, n) + rise * bars, abs(s[k + 2]) + 32.0 * furthest(s, k, n), n)


def _linreg(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    rise = slope(s, 1, n, x[0])
    o[0] = at(s, 1, n, rise, (n - 1.0) / 2.0)


def _linreg_slope(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = slope(s, 1, int(p[0]), x[0])


def _linreg_angle(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = math.atan(slope(s, 1, int(p[0]), x[0])) * (180.0 / math.pi)


def _linreg_intercept(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    rise = slope(s, 1, n, x[0])
    o[0] = at(s, 1, n, rise, (1.0 - n) / 2.0)


def _tsf(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    rise = slope(s, 1, n, x[0])
    o[0] = at(s, 1, n, rise, (n + 1.0) / 2.0)


LINREG = Indicator(
    name="linreg",
    title="Linear regression, end point",
    formula="value of the least-squares line through n values at the newest bar",
    source="TA-Lib LINEARREG",
    series=("x",),
    fields=(),
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_linreg, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)
LINREG_SLOPE = Indicator(
    name="linreg_slope",
    title="Linear regression, slope",
    formula="slope of the least-squares line through n values, unit of x per bar",
    source="TA-Lib LINEARREG_SLOPE",
    series=("x",),
    fields=(),
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_linreg_slope, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)
LINREG_ANGLE = Indicator(
    name="linreg_angle",
    title="Linear regression, angle",
    formula="atan(linreg_slope(x, n)) in degrees",
    source="TA-Lib LINEARREG_ANGLE",
    series=("x",),
    fields=(),
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_linreg_angle, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)
LINREG_INTERCEPT = Indicator(
    name="linreg_intercept",
    title="Linear regression, start point",
    formula="value of the least-squares line through n values at the oldest bar",
    source="TA-Lib LINEARREG_INTERCEPT",
    series=("x",),
    fields=(),
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_linreg_intercept, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)
TSF = Indicator(
    name="tsf",
    title="Time series forecast",
    formula="value of the least-squares line through n values, one bar ahead",
    source="TA-Lib TSF",
    series=("x",),
    fields=(),
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_tsf, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)

REGRESSION = (LINREG, LINREG_SLOPE, LINREG_ANGLE, LINREG_INTERCEPT, TSF)
