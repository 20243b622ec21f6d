"""Rates of change and oscillators of one series."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import lanes, updates
from tradewire.trading.indicators.averages import AVERAGE_SIZE, rma
from tradewire.trading.indicators.decimals import distance, settled
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import NAN, delayed, ring_size

STRENGTH_SIZE = 3 + 2 * AVERAGE_SIZE  # slots of `relative_strength`: count, previous value, two averages, index


def relative_strength(s: list[float], k: int, n: int, x: float) -> float:
    """Wilder's RSI, 0 to 100; 0.0 when no value changed at all, as in TA-Lib.

    Without a change both averages fade alike and the index stays: it is kept, as their roundings would move it. Those
    of one bar are gone at once.
    """
    if x != x:
        return NAN
    change = distance(x, s[k + 1])
    s[k + 1] = x
    if s[k] == 0.0:
        s[k] = 1.0
        return NAN
    gain = rma(s, k + 2, n, change if change > 0.0 else 0.0)
    loss = rma(s, k + 4, n, -change if change < 0.0 else 0.0)
    if gain != gain:
        return NAN
    if change != 0.0 or s[k] < 2.0 or n == 1:
        s[k + 6] = 100.0 * (gain / (gain + loss)) if gain + loss != 0.0 else 0.0
    s[k] = 2.0
    return s[k + 6]


def changed(s: list[float], k: int, n: int, x: float) -> float:
    """Change over n bars, percent, 0.0 from zero; slots: `ring_size(n)`."""
    old = delayed(s, k, n, x)
    return 100.0 * (distance(x, old) / old) if old != 0.0 else 0.0


def _momentum(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = distance(x[0], delayed(s, 1, int(p[0]), x[0]))


def _rocp(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    old = delayed(s, 1, int(p[0]), x[0])
    o[0] = distance(x[0], old) / old if old != 0.0 else 0.0


def _shift(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = delayed(s, 1, int(p[0]), x[0])


def _cmo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    index = relative_strength(s, 1, int(p[0]), x[0])
    if index == index:
        moved = s[4] + s[6] != 0.0 or index != 0.0
        o[0] = settled(2.0 * index - 100.0, 200.0, 4.0 * p[0]) if moved else 0.0  # as `ranges.directional`


def _rsi(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = relative_strength(s, 1, int(p[0]), x[0])


def _roc(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    old = delayed(s, 1, int(p[0]), x[0])
    o[0] = 100.0 * (distance(x[0], old) / old) if old != 0.0 else 0.0


RSI = Indicator(
    name="rsi",
    title="Relative strength index",
    formula="100 · gain / (gain + loss), each the rma over n of the rises and falls of x; 0 without change",
    source="Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib RSI",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_rsi, size=lambda n: 1 + STRENGTH_SIZE, warmup=lambda n: n, stretch=lanes.rsi, straight=updates.rsi),
)
ROC = Indicator(
    name="roc",
    title="Rate of change, percent",
    formula="100 · (x[t] / x[t-n] - 1); 0 where x[t-n] is 0",
    source="TA-Lib ROC",
    series=("x",),
    fields=(),
    params=(bars(10),),
    outputs=("value",),
    kernel=Kernel(_roc, size=lambda n: 1 + ring_size(n), warmup=lambda n: n),
)

MOM = Indicator(
    name="momentum",
    title="Momentum",
    formula="x[t] - x[t-n]",
    source="TA-Lib MOM",
    series=("x",),
    fields=(),
    params=(bars(10),),
    outputs=("value",),
    kernel=Kernel(_momentum, size=lambda n: 1 + ring_size(n), warmup=lambda n: n),
)
ROCP = Indicator(
    name="rocp",
    title="Rate of change, ratio",
    formula="x[t] / x[t-n] - 1; 0 where x[t-n] is 0",
    source="TA-Lib ROCP",
    series=("x",),
    fields=(),
    params=(bars(10),),
    outputs=("value",),
    kernel=Kernel(_rocp, size=lambda n: 1 + ring_size(n), warmup=lambda n: n),
)
SHIFT = Indicator(
    name="shift",
    title="Value of n bars ago",
    formula="x[t-n]",
    source="its formula",
    series=("x",),
    fields=(),
    params=(bars(1),),
    outputs=("value",),
    kernel=Kernel(_shift, size=lambda n: 1 + ring_size(n), warmup=lambda n: n),
)
CMO = Indicator(
    name="cmo",
    title="Chande momentum oscillator",
    formula="100 · (gain - loss) / (gain + loss), each the rma over n of the rises and falls of x",
    source="Chande and Kroll (1994), The New Technical Trader; smoothed by rma, as TA-Lib CMO",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_cmo, size=lambda n: 1 + STRENGTH_SIZE, warmup=lambda n: n),
)

MOMENTUM = (RSI, CMO, MOM, ROC, ROCP, SHIFT)
