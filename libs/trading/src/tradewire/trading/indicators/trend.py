"""Moving averages of one series."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import lanes, stretches, updates
from tradewire.trading.indicators.averages import weighted_size, wma
from tradewire.trading.indicators.gaps import BOUNDED_SIZE, signed
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.sums import signed_mean, signed_mean_size


def _sma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = signed_mean(s, 1, int(p[0]), x[0])


def _ema(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = signed(s, 1, int(p[0]), 2.0 / (p[0] + 1.0), x[0])


def _rma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = signed(s, 1, int(p[0]), 1.0 / p[0], x[0])


def _wma(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = wma(s, 1, int(p[0]), x[0])


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
        _sma,
        size=lambda n: 1 + signed_mean_size(n),
        warmup=lambda n: n - 1,
        stretch=stretches.sma,
        straight=updates.sma,
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
        _ema, size=lambda n: 1 + BOUNDED_SIZE, warmup=lambda n: n - 1, stretch=lanes.ema, straight=updates.ema
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
        _rma, size=lambda n: 1 + BOUNDED_SIZE, warmup=lambda n: n - 1, stretch=lanes.rma, straight=updates.rma
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


TREND = (SMA, EMA, RMA, WMA)
