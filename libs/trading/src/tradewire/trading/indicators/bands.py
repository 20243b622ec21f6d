"""Bands and channels: upper, middle and lower lines around a series or a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars, factor
from tradewire.trading.indicators.windows import (
    extreme_size,
    highest,
    lowest,
    spread_mean,
    spread_size,
    variance,
)

_LINES = ("upper", "middle", "lower")


def _bollinger(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    spread = variance(s, 1, n, x[0])
    if spread == spread:
        middle = spread_mean(s, 1, n)
        width = p[1] * math.sqrt(spread)
        o[0] = middle + width
        o[1] = middle
        o[2] = middle - width


def _donchian(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    top = highest(s, 1, n, x[0])
    bottom = lowest(s, 4 + 2 * n, n, x[1])
    o[0] = top
    o[1] = (top + bottom) / 2.0
    o[2] = bottom


BOLLINGER = Indicator(
    name="bollinger",
    title="Bollinger bands",
    formula="middle = sma(x, n); upper, lower = middle ± k · stddev(x, n)",
    source="Bollinger (2001), Bollinger on Bollinger Bands; TA-Lib BBANDS (population deviation)",
    series=("x",),
    fields=(),
    params=(bars(20, low=2), factor(2.0)),
    outputs=_LINES,
    kernel=Kernel(_bollinger, size=lambda n, k: 1 + spread_size(n), warmup=lambda n, k: n - 1),
)
DONCHIAN = Indicator(
    name="donchian",
    title="Donchian channel",
    formula="upper = highest high of n bars; lower = lowest low of n bars; middle between them",
    source="Donchian (1960), High Finance in Copper; TA-Lib MAX and MIN. The bar itself is included",
    series=(),
    fields=("high", "low"),
    params=(bars(20),),
    outputs=_LINES,
    kernel=Kernel(_donchian, size=lambda n: 1 + 2 * extreme_size(n), warmup=lambda n: n - 1),
)

BANDS = (BOLLINGER, DONCHIAN)
