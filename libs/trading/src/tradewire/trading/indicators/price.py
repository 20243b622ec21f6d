"""Prices of a bar, and extremes and midpoints of a window."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.decimals import decimal_share, half_way, typical_price
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.sums import summed, summed_size
from tradewire.trading.indicators.windows import (
    extreme_age,
    extreme_size,
    highest,
    lowest,
)

_BAR = ("high", "low", "close")


def _typprice(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = typical_price(x[0], x[1], x[2])


def _medprice(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = half_way(x[0], x[1])


def _wclprice(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    twice = 2.0 * x[2]
    o[0] = decimal_share(x[0] + x[1] + twice, abs(x[0]) + abs(x[1]) + abs(twice), 4.0)


def _avgprice(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = decimal_share(x[0] + x[1] + x[2] + x[3], abs(x[0]) + abs(x[1]) + abs(x[2]) + abs(x[3]), 4.0)


def _highest(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = highest(s, 1, int(p[0]), x[0])


def _lowest(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = lowest(s, 1, int(p[0]), x[0])


def _sum(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = summed(s, 1, int(p[0]), x[0], 0.0)


def _midpoint(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    o[0] = half_way(highest(s, 1, n, x[0]), lowest(s, 4 + 2 * n, n, x[0]))


def _midprice(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    o[0] = half_way(highest(s, 1, n, x[0]), lowest(s, 4 + 2 * n, n, x[1]))


def _aroon(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    top = highest(s, 1, n + 1, x[0])
    bottom = lowest(s, 6 + 2 * n, n + 1, x[1])
    if top == top and bottom == bottom:
        o[0] = 100.0 * (n - extreme_age(s, 1, n + 1)) / n
        o[1] = 100.0 * (n - extreme_age(s, 6 + 2 * n, n + 1)) / n
        o[2] = o[0] - o[1]


TYPPRICE = Indicator(
    name="typprice",
    title="Typical price",
    formula="(high + low + close) / 3",
    source="TA-Lib TYPPRICE",
    series=(),
    fields=_BAR,
    params=(),
    outputs=("value",),
    kernel=Kernel(_typprice, size=lambda: 1, warmup=lambda: 0),
)
MEDPRICE = Indicator(
    name="medprice",
    title="Median price",
    formula="(high + low) / 2",
    source="TA-Lib MEDPRICE",
    series=(),
    fields=("high", "low"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_medprice, size=lambda: 1, warmup=lambda: 0),
)
WCLPRICE = Indicator(
    name="wclprice",
    title="Weighted close price",
    formula="(high + low + 2·close) / 4",
    source="TA-Lib WCLPRICE",
    series=(),
    fields=_BAR,
    params=(),
    outputs=("value",),
    kernel=Kernel(_wclprice, size=lambda: 1, warmup=lambda: 0),
)
AVGPRICE = Indicator(
    name="avgprice",
    title="Average price",
    formula="(open + high + low + close) / 4",
    source="TA-Lib AVGPRICE",
    series=(),
    fields=("open", "high", "low", "close"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_avgprice, size=lambda: 1, warmup=lambda: 0),
)
HIGHEST = Indicator(
    name="highest",
    title="Highest value",
    formula="max of x[t-n+1] … x[t]",
    source="TA-Lib MAX",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_highest, size=lambda n: 1 + extreme_size(n), warmup=lambda n: n - 1),
)
LOWEST = Indicator(
    name="lowest",
    title="Lowest value",
    formula="min of x[t-n+1] … x[t]",
    source="TA-Lib MIN",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_lowest, size=lambda n: 1 + extreme_size(n), warmup=lambda n: n - 1),
)
SUM = Indicator(
    name="sum",
    title="Sum",
    formula="x[t-n+1] + … + x[t]",
    source="TA-Lib SUM",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_sum, size=lambda n: 1 + summed_size(n), warmup=lambda n: n - 1),
)
MIDPOINT = Indicator(
    name="midpoint",
    title="Midpoint of the range of a series",
    formula="(highest(x, n) + lowest(x, n)) / 2",
    source="TA-Lib MIDPOINT",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_midpoint, size=lambda n: 1 + 2 * extreme_size(n), warmup=lambda n: n - 1),
)
MIDPRICE = Indicator(
    name="midprice",
    title="Midpoint of the range of prices",
    formula="(highest high + lowest low of n bars) / 2",
    source="TA-Lib MIDPRICE",
    series=(),
    fields=("high", "low"),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_midprice, size=lambda n: 1 + 2 * extreme_size(n), warmup=lambda n: n - 1),
)
AROON = Indicator(
    name="aroon",
    title="Aroon",
    formula=("up = 100 · (n - bars since the highest high) / n, down likewise of the lowest low, over n + 1 bars"),
    source="Chande (1995), The Time Price Oscillator; TA-Lib AROON and AROONOSC (the newest extreme on ties)",
    series=(),
    fields=("high", "low"),
    params=(bars(14),),
    outputs=("up", "down", "oscillator"),
    kernel=Kernel(_aroon, size=lambda n: 1 + 2 * extreme_size(n + 1), warmup=lambda n: n),
)

PRICE = (TYPPRICE, MEDPRICE, WCLPRICE, AVGPRICE, HIGHEST, LOWEST, SUM, MIDPOINT, MIDPRICE, AROON)
