"""Oscillators that read the bar: where the close stands within recent ranges."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.averages import mean_size, sma
from tradewire.trading.indicators.decimals import (
    distance,
    distance_within,
    nearest_decimal,
    settled,
)
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.momentum import STRENGTH_SIZE, relative_strength
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.sums import averaged, averaged_size
from tradewire.trading.indicators.true_ranges import widest
from tradewire.trading.indicators.windows import extreme_size, highest, lowest, total, total_size

_BAR = ("high", "low", "close")


def percent_k(s: list[float], k: int, n: int, high: float, low: float, close: float) -> float:
    """Place of the close in the range of n bars, percent; 0.0 in a range of nothing, as in TA-Lib.

    Slots: `extreme_size(n)` twice.
    """
    top = highest(s, k, n, high)
    bottom = lowest(s, k + 3 + 2 * n, n, low)
    size = abs(top) + abs(bottom)
    height = distance_within(top, bottom, size)
    return 100.0 * (distance_within(close, bottom, size) / height) if height != 0.0 else 0.0


def _stochastic(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    after = 7 + 4 * n
    k = sma(s, after, int(p[1]), percent_k(s, 1, n, x[0], x[1], x[2]))
    d = sma(s, after + 5 + int(p[1]), int(p[2]), k)
    if d == d:
        o[0] = k
        o[1] = d


def _stochastic_fast(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    k = percent_k(s, 1, n, x[0], x[1], x[2])
    d = sma(s, 7 + 4 * n, int(p[1]), k)
    if d == d:
        o[0] = k
        o[1] = d


def _willr(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    top = highest(s, 1, n, x[0])
    bottom = lowest(s, 4 + 2 * n, n, x[1])
    size = abs(top) + abs(bottom)
    height = distance_within(top, bottom, size)
    o[0] = -100.0 * (distance_within(top, x[2], size) / height) if height != 0.0 else 0.0


def _cci(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    height = nearest_decimal(x[0] + x[1] + x[2], abs(x[0]) + abs(x[1]) + abs(x[2]))  # three typical prices, no third
    i = int(s[1])
    s[2 + i] = height
    s[1] = 0.0 if i + 1 == n else i + 1.0
    if s[0] < n:
        return
    offset = 0.0  # distances to the newest value, so that a flat window deviates by exactly nothing
    way = 0.0
    for j in range(2, 2 + n):
        apart = distance(s[j], height)
        offset += apart
        way += abs(apart)
    offset = settled(offset, way, n) / n
    deviation = 0.0
    for j in range(2, 2 + n):
        deviation += abs(distance(s[j], height) - offset)
    o[0] = (0.0 - offset) / (0.015 * (deviation / n)) if deviation > 0.0 else 0.0


def _bop(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    size = abs(x[1]) + abs(x[2])
    height = distance_within(x[1], x[2], size)
    o[0] = distance_within(x[3], x[0], size) / height if height > 0.0 else 0.0


def _ultosc(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    before = s[1]
    s[1] = x[2]
    if s[0] == 1.0:
        return
    floor = before if before < x[1] else x[1]
    pressure = distance_within(x[2], floor, abs(x[0]) + abs(before))  # with the size that `widest` has
    span = widest(x[0], x[1], before)
    k = 2
    score = 0.0
    for j in range(3):
        n = int(p[j])
        bought = total(s, k, n, pressure)
        ranged = total(s, k + 3 + n, n, span)
        k += 6 + 2 * n
        score += (4.0 if j == 0 else 2.0 if j == 1 else 1.0) * (bought / ranged if ranged != 0.0 else 0.0)
    o[0] = 100.0 * (score / 7.0)


def _stochrsi(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[1])
    kept = s[1] == 2.0 and x[0] == s[2] and p[0] != 1.0
    index = relative_strength(s, 1, int(p[0]), x[0])
    i = 1 + STRENGTH_SIZE
    if not kept:
        s[i] = 100.0 * (s[6] / (s[4] + s[6])) if s[4] + s[6] != 0.0 else 100.0
    rest = s[i] if index == index else index
    top = highest(s, i + 1, n, index)
    bottom = lowest(s, i + 4 + 2 * n, n, index)
    most = highest(s, i + 7 + 4 * n, n, rest)
    least = lowest(s, i + 10 + 6 * n, n, rest)
    if bottom > 50.0:  # near 100 floats are coarse: what the index lacks of it has the digits
        top = -least
        bottom = -most
        index = -rest
    size = abs(top) + abs(bottom)
    height = nearest_decimal(top - bottom, size)
    k = 100.0 * (nearest_decimal(index - bottom, size) / height) if height != 0.0 else 0.0
    d = sma(s, i + 13 + 8 * n, int(p[2]), k)
    if d == d:
        o[0] = k
        o[1] = d


def _qstick(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = averaged(s, 1, int(p[0]), distance(x[1], x[0]), 0.0)


STOCHASTIC = Indicator(
    name="stochastic",
    title="Stochastic oscillator, slow",
    formula="k = sma(k of stochastic_fast(n), smooth); d = sma(k, d)",
    source="Lane (1984), Lane's Stochastics; TA-Lib STOCH",
    series=(),
    fields=_BAR,
    params=(bars(14), bars(3, name="smooth"), bars(3, name="d")),
    outputs=("k", "d"),
    kernel=Kernel(
        _stochastic,
        size=lambda n, smooth, d: 1 + 2 * extreme_size(n) + mean_size(smooth) + mean_size(d),
        warmup=lambda n, smooth, d: n + smooth + d - 3,
    ),
)
STOCHASTIC_FAST = Indicator(
    name="stochastic_fast",
    title="Stochastic oscillator, fast",
    formula="k = 100 · (close - lowest low of n) / (highest high of n - lowest low of n); d = sma(k, d)",
    source="Lane (1984), Lane's Stochastics; TA-Lib STOCHF",
    series=(),
    fields=_BAR,
    params=(bars(14), bars(3, name="d")),
    outputs=("k", "d"),
    kernel=Kernel(
        _stochastic_fast,
        size=lambda n, d: 1 + 2 * extreme_size(n) + mean_size(d),
        warmup=lambda n, d: n + d - 2,
    ),
)

WILLR = Indicator(
    name="willr",
    title="Williams' %R",
    formula=("-100 · (highest high - close) / (highest high - lowest low) over n bars; 0 in a range of nothing"),
    source="Williams (1973); TA-Lib WILLR",
    series=(),
    fields=_BAR,
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_willr, size=lambda n: 1 + 2 * extreme_size(n), warmup=lambda n: n - 1),
)
CCI = Indicator(
    name="cci",
    title="Commodity channel index",
    formula="(typprice - mean) / (0.015 · mean absolute deviation), over n bars; 0 without deviation",
    source="Lambert (1980), Commodities; TA-Lib CCI; a scan of n values per bar",
    series=(),
    fields=_BAR,
    params=(bars(20, low=2),),
    outputs=("value",),
    kernel=Kernel(_cci, size=lambda n: 2 + n, warmup=lambda n: n - 1),
)
BOP = Indicator(
    name="bop",
    title="Balance of power",
    formula="(close - open) / (high - low); 0 in a range of nothing",
    source="Livshin (2001), Balance of Power; TA-Lib BOP",
    series=(),
    fields=("open", "high", "low", "close"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_bop, size=lambda: 1, warmup=lambda: 0),
)
ULTOSC = Indicator(
    name="ultosc",
    title="Ultimate oscillator",
    formula=(
        "100 · (4·a + 2·b + c) / 7; a, b, c = sum(close - min(low, close[t-1])) / sum(trange) over short, middle, long"
    ),
    source="Williams (1985), The Ultimate Oscillator; TA-Lib ULTOSC",
    series=(),
    fields=_BAR,
    params=(bars(7, name="short"), bars(14, name="middle"), bars(28, name="long")),
    outputs=("value",),
    kernel=Kernel(
        _ultosc,
        size=lambda a, b, c: 2 + 2 * (total_size(a) + total_size(b) + total_size(c)),
        warmup=lambda a, b, c: max(a, b, c),
    ),
)
STOCHRSI = Indicator(
    name="stochrsi",
    title="Stochastic RSI",
    formula="stochastic_fast(k, d) of rsi(x, n) in place of the bar",
    source="Chande and Kroll (1994), The New Technical Trader; TA-Lib STOCHRSI",
    series=("x",),
    fields=(),
    params=(bars(14), bars(14, name="k"), bars(3, name="d")),
    outputs=("k", "d"),
    kernel=Kernel(
        _stochrsi,
        size=lambda n, k, d: 2 + STRENGTH_SIZE + 4 * extreme_size(k) + mean_size(d),
        warmup=lambda n, k, d: n + k + d - 2,
    ),
)
QSTICK = Indicator(
    name="qstick",
    title="QStick",
    formula="sma(close - open, n)",
    source="Chande and Kroll (1994), The New Technical Trader",
    series=(),
    fields=("open", "close"),
    params=(bars(10),),
    outputs=("value",),
    kernel=Kernel(_qstick, size=lambda n: 1 + averaged_size(n), warmup=lambda n: n - 1),
)

OSCILLATORS = (
    STOCHASTIC,
    STOCHASTIC_FAST,
    STOCHRSI,
    WILLR,
    CCI,
    BOP,
    ULTOSC,
    QSTICK,
)
