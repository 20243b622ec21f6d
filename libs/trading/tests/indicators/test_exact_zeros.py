"""An exact zero is shown as zero, and what is above or below it keeps its sign, of prices and of differences of prices.

A rule such as `cci(20) > 0` buys on the sign alone. The markets are of coarse ticks, with ties, halts and one price, or
of prices of 8 to 12 digits from 1e-8 to 1e12 with gaps; half of the arguments are differences as `close - open`.
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
WITHIN = 2e-13
"""A window of n numbers rounds to (n + 8) · 2⁻⁵² · n of a variance (`deviations.py`), of up to 8 numbers here."""
FAINT = Fraction(1, 10**12)
"""Of the largest value: as little as an average still is after a halt of 40 bars, and what may be shown as 0."""
RETURNS = frozenset({"beta"})
"""Made of how returns differ: of moves of one size, at prices of many digits, by less than floats of returns do."""
RATIOS = frozenset({"bollinger_percent", "correl", "zscore"})
"""What is near 0 here is within the same of 1."""
LARGE = ["bollinger_percent", "cci", "correl", "efficiency_ratio", "linreg_slope", "stddev", "variance", "zscore"]

MOVES = [
    *("adosc", "apo", "awesome", "dpo", "elder_ray", "macd", "ppo", "qstick", "trix", "tsi"),
    *("adx", "atr", "choppiness", "cmo", "dx", "mass", "minus_di", "natr", "plus_di", "rsi", "trange", "ultosc"),
    *("force", "vortex", "stochrsi"),
]
"""Made of differences of prices and of averages: as exact as the moves, whatever the price."""


def with_differences(market: CoarseMarket) -> CoarseMarket:
    """The same bars, with differences of their prices as free arguments."""
    bars = market.exact
    x = [a - b for a, b in zip(bars["close"], bars["open"], strict=True)]
    y = [a - b for a, b in zip(bars["high"], bars["close"], strict=True)]
    return CoarseMarket({**bars, "x": x, "y": y})


def large_market(seed: int, n: int, base: int = 10**11, tick: Fraction = Fraction(1, 100)) -> CoarseMarket:
    """Moves of a few ticks, of prices of many; at the default near 1e9 with a tick of 0.01."""
    rng = np.random.default_rng(seed)
    moves = {name: np.cumsum(rng.integers(-2, 3, n)) for name in ("x", "y", "close")}
    high, low = moves["close"] + rng.integers(0, 3, n), moves["close"] - rng.integers(0, 3, n)
    ticks = {**moves, "high": high, "low": low, "open": low + rng.integers(0, 2, n) * (high - low)}
    bars: dict[str, list[Fraction]] = {name: [(base + int(t)) * tick for t in column] for name, column in ticks.items()}
    return CoarseMarket({**bars, "volume": [Fraction(int(v), 10) for v in rng.integers(0, 4, n)]})


def fine_market(seed: int, n: int) -> CoarseMarket:
    """The same at any price from 1e-8 to 1e12 with 8 to 12 digits, with a gap, and a halt behind it."""
    rng = np.random.default_rng(seed)
    digits = int(rng.integers(7, 12))
    level = Fraction(10) ** int(rng.integers(-8, 13))
    market = large_market(seed, n, int(rng.integers(10**digits, 10 ** (digits + 1))), level / 10**digits)
    at, halt = sorted(rng.integers(0, n, 2).tolist())
    jump = int(rng.integers(-(10 ** (digits - 1)), 10**digits)) * level / 10**digits
    return CoarseMarket(
        {
            name: column
            if name == "volume"
            else [column[min(t, max(halt, at))] + (jump if t >= at else 0) for t in range(n)]
            for name, column in market.exact.items()
        }
    )


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(
    seed=st.integers(0, 2**32 - 1),
    bars=st.integers(2, 60),
    fine=st.booleans(),
    differences=st.booleans(),
    data=st.data(),
)
def test_sign_is_that_of_the_exact_value(
    name: str, seed: int, bars: int, fine: bool, differences: bool, data: st.DataObject
) -> None:
    fine = fine and name not in RETURNS
    subject, market = indicator(name), (fine_market if fine else coarse_market)(seed, bars)
    market = with_differences(market) if differences else market
    params = drawn_params(data, subject)

    found = subject.array(market.floats(subject), [float(param) for param in params])

    for values, wanted in zip(
        found, exact(name, [market.exact[column] for column in subject.inputs], params), strict=True
    ):
        largest = max((abs(value) for value in wanted if value is not None), default=Fraction(0))
        signs = [math.nan if value is None else float((value > 0) - (value < 0)) for value in wanted]
        faint = [value is not None and abs(value) <= FAINT * largest for value in wanted]
        known = np.where(faint & (values == 0.0), 0.0, signs)  # less than its bound of rounding is shown as 0
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


@pytest.mark.parametrize("name", MOVES)
@RUNS
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(2, 60), data=st.data())
def test_what_is_made_of_moves_is_exact_at_large_prices(name: str, seed: int, bars: int, data: st.DataObject) -> None:
    subject, market = indicator(name), large_market(seed, bars)
    params = drawn_params(data, subject)

    found = subject.array(market.floats(subject), [float(param) for param in params])

    for values, wanted in zip(
        found, exact(name, [market.exact[column] for column in subject.inputs], params), strict=True
    ):
        known = np.array([math.nan if value is None else float(value) for value in wanted])
        np.testing.assert_allclose(values, known, rtol=WITHIN, atol=WITHIN * np.nanmax(np.abs(known), initial=0.0))


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
