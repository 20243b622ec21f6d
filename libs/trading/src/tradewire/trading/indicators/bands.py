"""Bands and channels: upper, middle and lower lines around a series or a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators import stretches, updates
from tradewire.trading.indicators.averages import AVERAGE_SIZE, ema, rma
from tradewire.trading.indicators.decimals import half_way, settled, zero_within
from tradewire.trading.indicators.deviations import band_rounding, centre, deviate, off_centre, squares
from tradewire.trading.indicators.gaps import STEP
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars, factor
from tradewire.trading.indicators.true_ranges import RANGE_SIZE, true_range
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
        deviation = math.sqrt(spread)
        middle = spread_mean(s, 1, n)
        width = p[1] * deviation
        off = band_rounding(p[0], p[1], middle, deviation)
        o[0] = zero_within(middle + width, off)
        o[1] = zero_within(middle, off)
        o[2] = zero_within(middle - width, off)


def _donchian(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    top = highest(s, 1, n, x[0])
    bottom = lowest(s, 4 + 2 * n, n, x[1])
    o[0] = top
    o[1] = half_way(top, bottom)
    o[2] = bottom


def _bollinger_width(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    spread = deviate(s, 1, n, x[0])
    if spread == spread:
        middle = centre(s, 1, n)
        o[0] = 2.0 * p[1] * math.sqrt(spread) / middle if middle != 0.0 else 0.0


def _bollinger_percent(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    spread = deviate(s, 1, n, x[0])
    if spread == spread:
        width = p[1] * math.sqrt(spread)
        o[0] = 0.5
        if width > 0.0:
            place = off_centre(s, 1, n, x[0]) / (2.0 * width)
            lost = squares(s, 1, n) / n / spread  # digits of the variance; on a band the place is exactly 0 or 1
            o[0] = settled(place + 0.5, lost, n) if place < 0.0 else 1.0 + settled(place - 0.5, lost, n)


def _keltner(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    middle = ema(s, 1, int(p[0]), x[2])
    span = true_range(s, 1 + AVERAGE_SIZE, x[0], x[1], x[2])
    width = p[2] * rma(s, 1 + AVERAGE_SIZE + RANGE_SIZE, int(p[1]), span)
    if middle == middle and width == width:
        off = line_rounding(s, middle, width)
        o[0] = zero_within(middle + width, off)
        o[1] = middle
        o[2] = zero_within(middle - width, off)


def line_rounding(s: list[float], price: float, width: float) -> float:
    """What a line that is a width away from a price can be off by.

    Both may be averages of numbers from 0 on, of which each bar so far rounds at most 8u of itself.
    """
    return (s[0] + 1.0) * STEP * (abs(price) + width)


def _chandelier(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    gap = p[1] * rma(s, 1 + RANGE_SIZE, n, true_range(s, 1, x[0], x[1], x[2]))
    k = 1 + RANGE_SIZE + AVERAGE_SIZE
    top = highest(s, k, n, x[0])
    bottom = lowest(s, k + 3 + 2 * n, n, x[1])
    o[0] = zero_within(top - gap, line_rounding(s, top, gap))
    o[1] = zero_within(bottom + gap, line_rounding(s, bottom, gap))


def _midway(s: list[float], k: int, n: int, high: float, low: float) -> float:
    """Middle of the range of n bars; slots: `extreme_size(n)` twice."""
    return half_way(highest(s, k, n, high), lowest(s, k + 3 + 2 * n, n, low))


def _ichimoku(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    a = int(p[0])
    b = int(p[1])
    conversion = _midway(s, 1, a, x[0], x[1])
    base = _midway(s, 7 + 4 * a, b, x[0], x[1])
    span_b = _midway(s, 13 + 4 * (a + b), int(p[2]), x[0], x[1])
    span_a = half_way(conversion, base)
    if span_a == span_a and span_b == span_b:
        o[0] = conversion
        o[1] = base
        o[2] = span_a
        o[3] = span_b


BOLLINGER = Indicator(
    name="bollinger",
    title="Bollinger bands",
    formula="middle = sma(x, n); upper, lower = middle ± k · stddev(x, n)",
    source="Bollinger (2001), Bollinger on Bollinger Bands; TA-Lib BBANDS (population deviation)",
    series=("x",),
    fields=(),
    params=(bars(20, low=2), factor(2.0)),
    outputs=_LINES,
    kernel=Kernel(
        _bollinger,
        size=lambda n, k: 1 + spread_size(n),
        warmup=lambda n, k: n - 1,
        stretch=stretches.bollinger,
        straight=updates.bollinger,
    ),
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

BOLLINGER_WIDTH = Indicator(
    name="bollinger_width",
    title="Bollinger band width",
    formula="(upper - lower) / middle of bollinger(x, n, k)",
    source="Bollinger (2001), Bollinger on Bollinger Bands",
    series=("x",),
    fields=(),
    params=(bars(20, low=2), factor(2.0)),
    outputs=("value",),
    kernel=Kernel(_bollinger_width, size=lambda n, k: 1 + spread_size(n), warmup=lambda n, k: n - 1),
)
BOLLINGER_PERCENT = Indicator(
    name="bollinger_percent",
    title="Bollinger %b",
    formula="(x - lower) / (upper - lower) of bollinger(x, n, k); 0.5 between bands without width",
    source="Bollinger (2001), Bollinger on Bollinger Bands",
    series=("x",),
    fields=(),
    params=(bars(20, low=2), factor(2.0, low=0.01)),
    outputs=("value",),
    kernel=Kernel(_bollinger_percent, size=lambda n, k: 1 + spread_size(n), warmup=lambda n, k: n - 1),
)
KELTNER = Indicator(
    name="keltner",
    title="Keltner channel",
    formula="middle = ema(close, n); upper, lower = middle ± k · atr(m)",
    source="Keltner (1960), as modified by Raschke: exponential average and true range",
    series=(),
    fields=("high", "low", "close"),
    params=(bars(20), bars(10, name="m"), factor(2.0)),
    outputs=_LINES,
    kernel=Kernel(
        _keltner, size=lambda n, m, k: 1 + 2 * AVERAGE_SIZE + RANGE_SIZE, warmup=lambda n, m, k: max(n - 1, m)
    ),
)
CHANDELIER = Indicator(
    name="chandelier",
    title="Chandelier exit",
    formula="long = highest high of n - k · atr(n); short = lowest low of n + k · atr(n)",
    source="Le Beau, in Elder (2002), Come into My Trading Room",
    series=(),
    fields=("high", "low", "close"),
    params=(bars(22), factor(3.0)),
    outputs=("long", "short"),
    kernel=Kernel(
        _chandelier,
        size=lambda n, k: 1 + RANGE_SIZE + AVERAGE_SIZE + 2 * extreme_size(n),
        warmup=lambda n, k: n,
    ),
)
ICHIMOKU = Indicator(
    name="ichimoku",
    title="Ichimoku",
    formula=(
        "conversion, base, span_b = midprice over a, b, c bars; span_a = (conversion + base) / 2; "
        "nothing is displaced: the cloud that charts draw over a bar is shift(span, b - 1), the lagging "
        "line would look ahead"
    ),
    source="Hosoda (1969)",
    series=(),
    fields=("high", "low"),
    params=(bars(9, name="a"), bars(26, name="b"), bars(52, name="c")),
    outputs=("conversion", "base", "span_a", "span_b"),
    kernel=Kernel(
        _ichimoku,
        size=lambda a, b, c: 1 + 2 * (extreme_size(a) + extreme_size(b) + extreme_size(c)),
        warmup=lambda a, b, c: max(a, b, c) - 1,
    ),
)

BANDS = (BOLLINGER, BOLLINGER_WIDTH, BOLLINGER_PERCENT, DONCHIAN, KELTNER, CHANDELIER, ICHIMOKU)
