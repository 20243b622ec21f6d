"""Moving averages made of other averages, and adaptive ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.averages import weighted_size, wma
from tradewire.trading.indicators.decimals import distance, settled, zero_within
from tradewire.trading.indicators.gaps import (
    GAP_SIZE,
    STEP,
    chain,
    chain_known,
    chain_size,
    chain_value,
    change_rounding,
    gap,
    gap_rounding,
    rounded,
)
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars, factor
from tradewire.trading.indicators.sums import averaged, averaged_size
from tradewire.trading.indicators.windows import NAN, delayed, ring_size, total, total_size

_KAMA_FAST = 2.0 / (2.0 + 1.0)  # weights of exponential averages of 2 and 30 bars, Kaufman's choice
_KAMA_SLOW = 2.0 / (30.0 + 1.0)


def _dema(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    chain(s, 1, 2, n, x[0])
    if chain_known(s, 1, 2, n):
        off = gap_rounding(s, 1, 0) + gap_rounding(s, 1, 1)
        o[0] = zero_within(x[0] - gap(s, 1, 0) + gap(s, 1, 1), off + STEP * abs(x[0]))


def _tema(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    chain(s, 1, 3, n, x[0])
    if chain_known(s, 1, 3, n):
        off = gap_rounding(s, 1, 0) + 2.0 * gap_rounding(s, 1, 1) + gap_rounding(s, 1, 2)
        o[0] = zero_within(x[0] - gap(s, 1, 0) + 2.0 * gap(s, 1, 1) - gap(s, 1, 2), off + STEP * abs(x[0]))


def _t3(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    v = p[1]
    chain(s, 1, 6, n, x[0])
    if not chain_known(s, 1, 6, n):
        return
    third, off = chain_value(s, 1, 3, x[0])
    once = gap(s, 1, 3)
    twice = once - gap(s, 1, 4)
    thrice = twice - (gap(s, 1, 4) - gap(s, 1, 5))
    off += 8.0 * (gap_rounding(s, 1, 3) + gap_rounding(s, 1, 4) + gap_rounding(s, 1, 5))  # v is at most 1
    o[0] = zero_within(third + v * (3.0 * once + v * (3.0 * twice + v * thrice)), off)


def _trix(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    change = chain(s, 1, 3, n, x[0])
    if change == change:
        thrice, off = chain_value(s, 1, 3, x[0])
        before = zero_within(thrice - change, off)
        o[0] = 100.0 * (zero_within(change, change_rounding(s, 1, 3)) / before) if before != 0.0 else 0.0


def _trima(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    m = (n + 1) // 2
    inner = averaged(s, 1, m, x[0], 0.0)
    o[0] = averaged(s, 10 + 2 * m, n + 1 - m, inner, 2.0 * s[1] / m)


def _hma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    half = n // 2
    after = 7 + 3 * n
    quick = 2.0 * wma(s, after, half, x[0])
    calm = wma(s, 1, n, x[0])
    sharp = settled(quick - calm, abs(quick) + abs(calm), n)
    o[0] = wma(s, after + 6 + 3 * half, int(math.sqrt(p[0])), sharp)


def _zlema(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    ahead = distance(2.0 * x[0], delayed(s, 2 + GAP_SIZE, (n - 1) // 2, x[0]))
    if ahead == ahead:
        chain(s, 1, 1, n, ahead)
        if chain_known(s, 1, 1, n):
            value, off = chain_value(s, 1, 1, ahead)
            o[0] = zero_within(value, off)


def efficiency(s: list[float], k: int, n: int, x: float) -> float:
    """Kaufman's efficiency ratio, 0 to 1; 1.0 when nothing changed, as in TA-Lib's KAMA.

    Slots: `total_size(n)`, `ring_size(n)`, previous value; x must be a bar's own value, not a derived one.
    """
    last = k + 5 + 2 * n
    path = total(s, k, n, abs(distance(x, s[last]))) if s[0] > 1.0 else NAN
    old = delayed(s, k + 3 + n, n, x)
    s[last] = x
    if path != path or old != old:
        return NAN
    way = abs(distance(x, old))
    return way / path if path > way else 1.0


def _kama(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    before = s[7 + 2 * n]
    ratio = efficiency(s, 2, n, x[0])
    if ratio == ratio:
        weight = ratio * (_KAMA_FAST - _KAMA_SLOW) + _KAMA_SLOW
        weight *= weight
        old = s[1] if s[0] > n + 1.0 else before
        off = s[8 + 2 * n]
        s[1] = old + (x[0] - old) * weight
        s[8 + 2 * n] = off + ((n + 1.0) * rounded(weight, x[0], old) - off) * weight  # the ratio is a sum of n
        o[0] = zero_within(s[1], s[8 + 2 * n])


def _efficiency_ratio(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = efficiency(s, 1, int(p[0]), x[0])


DEMA = Indicator(
    name="dema",
    title="Double exponential moving average",
    formula="2·e1 - e2, e1 = ema(x, n), e2 = ema(e1, n)",
    source="Mulloy (1994), Smoothing Data with Faster Moving Averages; TA-Lib DEMA",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_dema, size=lambda n: 1 + chain_size(2), warmup=lambda n: 2 * (n - 1)),
)
TEMA = Indicator(
    name="tema",
    title="Triple exponential moving average",
    formula="3·e1 - 3·e2 + e3, e1 = ema(x, n), e2 = ema(e1, n), e3 = ema(e2, n)",
    source="Mulloy (1994), Smoothing Data with Faster Moving Averages; TA-Lib TEMA",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_tema, size=lambda n: 1 + chain_size(3), warmup=lambda n: 3 * (n - 1)),
)
T3 = Indicator(
    name="t3",
    title="Tillson's T3 moving average",
    formula=("generalised dema of volume factor v applied three times; e1 … e6 each the ema(n) of the one before"),
    source="Tillson (1998), Better Moving Averages; TA-Lib T3",
    series=("x",),
    fields=(),
    params=(bars(5), factor(0.7, name="v", high=1.0)),
    outputs=("value",),
    kernel=Kernel(_t3, size=lambda n, v: 1 + chain_size(6), warmup=lambda n, v: 6 * (n - 1)),
)
TRIX = Indicator(
    name="trix",
    title="Rate of change of a triple exponential average, percent",
    formula="100 · (e3[t] / e3[t-1] - 1), e3 = ema(ema(ema(x, n), n), n)",
    source="Hutson (1983), Good TRIX; TA-Lib TRIX",
    series=("x",),
    fields=(),
    params=(bars(15),),
    outputs=("value",),
    kernel=Kernel(_trix, size=lambda n: 1 + chain_size(3), warmup=lambda n: 3 * (n - 1) + 1),
)
TRIMA = Indicator(
    name="trima",
    title="Triangular moving average",
    formula="sma(sma(x, m), n + 1 - m), m = floor((n + 1) / 2)",
    source="TA-Lib TRIMA",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(
        _trima,
        size=lambda n: 1 + averaged_size((n + 1) // 2) + averaged_size(n + 1 - (n + 1) // 2),
        warmup=lambda n: n - 1,
    ),
)
HMA = Indicator(
    name="hma",
    title="Hull moving average",
    formula="wma(2·wma(x, floor(n/2)) - wma(x, n), floor(sqrt(n)))",
    source="Hull (2005), alanhull.com",
    series=("x",),
    fields=(),
    params=(bars(16, low=2),),
    outputs=("value",),
    kernel=Kernel(
        _hma,
        size=lambda n: 1 + weighted_size(n) + weighted_size(n // 2) + weighted_size(math.sqrt(n)),
        warmup=lambda n: n + int(math.sqrt(n)) - 2,
    ),
)
ZLEMA = Indicator(
    name="zlema",
    title="Zero-lag exponential moving average",
    formula="ema(2·x[t] - x[t - lag], n), lag = floor((n - 1) / 2)",
    source="Ehlers and Way (2010), Zero Lag (Well, Almost)",
    series=("x",),
    fields=(),
    params=(bars(20, low=3),),
    outputs=("value",),
    kernel=Kernel(
        _zlema,
        size=lambda n: 1 + chain_size(1) + ring_size((n - 1) // 2),
        warmup=lambda n: n - 1 + (n - 1) // 2,
    ),
)
KAMA = Indicator(
    name="kama",
    title="Kaufman's adaptive moving average",
    formula="kama += w² · (x - kama), w = er · (2/3 - 2/31) + 2/31, er = efficiency_ratio(x, n); seed x[t-1]",
    source="Kaufman (1995), Smarter Trading; TA-Lib KAMA",
    series=("x",),
    fields=(),
    params=(bars(30),),
    outputs=("value",),
    kernel=Kernel(_kama, size=lambda n: 4 + total_size(n) + ring_size(n), warmup=lambda n: n),
)
EFFICIENCY_RATIO = Indicator(
    name="efficiency_ratio",
    title="Kaufman's efficiency ratio",
    formula="|x[t] - x[t-n]| / sum of |x[t] - x[t-1]| over n changes; 1 without change",
    source="Kaufman (1995), Smarter Trading",
    series=("x",),
    fields=(),
    params=(bars(10),),
    outputs=("value",),
    kernel=Kernel(_efficiency_ratio, size=lambda n: 2 + total_size(n) + ring_size(n), warmup=lambda n: n),
)

SMOOTHERS = (DEMA, TEMA, T3, TRIX, TRIMA, HMA, ZLEMA, KAMA, EFFICIENCY_RATIO)
