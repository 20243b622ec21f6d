"""Equal to TA-Lib to 1e-9, warm-up included, over several parameters and markets."""

from __future__ import annotations

import numpy as np
import pytest

from tradewire.trading.indicators import FloatArray, indicator
from tradewire.trading.indicators.adapters.ta_lib import TaLibIndicators

Market = dict[str, FloatArray]

WINDOWS: tuple[str, ...] = (
    "sma",
    "ema",
    "wma",
    "dema",
    "tema",
    "trix",
    "trima",
    "rsi",
    "cmo",
    "momentum",
    "roc",
    "rocp",
)
WINDOWS += ("atr", "natr", "adx", "adxr", "dx", "plus_di", "minus_di", "willr", "cci", "mfi", "donchian")
WINDOWS += ("highest", "lowest", "sum", "midpoint", "midprice", "aroon", "stddev", "variance", "kama", "tsf")
WINDOWS += ("linreg", "linreg_slope", "linreg_angle", "linreg_intercept", "correl", "beta")
BAR_BY_BAR = ("obv", "ad", "bop", "trange", "typprice", "medprice", "wclprice", "avgprice")
# Left out: between two equal prices TA-Lib's sums leave an angle of 1e-7 degrees, where ours is 0.
CASES: list[tuple[str, tuple[float, ...]]] = [
    *((name, (n,)) for name in WINDOWS for n in (2, 3, 9, 50) if (name, n) != ("linreg_angle", 2)),
    *((name, ()) for name in BAR_BY_BAR),
    ("macd", (12, 26, 9)),
    ("macd", (3, 10, 16)),
    ("macd", (10, 3, 2)),
    ("apo", (5, 35)),
    ("ppo", (5, 35)),
    ("t3", (5, 0.7)),
    ("t3", (9, 0.3)),
    ("bollinger", (20, 2.0)),
    ("bollinger", (5, 1.5)),
    ("stochastic", (14, 3, 3)),
    ("stochastic", (5, 1, 4)),
    ("stochastic_fast", (14, 3)),
    ("stochastic_fast", (2, 1)),
    ("stochrsi", (14, 14, 3)),
    ("stochrsi", (3, 5, 1)),
    ("ultosc", (7, 14, 28)),
    ("ultosc", (1, 2, 5)),
    ("adosc", (3, 10)),
    ("adosc", (10, 3)),
    ("sar", (0.02, 0.2)),
    ("sar", (0.3, 0.1)),
]


@pytest.mark.parametrize(("name", "params"), CASES, ids=[f"{name}{params}" for name, params in CASES])
def test_values_and_warmup_equal_ta_lib(name: str, params: tuple[float, ...], market: Market) -> None:
    subject = indicator(name)
    inputs = [market[column] for column in subject.inputs]

    ours = subject.array(inputs, params)
    theirs = TaLibIndicators().compute(name, inputs, params)

    for own, ta in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isnan(own), np.isnan(ta))
        typical = float(np.nanmean(np.abs(ta)))
        np.testing.assert_allclose(own, ta, rtol=1e-9, atol=1e-9 * typical)


@pytest.mark.parametrize("name", ["rsi", "cmo", "stochastic", "stochastic_fast", "willr", "adx", "mfi", "cci"])
def test_market_that_stands_still_reads_as_in_ta_lib(name: str) -> None:
    subject = indicator(name)
    inputs = [np.full(100, 1.1) for _ in subject.inputs]

    ours = subject.array(inputs, ())
    theirs = TaLibIndicators().compute(name, inputs, ())

    for own, ta in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(own, ta)
        assert own[-1] == 0.0


@pytest.mark.parametrize("name", ["plus_di", "minus_di", "dx", "adx", "adxr"])
def test_directional_movement_that_pauses_holds_as_in_ta_lib(name: str, market: Market) -> None:
    subject = indicator(name)
    inputs = [market[column].copy() for column in subject.inputs]
    for column in inputs:
        column[40:80] = column[40]

    (ours,) = subject.array(inputs, (5,))
    (theirs,) = TaLibIndicators().compute(name, inputs, (5,))

    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
