"""Values stay within what their definitions bound them to, and keep a move's sign, at all prices that data may have.

These have 8 decimals and go up to 4e10, so that most have more digits than sums of them are exact for.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.test_exact_values import drawn_params

from tradewire.trading.indicators import FloatArray, indicator

RUNS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PERCENT, SIGNED_PERCENT, SIGNED, UNSIGNED = (0.0, 100.0), (-100.0, 100.0), (-1.0, 1.0), (0.0, 1.0)
BOUNDS = {
    **dict.fromkeys(("adx", "adxr", "dx", "plus_di", "minus_di", "rsi", "rvi", "mfi", "ultosc"), PERCENT),
    **dict.fromkeys(("stochastic", "stochastic_fast", "stochrsi"), PERCENT),
    **dict.fromkeys(("cmo", "tsi"), SIGNED_PERCENT),
    **dict.fromkeys(("bop", "cmf", "correl"), SIGNED),
    "efficiency_ratio": UNSIGNED,
    "willr": (-100.0, 0.0),
}
ROUNDING = 1e-13
"""Of the bound: sums of a window round."""
TICKS_PER_UNIT = 10**8


def fine_bars(seed: int, n: int) -> dict[str, FloatArray]:
    """Bars of few ticks of 1e-8, of any allowed price, with a gap."""
    rng = np.random.default_rng(seed)
    price = int(10.0 ** rng.uniform(8.0, 18.6))
    reach = int(10.0 ** rng.uniform(0.5, 2.0 + math.log10(1 + price / 1e15)))
    path = price + np.cumsum(rng.integers(-reach, reach + 1, n)) * (rng.random(n) < 0.8)
    path += np.where(np.arange(n) >= rng.integers(0, n), price // int(rng.integers(1, 10**6)), 0)
    opened, closed = path + rng.integers(-reach, reach + 1, n), path
    high = np.maximum(opened, closed) + rng.integers(0, reach + 1, n) * rng.integers(0, 2, n)
    low = np.minimum(opened, closed) - rng.integers(0, reach + 1, n) * rng.integers(0, 2, n)
    ticks = {"open": opened, "high": high, "low": low, "close": closed, "x": closed, "y": high}
    bars = {name: np.array([max(int(t), 1) / TICKS_PER_UNIT for t in column]) for name, column in ticks.items()}
    return {**bars, "volume": rng.integers(0, 4, n) / 10}


@pytest.mark.parametrize("name", sorted(BOUNDS))
@RUNS
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(2, 40), data=st.data())
def test_values_are_within_their_bounds_at_any_price(name: str, seed: int, bars: int, data: st.DataObject) -> None:
    subject, market = indicator(name), fine_bars(seed, bars)
    lowest, highest = BOUNDS[name]
    off = ROUNDING * max(abs(lowest), highest)

    found = subject.array(
        [market[column] for column in subject.inputs], [float(p) for p in drawn_params(data, subject)]
    )

    for values in found:
        known = values[~np.isnan(values)]
        assert known.min(initial=lowest) >= lowest - off
        assert known.max(initial=lowest) <= highest + off


@pytest.mark.parametrize("name", ["bop", "qstick", "momentum", "roc", "rocp", "force"])
@RUNS
@given(whole=st.integers(10**14, 10**15 - 100), ticks=st.integers(-40, 40))
def test_move_of_a_price_of_fifteen_digits_has_its_sign(name: str, whole: int, ticks: int) -> None:
    first, second = whole / TICKS_PER_UNIT, (whole + ticks) / TICKS_PER_UNIT
    opened, closed = np.array([first, first]), np.array([first, second])
    bars = {"open": opened, "close": closed, "x": closed, "volume": np.array([1.0, 1.0])}
    bars |= {"high": np.maximum(opened, closed), "low": np.minimum(opened, closed)}
    subject = indicator(name)

    (values,) = subject.array([bars[column] for column in subject.inputs], [1.0 for _ in subject.params])

    assert np.sign(values[-1]) == np.sign(ticks)


def test_median_of_two_prices_of_many_digits_moves() -> None:
    high, low = np.array([3_000_000.00000002, 3_000_000.00000004]), np.array([3e6, 3e6])

    (values,) = indicator("eom").array([high, low, np.array([1.0, 1.0])], (1.0, 1.0))

    assert values[-1] > 0.0


def test_close_at_the_high_is_the_whole_range_of_the_ultimate_oscillator() -> None:
    top = 3_000_000.00000006

    (values,) = indicator("ultosc").array(
        [np.array([3e6, top]), np.array([3e6, 3e6]), np.array([3e6, top])], (1.0, 1.0, 1.0)
    )

    assert values[-1] == 100.0


def test_close_at_the_high_is_the_whole_money_flow() -> None:
    top = 2_000_000.00000005

    (values,) = indicator("cmf").array([np.array([top]), np.array([2e6]), np.array([top]), np.array([1.0])], (1.0,))

    assert values[-1] == 1.0


def test_way_through_a_window_is_at_least_its_range() -> None:
    top = 3_000_000.00000006
    high, low, close = np.array([3e6, top, top]), np.array([3e6, 3e6, top]), np.array([3e6, top, top])

    (values,) = indicator("choppiness").array([high, low, close], (2.0,))

    assert values[-1] == 0.0
