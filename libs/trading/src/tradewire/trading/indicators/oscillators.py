"""Oscillators that read the bar: where the close stands within recent ranges."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.averages import sma
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import extreme_size, highest, lowest, total_size

_BAR = ("high", "low", "close")


def standing(s: list[float], k: int, n: int, high: float, low: float, close: float) -> float:
    """Place of the close in the range of n bars, percent; 0.0 in a range of nothing, as in TA-Lib.

    Slots: `extreme_size(n)` twice.
    """
    top = highest(s, k, n, high)
    bottom = lowest(s, k + 3 + 2 * n, n, low)
    return 100.0 * ((close - bottom) / (top - bottom)) if top != bottom else 0.0


def _stochastic(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    after = 7 + 4 * n
    k = sma(s, after, int(p[1]), standing(s, 1, n, x[0], x[1], x[2]))
    d = sma(s, after + 3 + int(p[1]), int(p[2]), k)
    if d == d:
        o[0] = k
        o[1] = d


def _stochastic_fast(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    k = standing(s, 1, n, x[0], x[1], x[2])
    d = sma(s, 7 + 4 * n, int(p[1]), k)
    if d == d:
        o[0] = k
        o[1] = d


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
        size=lambda n, smooth, d: 1 + 2 * extreme_size(n) + total_size(smooth) + total_size(d),
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
        size=lambda n, d: 1 + 2 * extreme_size(n) + total_size(d),
        warmup=lambda n, d: n + d - 2,
    ),
)

OSCILLATORS = (STOCHASTIC, STOCHASTIC_FAST)
