"""Moving averages of one series, and the MACD family built from them."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import lanes, stretches, updates
from tradewire.trading.indicators.averages import AVERAGE_SIZE, ema, mean_size, rma, sma, weighted_size, wma
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import NAN


def _sma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = sma(s, 1, int(p[0]), x[0])


def _ema(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = ema(s, 1, int(p[0]), x[0])


def _rma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = rma(s, 1, int(p[0]), x[0])


def _wma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = wma(s, 1, int(p[0]), x[0])


def apart(s: list[float], k: int, fast: int, slow: int, x: float) -> float:
    """Fast minus slow exponential average; both seeds end on the same bar, as in TA-Lib's MACD.

    Slots: AVERAGE_SIZE twice. A fast average longer than the slow one changes places with it.
    """
    n = min(fast, slow)
    m = max(fast, slow)
    far = ema(s, k + AVERAGE_SIZE, m, x)
    near = NAN
    if s[k + AVERAGE_SIZE] > m - n or s[k] > 0.0:
        near = ema(s, k, n, x)
    return near - far


def _macd(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    line = apart(s, 1, int(p[0]), int(p[1]), x[0])
    signal = ema(s, 1 + 2 * AVERAGE_SIZE, int(p[2]), line)
    if signal == signal:
        o[0] = line
        o[1] = signal
        o[2] = line - signal


def _apo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = ema(s, 1, int(p[0]), x[0]) - ema(s, 1 + AVERAGE_SIZE, int(p[1]), x[0])


def _ppo(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    fast = ema(s, 1, int(p[0]), x[0])
    slow = ema(s, 1 + AVERAGE_SIZE, int(p[1]), x[0])
    if fast == fast and slow == slow:
        o[0] = 100.0 * ((fast - slow) / slow) if slow != 0.0 else 0.0


SMA = Indicator(
    name="sma",
    title="Simple moving average",
    formula="sma(x, n) = (x[t-n+1] + … + x[t]) / n",
    source="TA-Lib SMA",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(
        _sma, size=lambda n: 1 + mean_size(n), warmup=lambda n: n - 1, stretch=stretches.sma, straight=updates.sma
    ),
)
EMA = Indicator(
    name="ema",
    title="Exponential moving average",
    formula="ema[t] = ema[t-1] + 2/(n+1) · (x[t] - ema[t-1]); seed: mean of the first n values",
    source="TA-Lib EMA, unstable period 0",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(
        _ema, size=lambda n: 1 + AVERAGE_SIZE, warmup=lambda n: n - 1, stretch=lanes.ema, straight=updates.ema
    ),
)
RMA = Indicator(
    name="rma",
    title="Wilder's moving average",
    formula="rma[t] = rma[t-1] + (x[t] - rma[t-1]) / n; seed: mean of the first n values",
    source="Wilder (1978), New Concepts in Technical Trading Systems",
    series=("x",),
    fields=(),
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(
        _rma, size=lambda n: 1 + AVERAGE_SIZE, warmup=lambda n: n - 1, stretch=lanes.rma, straight=updates.rma
    ),
)
WMA = Indicator(
    name="wma",
    title="Linearly weighted moving average",
    formula="wma(x, n) = (1·x[t-n+1] + 2·x[t-n+2] + … + n·x[t]) / (n(n+1)/2)",
    source="TA-Lib WMA",
    series=("x",),
    fields=(),
    params=(bars(20),),
    outputs=("value",),
    kernel=Kernel(_wma, size=lambda n: 1 + weighted_size(n), warmup=lambda n: n - 1),
)
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
        size=lambda fast, slow, signal: 1 + 3 * AVERAGE_SIZE,
        warmup=lambda fast, slow, signal: max(fast, slow) + signal - 2,
        stretch=lanes.macd,
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
    kernel=Kernel(_apo, size=lambda fast, slow: 1 + 2 * AVERAGE_SIZE, warmup=lambda fast, slow: max(fast, slow) - 1),
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
    kernel=Kernel(_ppo, size=lambda fast, slow: 1 + 2 * AVERAGE_SIZE, warmup=lambda fast, slow: max(fast, slow) - 1),
)

TREND = (SMA, EMA, RMA, WMA, MACD, APO, PPO)
