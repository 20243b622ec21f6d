"""An exact zero is shown as zero, and what is above or below it keeps its sign, of prices and of differences of prices.

A rule such as `cci(20) > 0` buys on the sign alone. The markets are of coarse ticks, with ties, halts and one price;
half of the arguments are differences as `close - open`. Prices near 1e9 with a tick of 0.01 have 11 digits.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.exact_values import exact
from libs.trading.tests.indicators.test_exact_values import NAMES, CoarseMarket, coarse_market, drawn_params

from tradewire.trading.indicators import indicator

RUNS = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RECURSIVE = frozenset(
    {
        "apo",
        "dema",
        "elder_ray",
        "ema",
        "force",
        "macd",
        "ppo",
        "rma",
        "supertrend",
        "t3",
        "tema",
        "trix",
        "tsi",
        "zlema",
    }
)
"""Each value rounds on from the one before: what is left next to zero is rounding, and no decimal is behind it."""
RUNNING = frozenset({"ad", "adosc", "obv", "pvt"})
"""Sums over all bars so far."""
PLAIN_SUMS = frozenset({"awesome", "bollinger", "cmf", "dpo", "eom", "kst", "qstick", "sma", "sum", "trima", "vwma"})
"""Sums and means of floats; rules read those of prices by their sizes (`language/ties.py`)."""
EXACT = [name for name in NAMES if name not in RECURSIVE | RUNNING | PLAIN_SUMS]
WITHIN = 2e-13
"""A window of n numbers rounds to (n + 8) · 2⁻⁵² · n of a variance (`deviations.py`), of up to 8 numbers here."""
RATIOS = frozenset({"bollinger_percent", "correl", "zscore"})
"""What is near 0 here is within the same of 1."""
LARGE = ["bollinger_percent", "cci", "correl", "efficiency_ratio", "linreg_slope", "stddev", "variance", "zscore"]


def with_differences(market: CoarseMarket) -> CoarseMarket:
    """The same bars, with differences of their prices as free arguments."""
    bars = market.exact
    x = [a - b for a, b in zip(bars["close"], bars["open"], strict=True)]
    y = [a - b for a, b in zip(bars["high"], bars["close"], strict=True)]
    return CoarseMarket({**bars, "x": x, "y": y})


def large_market(seed: int, n: int) -> CoarseMarket:
    """Moves of a few ticks of 0.01, of prices near 1e9."""
    rng = np.random.default_rng(seed)
    moves = {name: np.cumsum(rng.integers(-2, 3, n)) for name in ("x", "y", "close")}
    ticks = {**moves, "high": moves["close"] + rng.integers(0, 3, n), "low": moves["close"] - rng.integers(0, 3, n)}
    return CoarseMarket({name: [Fraction(10**11 + int(t), 100) for t in column] for name, column in ticks.items()})


@pytest.mark.parametrize("name", EXACT)
@RUNS
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(2, 60), differences=st.booleans(), data=st.data())
def test_sign_is_that_of_the_exact_value(
    name: str, seed: int, bars: int, differences: bool, data: st.DataObject
) -> None:
    subject, market = indicator(name), coarse_market(seed, bars)
    market = with_differences(market) if differences else market
    params = drawn_params(data, subject)

    found = subject.array(market.floats(subject), [float(param) for param in params])

    for values, wanted in zip(
        found, exact(name, [market.exact[column] for column in subject.inputs], params), strict=True
    ):
        known = [math.nan if value is None else float((value > 0) - (value < 0)) for value in wanted]
        np.testing.assert_array_equal(np.sign(values), known)


@pytest.mark.parametrize("name", LARGE)
@RUNS
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(2, 60), data=st.data())
def test_moves_of_large_prices_keep_their_digits(name: str, seed: int, bars: int, data: st.DataObject) -> None:
    subject, market = indicator(name), large_market(seed, bars)
    params = drawn_params(data, subject)

    (found,) = subject.array(market.floats(subject), [float(param) for param in params])

    (wanted,) = exact(name, [market.exact[column] for column in subject.inputs], params)
    known = [math.nan if value is None else float(value) for value in wanted]
    np.testing.assert_allclose(found, known, rtol=WITHIN, atol=WITHIN if name in RATIOS else 0.0)


def test_mean_of_a_window_is_no_move_of_the_channel_index() -> None:
    high, low = np.array([101.7, 101.8, 101.8, 101.7, 101.8]), np.array([101.5, 101.7, 101.6, 101.5, 101.5])
    close = np.array([101.7, 101.7, 101.8, 101.5, 101.7])

    (values,) = indicator("cci").array([high, low, close], (5.0,))

    assert values[-1] == 0.0


@pytest.mark.parametrize("step", [0.1, -0.1])
def test_step_out_of_a_halt_is_on_the_band(step: float) -> None:
    close = np.array([100.3] * 9 + [round(100.3 + step, 1)])

    (values,) = indicator("bollinger_percent").array([close], (5.0, 2.0))

    assert values[-1] == (1.0 if step > 0.0 else 0.0)
