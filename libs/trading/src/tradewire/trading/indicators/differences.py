"""How far averages are apart, or a price and an average: as exact as the moves of the price, whatever its size."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import divergence, updates
from tradewire.trading.indicators.decimals import ULP, distance, half_way, zero_within
from tradewire.trading.indicators.deviations import centre_rounding, deviate, off_centre
from tradewire.trading.indicators.gaps import GAP_SIZE, STEP, chain, chain_known, chain_size, follow, gap, gap_rounding
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import delayed, ring_size, spread_size

_BAR = ("high", "low", "close")
_NEAR, _FAR, _SIGNAL = 2, 2 + GAP_SIZE, 2 + 2 * GAP_SIZE  # slots of the gaps behind the previous value


def apart(s: list[float], k: int, fast: int, slow: int, x: float) -> float:
    """Advance the gaps of two averages; returns the change of fast minus slow, of which the first is none.

    Both seeds end on the same bar, as in TA-Lib's MACD. Slots: previous value, fast and slow as in `gaps.follow`. A
    fast average longer than the slow one changes places with it.
    """
    n = min(fast, slow)
    m = max(fast, slow)
    change = distance(x, s[k])
    off = STEP * abs(change)
    s[k] = x
    moved = -follow(s, k + 1 + GAP_SIZE, m, 2.0 / (m + 1.0), change, off)
    if s[k + 1 + GAP_SIZE] > m - n or s[k + 1] > 0.0:
        moved += follow(s, k + 1, n, 2.0 / (n + 1.0), change, off)
    return moved


def _macd(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[2])
    moved = apart(s, 1, int(p[0]), int(p[1]), x[0])
    if s[_FAR] < p[0] or s[_FAR] < p[1]:
        return
    follow(s, _SIGNAL, n, 2.0 / (n + 1.0), moved, s[_NEAR + 3] + s[_FAR + 3])
    if s[_SIGNAL] >= n:
        line = s[_FAR + 1] - s[_NEAR + 1]
        off = s[_FAR + 2] + s[_NEAR + 2]
        o[0] = zero_within(line, off)
        o[1] = zero_within(line - s[_SIGNAL + 1], off + s[_SIGNAL + 2])
        o[2] = zero_within(s[_SIGNAL + 1], s[_SIGNAL + 2])


def both(s: list[float], n: int, m: int, x: float) -> None:
    """Advance the gaps of two averages that start together."""
    change = distance(x, s[1])
    off = STEP * abs(change)
    s[1] = x
    follow(s, _NEAR, n, 2.0 / (n + 1.0), change, off)
    follow(s, _FAR, m, 2.0 / (m + 1.0), change, off)


def _apo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    both(s, int(p[0]), int(p[1]), x[0])
    if s[_NEAR] >= p[0] and s[_FAR] >= p[1]:
        o[0] = zero_within(s[_FAR + 1] - s[_NEAR + 1], s[_FAR + 2] + s[_NEAR + 2])


def _ppo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    both(s, int(p[0]), int(p[1]), x[0])
    if s[_NEAR] >= p[0] and s[_FAR] >= p[1]:
        line = zero_within(s[_FAR + 1] - s[_NEAR + 1], s[_FAR + 2] + s[_NEAR + 2])
        slow = zero_within(x[0] - s[_FAR + 1], s[_FAR + 2] + STEP * abs(x[0]))
        o[0] = 100.0 * (line / slow) if slow != 0.0 else 0.0


def _elder_ray(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    chain(s, 1, 1, n, x[2])
    if chain_known(s, 1, 1, n):
        for side in range(2):
            reach = distance(x[side], x[2])
            off = gap_rounding(s, 1, 0) + STEP * abs(reach)
            o[side] = zero_within(reach + gap(s, 1, 0), off)


def _awesome(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    m = int(p[1])
    median = half_way(x[0], x[1])
    deviate(s, 1, n, median)
    spread = deviate(s, 6 + 2 * n, m, median)
    if spread == spread and s[0] >= n:
        slow = off_centre(s, 6 + 2 * n, m, median)
        off = centre_rounding(s, 1, n) + centre_rounding(s, 6 + 2 * n, m)
        o[0] = zero_within(slow - off_centre(s, 1, n, median), off)


def _dpo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    lag = n // 2 + 1
    k = 6 + 2 * n
    spread = deviate(s, 1, n, x[0])
    moved = distance(x[0], delayed(s, k, lag, x[0]))
    if spread != spread:
        return
    apart = delayed(s, k + 2 + lag, lag, off_centre(s, 1, n, x[0]))
    off = delayed(s, k + 4 + 2 * lag, lag, centre_rounding(s, 1, n))
    if apart == apart:
        o[0] = zero_within(moved + apart, off + 4.0 * ULP * abs(moved))


MACD = Indicator(
    name="macd",
    title="Moving average convergence/divergence",
    formula="macd = ema(x, fast) - ema(x, slow); signal = ema(macd, signal); histogram = macd - signal",
    source="Appel (1979); seeds as TA-Lib MACD: the fast average starts slow - fast bars later",
    series=("x",),
    fields=(),
    params=(bars(12, name="fast"), bars(26, name="slow"), bars(9, name="signal")),
    outputs=("macd", "signal", "histogram"),
    kernel=Kernel(
        _macd,
        size=lambda fast, slow, signal: 2 + 3 * GAP_SIZE,
        warmup=lambda fast, slow, signal: max(fast, slow) + signal - 2,
        stretch=divergence.macd,
        straight=updates.macd,
    ),
)
APO = Indicator(
    name="apo",
    title="Absolute price oscillator",
    formula="ema(x, fast) - ema(x, slow)",
    source="TA-Lib APO with exponential averages",
    series=("x",),
    fields=(),
    params=(bars(12, name="fast"), bars(26, name="slow")),
    outputs=("value",),
    kernel=Kernel(_apo, size=lambda fast, slow: 2 + 2 * GAP_SIZE, warmup=lambda fast, slow: max(fast, slow) - 1),
)
PPO = Indicator(
    name="ppo",
    title="Percentage price oscillator",
    formula="100 · (ema(x, fast) - ema(x, slow)) / ema(x, slow)",
    source="TA-Lib PPO with exponential averages",
    series=("x",),
    fields=(),
    params=(bars(12, name="fast"), bars(26, name="slow")),
    outputs=("value",),
    kernel=Kernel(_ppo, size=lambda fast, slow: 2 + 2 * GAP_SIZE, warmup=lambda fast, slow: max(fast, slow) - 1),
)
ELDER_RAY = Indicator(
    name="elder_ray",
    title="Elder ray",
    formula="bull = high - ema(close, n); bear = low - ema(close, n)",
    source="Elder (1993), Trading for a Living",
    series=(),
    fields=_BAR,
    params=(bars(13),),
    outputs=("bull", "bear"),
    kernel=Kernel(_elder_ray, size=lambda n: 1 + chain_size(1), warmup=lambda n: n - 1),
)
AWESOME = Indicator(
    name="awesome",
    title="Awesome oscillator",
    formula="sma(medprice, fast) - sma(medprice, slow)",
    source="Williams (1998), New Trading Dimensions",
    series=(),
    fields=("high", "low"),
    params=(bars(5, name="fast"), bars(34, name="slow")),
    outputs=("value",),
    kernel=Kernel(
        _awesome,
        size=lambda fast, slow: 1 + spread_size(fast) + spread_size(slow),
        warmup=lambda fast, slow: max(fast, slow) - 1,
    ),
)
DPO = Indicator(
    name="dpo",
    title="Detrended price oscillator, causal",
    formula="x[t] - sma(x, n)[t - floor(n/2) - 1]",
    source="TradingView, not centred: centring would look ahead",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_dpo, size=lambda n: 1 + spread_size(n) + 3 * ring_size(n // 2 + 1), warmup=lambda n: n + n // 2),
)


DIFFERENCES = (MACD, APO, PPO, ELDER_RAY, AWESOME, DPO)
