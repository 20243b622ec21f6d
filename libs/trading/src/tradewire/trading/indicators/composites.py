"""Composite oscillators: chains of averages, changes and windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.averages import AVERAGE_SIZE, ema, rma, weighted_size, wma
from tradewire.trading.indicators.decimals import (
    FAINT,
    LIFT,
    distance,
    distance_within,
    half_way,
    settled,
    zero_within,
)
from tradewire.trading.indicators.deviations import deviate
from tradewire.trading.indicators.gaps import BOUNDED_SIZE, bounded
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.momentum import changed
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.sums import averaged, averaged_size
from tradewire.trading.indicators.true_ranges import RANGE_SIZE, true_range
from tradewire.trading.indicators.windows import (
    extreme_size,
    highest,
    lowest,
    ring_size,
    spread_size,
    total,
    total_size,
)

_BAR = ("high", "low", "close")


def _tsi(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    change = distance(x[0], s[1])
    s[1] = x[0]
    if s[0] == 1.0:
        return
    m = int(p[0])
    n = int(p[1])
    if change == 0.0 and 0.0 < s[11] < FAINT:  # all fade, in a ratio that stays or settles
        for j in (3, 4, 6, 7, 9, 11):
            s[j] *= LIFT
    once = bounded(s, 2, m, 2.0 / (m + 1.0), change, 0.0)
    moved = bounded(s, 5, n, 2.0 / (n + 1.0), once, 2.0 * s[4])
    size = ema(s, 10, n, ema(s, 8, m, abs(change)))
    strength = 100.0 * (moved / size) if size != 0.0 else 0.0
    off = 200.0 * (s[7] / size) if size != 0.0 else 0.0
    signal = bounded(s, 12, int(p[2]), 2.0 / (p[2] + 1.0), strength, off)
    if signal == signal:
        o[0] = strength
        o[1] = signal


def _kst(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    k = 1
    known = 0.0
    off = 0.0
    for j in range(4):
        n = int(p[j])
        m = int(p[4 + j])
        known += (j + 1.0) * averaged(s, k + 2 + n, m, changed(s, k, n, x[0]), 0.0)
        off += (j + 1.0) * s[k + 2 + n] / m
        k += 11 + n + 2 * m
    known = zero_within(known, off)
    signal = averaged(s, k, int(p[8]), known, 2.0 * off)
    if signal == signal:
        o[0] = known
        o[1] = signal


def _coppock(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    m = int(p[1])
    n = int(p[2])
    both = changed(s, 1, m, x[0]) + changed(s, 3 + m, n, x[0])
    o[0] = wma(s, 5 + m + n, int(p[0]), both)


def _fisher(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    median = half_way(x[0], x[1])
    top = highest(s, 3, n, median)
    bottom = lowest(s, 6 + 2 * n, n, median)
    if top != top or bottom != bottom:
        return
    size = abs(top) + abs(bottom)
    height = distance_within(top, bottom, size)
    place = distance_within(median, bottom, size) / height - 0.5 if height > 0.0 else 0.0
    value = 0.66 * place + 0.67 * s[1]
    value = 0.999 if value > 0.99 else -0.999 if value < -0.99 else value
    s[1] = value
    o[1] = s[2]
    s[2] = 0.5 * math.log((1.0 + value) / (1.0 - value)) + 0.5 * s[2]
    o[0] = s[2]


def _mass(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    if x[0] == x[1] and 0.0 < s[2] < FAINT:  # both fade, the one in a ratio to the other
        s[2] *= LIFT
        s[4] *= LIFT
    once = ema(s, 1, n, distance(x[0], x[1]))
    twice = ema(s, 3, n, once)
    o[0] = total(s, 5, int(p[1]), once / twice if twice != 0.0 else 1.0)


def _rvi(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    m = int(p[1])
    change = x[0] - s[1]
    s[1] = x[0]
    spread = deviate(s, 6, n, x[0])
    if spread != spread:
        return
    deviation = math.sqrt(spread)
    up = s[3]
    down = s[5]
    if s[2] < m or up + down > FAINT or (deviation > 0.0 and change != 0.0):  # else both fade alike
        up = rma(s, 2, m, deviation if change > 0.0 else 0.0)
        down = rma(s, 4, m, deviation if change < 0.0 else 0.0)
    both = up + down
    o[0] = 100.0 * (up / both) if both != 0.0 else 0.0


def _choppiness(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    way = total(s, 1 + RANGE_SIZE, n, true_range(s, 1, x[0], x[1], x[2]))
    k = 4 + RANGE_SIZE + n
    span = distance(highest(s, k, n, x[0]), lowest(s, k + 3 + 2 * n, n, x[1]))
    if way == way:
        longer = settled(way - span, way, n)  # than the range
        o[0] = 100.0 if span <= 0.0 else 0.0 if longer <= 0.0 else 100.0 * (math.log10(way / span) / math.log10(p[0]))


def _vortex(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    rise = abs(distance(x[0], s[2]))
    fall = abs(distance(x[1], s[1]))
    s[1] = x[0]
    s[2] = x[1]
    span = true_range(s, 3, x[0], x[1], x[2])
    if span != span:
        return
    ranged = total(s, 5, n, span)
    rises = total(s, 8 + n, n, rise)
    falls = total(s, 11 + 2 * n, n, fall)
    if ranged == ranged:
        o[0] = rises / ranged if ranged > 0.0 else 0.0
        o[1] = falls / ranged if ranged > 0.0 else 0.0


def _ulcer(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    peak = highest(s, 1, n, x[0])
    drop = 100.0 * (distance(x[0], peak) / peak) if peak != 0.0 else 0.0
    squares = total(s, 4 + 2 * n, n, drop * drop)
    if squares == squares:
        o[0] = math.sqrt(squares / n)


TSI = Indicator(
    name="tsi",
    title="True strength index",
    formula=("100 · ema(ema(change, long), short) / ema(ema(|change|, long), short); signal = ema(tsi, signal)"),
    source="Blau (1991), Double-Smoothed Momenta",
    series=("x",),
    fields=(),
    params=(bars(25, name="long"), bars(13, name="short"), bars(13, name="signal")),
    outputs=("tsi", "signal"),
    kernel=Kernel(
        _tsi, size=lambda a, b, c: 2 + 3 * BOUNDED_SIZE + 2 * AVERAGE_SIZE, warmup=lambda a, b, c: a + b + c - 2
    ),
)


def _kst_size(*p: float) -> float:
    return 1 + sum(map(ring_size, p[:4])) + sum(map(averaged_size, p[4:]))


def _kst_warmup(*p: float) -> float:
    return max(rate + mean - 1 for rate, mean in zip(p[:4], p[4:8], strict=True)) + p[8] - 1


KST = Indicator(
    name="kst",
    title="Know sure thing",
    formula="sum of j · sma(roc(x, rj), sj) for j from 1 to 4; signal = sma(kst, signal)",
    source="Pring (1992), Summed Rate of Change",
    series=("x",),
    fields=(),
    params=(
        bars(10, name="r1"),
        bars(15, name="r2"),
        bars(20, name="r3"),
        bars(30, name="r4"),
        bars(10, name="s1"),
        bars(10, name="s2"),
        bars(10, name="s3"),
        bars(15, name="s4"),
        bars(9, name="signal"),
    ),
    outputs=("kst", "signal"),
    kernel=Kernel(_kst, size=_kst_size, warmup=_kst_warmup),
)
COPPOCK = Indicator(
    name="coppock",
    title="Coppock curve",
    formula="wma(roc(x, fast) + roc(x, slow), n)",
    source="Coppock (1962), Barron's",
    series=("x",),
    fields=(),
    params=(bars(10), bars(11, name="fast"), bars(14, name="slow")),
    outputs=("value",),
    kernel=Kernel(
        _coppock,
        size=lambda n, fast, slow: 1 + weighted_size(n) + ring_size(fast) + ring_size(slow),
        warmup=lambda n, fast, slow: max(fast, slow) + n - 1,
    ),
)
FISHER = Indicator(
    name="fisher",
    title="Fisher transform",
    formula=(
        "0.5·ln((1+v)/(1-v)) + 0.5·fisher[t-1]; v = 0.66·(place of medprice in its range of n bars - "
        "0.5) + 0.67·v[t-1]; signal = fisher[t-1]"
    ),
    source="Ehlers (2002), Using the Fisher Transform",
    series=(),
    fields=("high", "low"),
    params=(bars(9),),
    outputs=("fisher", "signal"),
    kernel=Kernel(_fisher, size=lambda n: 3 + 2 * extreme_size(n), warmup=lambda n: n - 1),
)
MASS = Indicator(
    name="mass",
    title="Mass index",
    formula="sum over m bars of ema(high - low, n) / ema(ema(high - low, n), n)",
    source="Dorsey (1992), The Mass Index",
    series=(),
    fields=("high", "low"),
    params=(bars(9), bars(25, name="m")),
    outputs=("value",),
    kernel=Kernel(
        _mass, size=lambda n, m: 1 + 2 * AVERAGE_SIZE + total_size(m), warmup=lambda n, m: 2 * (n - 1) + m - 1
    ),
)
RVI = Indicator(
    name="rvi",
    title="Relative volatility index",
    formula=("100 · up / (up + down), each the rma over m of stddev(x, n) on bars that rose or fell; 0 without either"),
    source="Dorsey (1993), The Relative Volatility Index",
    series=("x",),
    fields=(),
    params=(bars(10, low=2), bars(14, name="m")),
    outputs=("value",),
    kernel=Kernel(_rvi, size=lambda n, m: 6 + spread_size(n), warmup=lambda n, m: n + m - 2),
)
CHOPPINESS = Indicator(
    name="choppiness",
    title="Choppiness index",
    formula="100 · log10(sum of trange over n / (highest high - lowest low)) / log10(n); 100 without range",
    source="Dreiss, E. W.",
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_choppiness, size=lambda n: 1 + RANGE_SIZE + total_size(n) + 2 * extreme_size(n), warmup=lambda n: n),
)
VORTEX = Indicator(
    name="vortex",
    title="Vortex indicator",
    formula=(
        "plus = sum of |high - low[t-1]| / sum of trange, minus = sum of |low - high[t-1]| / sum of trange, over n"
    ),
    source="Botes and Siepman (2010), The Vortex Indicator",
    series=(),
    fields=_BAR,
    params=(bars(14),),
    outputs=("plus", "minus"),
    kernel=Kernel(_vortex, size=lambda n: 3 + RANGE_SIZE + 3 * total_size(n), warmup=lambda n: n),
)
ULCER = Indicator(
    name="ulcer",
    title="Ulcer index",
    formula="sqrt(mean over n of d²), d = 100 · (x / highest(x, n) - 1)",
    source="Martin and McCann (1989), The Investor's Guide to Fidelity Funds",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_ulcer, size=lambda n: 1 + extreme_size(n) + total_size(n), warmup=lambda n: 2 * (n - 1)),
)

COMPOSITES = (TSI, KST, COPPOCK, FISHER, MASS, RVI, CHOPPINESS, VORTEX, ULCER)
