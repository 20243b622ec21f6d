"""Indicators that weigh prices by traded volume (base asset)."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.decimals import (
    distance,
    distance_within,
    half_way,
    typical_price,
    zero_within,
)
from tradewire.trading.indicators.gaps import BOUNDED_SIZE, GAP_SIZE, STEP, bounded, follow
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars, factor
from tradewire.trading.indicators.sums import (
    RUNNING_SIZE,
    averaged,
    averaged_size,
    running,
    summed,
    summed_size,
)
from tradewire.trading.indicators.windows import NAN, STEADY_SIZE, steady, total, total_size


def _obv(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    flow = 0.0
    if s[0] == 1.0 or x[0] > s[1]:
        flow = x[1]
    elif x[0] < s[1]:
        flow = -x[1]
    s[1] = x[0]
    o[0] = running(s, 2, flow)


def weighed_size(n: float) -> int:
    """Slots of `weighed`: those of `summed`, of `total`, then those of `steady`."""
    return summed_size(n) + total_size(n) + STEADY_SIZE


def weighed(s: list[float], k: int, n: int, price: float, volume: float) -> float:
    """Mean price of n bars by volume: the price itself when nothing traded, or all at one price."""
    turnover = summed(s, k, n, price * volume, 0.0)
    traded = total(s, k + 7 + 2 * n, n, volume)
    last = k + 10 + 3 * n  # where `steady` has the last price that traded
    run = steady(s, last, price if volume > 0.0 else s[last])
    if traded != traded:
        return NAN
    if traded <= 0.0:
        return price
    return s[last] if run >= n else turnover / traded


def _vwap(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = weighed(s, 1, int(p[0]), typical_price(x[0], x[1], x[2]), x[3])


def located(high: float, low: float, close: float, volume: float) -> float:
    """Volume times the close's place in the bar, from -1 (at the low) to 1 (at the high)."""
    size = abs(high) + abs(low)
    height = distance_within(high, low, size)
    if height <= 0.0:
        return 0.0
    place = distance(distance_within(close, low, size), distance_within(high, close, size)) / height
    return (-1.0 if place < -1.0 else 1.0 if place > 1.0 else place) * volume


def _vwma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = weighed(s, 1, int(p[0]), x[0], x[1])


def _ad(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = running(s, 1, located(x[0], x[1], x[2], x[3]))


def _adosc(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    flow = located(x[0], x[1], x[2], x[3])  # both averages start at the first value, hence with a seed of one bar
    follow(s, 1, 1.0, 2.0 / (p[0] + 1.0), flow, STEP * abs(flow))
    follow(s, 1 + GAP_SIZE, 1.0, 2.0 / (p[1] + 1.0), flow, STEP * abs(flow))
    if s[0] >= p[0] and s[0] >= p[1]:
        o[0] = zero_within(s[2 + GAP_SIZE] - s[2], s[3 + GAP_SIZE] + s[3])


def _mfi(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    typical = typical_price(x[0], x[1], x[2])
    before = s[1]
    s[1] = typical
    if s[0] == 1.0:
        return
    flow = typical * x[3]
    bought = total(s, 2, n, flow if typical > before else 0.0)
    sold = total(s, 5 + n, n, flow if typical < before else 0.0)
    both = bought + sold
    o[0] = 100.0 * (bought / both) if both != 0.0 else 0.0


def _force(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    change = distance(x[0], s[1])
    s[1] = x[0]
    if s[0] > 1.0:
        o[0] = bounded(s, 2, int(p[0]), 2.0 / (p[0] + 1.0), change * x[1], 0.0)


def _eom(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    median = half_way(x[0], x[1])
    moved = distance(median, s[1])
    s[1] = median
    if s[0] > 1.0:
        ease = moved * distance(x[0], x[1]) * (p[1] / x[2]) if x[2] > 0.0 else 0.0
        o[0] = averaged(s, 2, int(p[0]), ease, 0.0)


def _cmf(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    flow = summed(s, 1, n, located(x[0], x[1], x[2], x[3]), 0.0)
    traded = total(s, 8 + 2 * n, n, x[3])
    if traded == traded:
        o[0] = flow / traded if traded > 0.0 else 0.0


def _pvt(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    flow = x[1] * (distance(x[0], s[1]) / s[1]) if s[0] > 1.0 and s[1] != 0.0 else 0.0
    s[1] = x[0]
    o[0] = running(s, 2, flow)


OBV = Indicator(
    name="obv",
    title="On-balance volume",
    formula="running sum of volume: plus on a rise of the close, minus on a fall; starts with volume[0]",
    source="Granville (1963), New Key to Stock Market Profits; TA-Lib OBV",
    series=(),
    fields=("close", "volume"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_obv, size=lambda: 2 + RUNNING_SIZE, warmup=lambda: 0),
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
    kernel=Kernel(_vwap, size=lambda n: 1 + weighed_size(n), warmup=lambda n: n - 1),
)

VWMA = Indicator(
    name="vwma",
    title="Volume-weighted moving average",
    formula="sum of x · volume over n bars / sum of volume over n bars; x when nothing traded",
    source="its formula",
    series=("x",),
    fields=("volume",),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_vwma, size=lambda n: 1 + weighed_size(n), warmup=lambda n: n - 1),
)
AD = Indicator(
    name="ad",
    title="Accumulation/distribution line",
    formula="running sum of volume · ((close - low) - (high - close)) / (high - low)",
    source="Chaikin; TA-Lib AD",
    series=(),
    fields=("high", "low", "close", "volume"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_ad, size=lambda: 1 + RUNNING_SIZE, warmup=lambda: 0),
)
ADOSC = Indicator(
    name="adosc",
    title="Chaikin oscillator",
    formula="ema(ad, fast) - ema(ad, slow), both starting at the first value of ad",
    source="Chaikin; TA-Lib ADOSC",
    series=(),
    fields=("high", "low", "close", "volume"),
    params=(bars(3, name="fast"), bars(10, name="slow")),
    outputs=("value",),
    kernel=Kernel(_adosc, size=lambda fast, slow: 1 + 2 * GAP_SIZE, warmup=lambda fast, slow: max(fast, slow) - 1),
)
MFI = Indicator(
    name="mfi",
    title="Money flow index",
    formula=("100 · up / (up + down), sums over n of typprice · volume by the direction of typprice; 0 without flow"),
    source="Quong and Soudack (1989); TA-Lib MFI",
    series=(),
    fields=("high", "low", "close", "volume"),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_mfi, size=lambda n: 2 + 2 * total_size(n), warmup=lambda n: n),
)
FORCE = Indicator(
    name="force",
    title="Elder's force index",
    formula="ema((close[t] - close[t-1]) · volume, n)",
    source="Elder (1993), Trading for a Living",
    series=(),
    fields=("close", "volume"),
    params=(bars(13),),
    outputs=("value",),
    kernel=Kernel(_force, size=lambda n: 2 + BOUNDED_SIZE, warmup=lambda n: n),
)
EOM = Indicator(
    name="eom",
    title="Ease of movement",
    formula=("sma((medprice[t] - medprice[t-1]) · (high - low) · scale / volume, n); 0 on a bar without volume"),
    source="Arms (1996), Trading Without Fear",
    series=(),
    fields=("high", "low", "volume"),
    params=(bars(14), factor(10_000.0, name="scale", high=1e12)),
    outputs=("value",),
    kernel=Kernel(_eom, size=lambda n, scale: 2 + averaged_size(n), warmup=lambda n, scale: n),
)
CMF = Indicator(
    name="cmf",
    title="Chaikin money flow",
    formula="sum of the changes of ad over n bars / sum of volume over n bars; 0 when nothing traded",
    source="Chaikin",
    series=(),
    fields=("high", "low", "close", "volume"),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_cmf, size=lambda n: 1 + summed_size(n) + total_size(n), warmup=lambda n: n - 1),
)
PVT = Indicator(
    name="pvt",
    title="Price volume trend",
    formula="running sum of volume · (close[t] / close[t-1] - 1), starting with 0",
    source="TradingView ta.pvt",
    series=(),
    fields=("close", "volume"),
    params=(),
    outputs=("value",),
    kernel=Kernel(_pvt, size=lambda: 2 + RUNNING_SIZE, warmup=lambda: 0),
)

VOLUME = (OBV, VWAP, VWMA, AD, ADOSC, MFI, FORCE, EOM, CMF, PVT)
