"""Statistics of a rolling window of one or two series."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.decimals import distance, settled, zero_within
from tradewire.trading.indicators.deviations import deviate, off_centre
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import (
    accumulate_back,
    spread_size,
)

RETURN_ROUNDING = 2.0**-50
"""Of a return: its difference, its base and its quotient are each off by 2⁻⁵³, so that equal ones differ by less."""


def paired_size(n: float) -> int:
    """Slots of `paired`: count, position, two anchors, five sums of this turn, five times n values."""
    return 9 + 5 * int(n)


def paired(s: list[float], k: int, n: int, x: float, y: float) -> bool:
    """Advance the window sums of a, b, a², b² and ab, of distances a and b to anchors as in `variance`.

    True once the window is full; `paired_sum` reads the sums 0 to 4.
    """
    i = int(s[k + 1])
    a = distance(x, s[k + 2])
    b = distance(y, s[k + 3])
    s[k + 4] += a
    s[k + 5] += b
    s[k + 6] += a * a
    s[k + 7] += b * b
    s[k + 8] += a * b
    s[k + 9 + i] = x
    s[k + 9 + n + i] = y
    i += 1
    if i == n:
        i = 0
        close_turn(s, k, n, x, y)
    s[k + 1] = float(i)
    return s[k] >= n


def close_turn(s: list[float], k: int, n: int, x: float, y: float) -> None:
    """End a turn of `paired`: new anchors, and each slot of the five rings sums from itself on."""
    s[k] = float(n)
    s[k + 2] = x
    s[k + 3] = y
    for j in range(k + 9, k + 9 + n):
        a = distance(s[j], x)
        b = distance(s[j + n], y)
        s[j] = a
        s[j + n] = b
        s[j + 2 * n] = a * a
        s[j + 3 * n] = b * b
        s[j + 4 * n] = a * b
    for ring in range(5):
        s[k + 4 + ring] = 0.0
        accumulate_back(s, k + 9 + ring * n, n)


def paired_sum(s: list[float], k: int, n: int, which: int) -> float:
    """One of the five sums of `paired`."""
    return s[k + 9 + which * n + int(s[k + 1])] + s[k + 4 + which]


def covaried(s: list[float], k: int, n: int) -> float:
    """n times the covariance of the window of `paired`; exactly 0.0 where the decimals have none.

    Sizes of the products add up to at most the root of the product of both sums of squares.
    """
    shared = paired_sum(s, k, n, 4) - paired_sum(s, k, n, 0) * paired_sum(s, k, n, 1) / n
    return settled(shared, math.sqrt(paired_sum(s, k, n, 2) * paired_sum(s, k, n, 3)), n)


def returns_rounding(s: list[float], k: int, n: int, a: float, b: float) -> float:
    """What the roundings of returns, of which the newest are given, come to in n times their covariance.

    No return of the window is further from the newest than twice the root of the squared distances.
    """
    wide = math.sqrt(paired_sum(s, k, n, 2))
    high = math.sqrt(paired_sum(s, k, n, 3))
    return RETURN_ROUNDING * math.sqrt(n) * ((abs(a) + 2.0 * wide) * high + (abs(b) + 2.0 * high) * wide)


def _stddev(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    spread = deviate(s, 1, int(p[0]), x[0])
    if spread == spread:
        o[0] = math.sqrt(spread)


def _variance(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = deviate(s, 1, int(p[0]), x[0])


def _zscore(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    spread = deviate(s, 1, n, x[0])
    if spread == spread:
        o[0] = off_centre(s, 1, n, x[0]) / math.sqrt(spread) if spread > 0.0 else 0.0


def _percent_rank(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    i = int(s[2])
    if s[1] < n:
        s[1] += 1.0
    else:
        below = 0.0
        for j in range(3, 3 + n):
            if s[j] <= x[0]:
                below += 1.0
        o[0] = 100.0 * below / n
    s[3 + i] = x[0]
    s[2] = 0.0 if i + 1 == n else i + 1.0


def _correl(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    if paired(s, 1, n, x[0], x[1]):
        a = paired_sum(s, 1, n, 0)
        b = paired_sum(s, 1, n, 1)
        first = paired_sum(s, 1, n, 2) - a * a / n
        second = paired_sum(s, 1, n, 3) - b * b / n
        o[0] = 0.0
        if first > 0.0 and second > 0.0:
            o[0] = covaried(s, 1, n) / (math.sqrt(first) * math.sqrt(second))


def _beta(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    a = distance(x[0], s[1]) / s[1] if s[1] != 0.0 else 0.0
    b = distance(x[1], s[2]) / s[2] if s[2] != 0.0 else 0.0
    s[1] = x[0]
    s[2] = x[1]
    if s[0] > 1.0 and paired(s, 3, n, a, b):
        first = paired_sum(s, 3, n, 0)
        spread = paired_sum(s, 3, n, 2) - first * first / n
        rounding = RETURN_ROUNDING * abs(a)
        shared = zero_within(covaried(s, 3, n), returns_rounding(s, 3, n, a, b))
        o[0] = shared / spread if spread > n * rounding * rounding else 0.0


STDDEV = Indicator(
    name="stddev",
    title="Standard deviation, population",
    formula="sqrt(mean of (x - sma(x, n))² over n bars)",
    source="TA-Lib STDDEV with one deviation (divides by n, not n - 1)",
    series=("x",),
    fields=(),
    params=(bars(20, low=2),),
    outputs=("value",),
    kernel=Kernel(_stddev, size=lambda n: 1 + spread_size(n), warmup=lambda n: n - 1),
)
VARIANCE = Indicator(
    name="variance",
    title="Variance, population",
    formula="mean of (x - sma(x, n))² over n bars",
    source="TA-Lib VAR",
    series=("x",),
    fields=(),
    params=(bars(20, low=2),),
    outputs=("value",),
    kernel=Kernel(_variance, size=lambda n: 1 + spread_size(n), warmup=lambda n: n - 1),
)
ZSCORE = Indicator(
    name="zscore",
    title="Standard score",
    formula="(x - sma(x, n)) / stddev(x, n); 0 without deviation",
    source="its formula, population deviation",
    series=("x",),
    fields=(),
    params=(bars(20, low=2),),
    outputs=("value",),
    kernel=Kernel(_zscore, size=lambda n: 1 + spread_size(n), warmup=lambda n: n - 1),
)
PERCENT_RANK = Indicator(
    name="percent_rank",
    title="Percent rank",
    formula="100 · (how many of the n values before are ≤ x) / n",
    source="TradingView ta.percentrank; a scan of n values per bar",
    series=("x",),
    fields=(),
    params=(bars(100),),
    outputs=("value",),
    kernel=Kernel(_percent_rank, size=lambda n: 3 + n, warmup=lambda n: n),
)
CORREL = Indicator(
    name="correl",
    title="Correlation",
    formula="covariance(x, y) / (stddev(x) · stddev(y)) over n bars; 0 without deviation",
    source="Pearson (1895); TA-Lib CORREL",
    series=("x", "y"),
    fields=(),
    params=(bars(30, low=2),),
    outputs=("value",),
    kernel=Kernel(_correl, size=lambda n: 1 + paired_size(n), warmup=lambda n: n - 1),
)
BETA = Indicator(
    name="beta",
    title="Beta",
    formula=("covariance of the returns of x and y / variance of the returns of x, over n returns; 0 without variance"),
    source="TA-Lib BETA",
    series=("x", "y"),
    fields=(),
    params=(bars(30, low=2),),
    outputs=("value",),
    kernel=Kernel(_beta, size=lambda n: 3 + paired_size(n), warmup=lambda n: n),
)

SPREAD = (STDDEV, VARIANCE, ZSCORE, PERCENT_RANK, CORREL, BETA)
