"""Indicators that weigh prices by traded volume (base asset)."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import total, total_size


def _obv(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    if s[0] == 1.0 or x[0] > s[1]:
        s[2] += x[1]
    elif x[0] < s[1]:
        s[2] -= x[1]
    s[1] = x[0]
    o[0] = s[2]


def _vwap(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    typical = (x[0] + x[1] + x[2]) / 3.0
    turnover = total(s, 1, n, typical * x[3])
    traded = total(s, 4 + n, n, x[3])
    if traded == traded:
        o[0] = turnover / traded if traded > 0.0 else typical


OBV = Indicator(
    name="obv",
    title="On-balance volume",
    formula="running sum of volume: plus on a rise of the close, minus on a fall; starts with volume[0]",
    source="Granville (1963), New Key to Stock Market Profits; TA-Lib OBV",
    series=(),
    fields=("close", "volume"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_obv, size=lambda: 3, warmup=lambda: 0),
)
VWAP = Indicator(
    name="vwap",
    title="Volume-weighted average price, rolling",
    formula="sum of typprice · volume over n bars / sum of volume over n bars; typprice when nothing traded",
    source="Berkowitz, Logue and Noser (1988), over a rolling window: crypto has no session to anchor to",
    series=(),
    fields=("high", "low", "close", "volume"),
    params=(bars(24),),
    outputs=("value",),
    kernel=Kernel(_vwap, size=lambda n: 1 + 2 * total_size(n), warmup=lambda n: n - 1),
)

VOLUME = (OBV, VWAP)
