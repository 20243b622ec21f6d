"""Statistics of a rolling window of one or two series."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import spread_size, variance


def _stddev(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    spread = variance(s, 1, int(p[0]), x[0])
    if spread == spread:
        o[0] = math.sqrt(spread)


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

SPREAD = (STDDEV,)
