"""Long halts and long one-way moves: what fades keeps its ratio, and what stands next to a bound keeps its digits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from libs.trading.tests.indicators.exact_values import exact

from tradewire.trading.indicators import indicator


def test_index_stays_over_a_halt_and_its_stochastic_has_no_range() -> None:
    rng = np.random.default_rng(5)
    close = np.r_[100.0 + np.cumsum(rng.normal(0.0, 0.5, 200)).round(2), np.zeros(3_000)]
    close[200:] = close[199]

    (index,) = indicator("rsi").array([close], (2.0,))
    k, d = indicator("stochrsi").array([close], (2.0, 14.0, 3.0))

    assert set(index[199:].tolist()) == {index[199]}
    assert 0.0 < index[199] < 100.0
    assert set(k[220:].tolist()) == set(d[220:].tolist()) == {0.0}


@pytest.mark.parametrize("name", ["dx", "plus_di", "minus_di", "rvi"])
def test_ratio_of_fading_averages_outlasts_a_long_halt(name: str) -> None:
    rng = np.random.default_rng(6)
    close = np.r_[100.0 + np.cumsum(rng.normal(0.0, 0.5, 200)).round(2), np.zeros(3_000)]
    close[200:] = close[199]
    bars = {"high": close + 0.5, "low": close - 0.25, "close": close, "x": close}
    bars["high"][200:] = bars["low"][200:] = close[199]

    (values,) = indicator(name).array([bars[column] for column in indicator(name).inputs], (2.0,))

    assert values[-1] == pytest.approx(values[260], rel=1e-9)
    assert values[-1] > 0.0


@pytest.mark.parametrize("rising", [True, False])
def test_stochastic_of_an_index_next_to_its_bound_still_has_a_range(rising: bool) -> None:
    rng = np.random.default_rng(8)
    steps = np.r_[rng.integers(-3, 4, 20), rng.integers(1, 9, 180)] * (1 if rising else -1)
    ticks = [Fraction(int(value), 10) for value in 10_000 + np.cumsum(steps)]

    found = indicator("stochrsi").array([np.array([float(value) for value in ticks])], (2.0, 3.0, 2.0))

    for values, wanted in zip(found, exact("stochrsi", [ticks], (2, 3, 2)), strict=True):
        known = [float(value) for value in wanted if value is not None]
        np.testing.assert_allclose(values[~np.isnan(values)], known, rtol=1e-9)
        assert rising == (max(known[-50:]) > 0.0)


def smoothed(values: list[Decimal], n: int) -> list[Decimal]:
    """Exponential averages in 60 digits, of an exponent of any size."""
    found, weight = [sum(values[:n], Decimal(0)) / n], Decimal(2) / (n + 1)
    for value in values[n:]:
        found.append(found[-1] + (value - found[-1]) * weight)
    return found


@pytest.mark.parametrize(("long", "short"), [(25, 13), (2, 5), (3, 3)])
def test_strength_outlasts_a_long_halt(long: int, short: int) -> None:
    rng = np.random.default_rng(7)
    ticks = 1_000 + np.r_[np.cumsum(rng.integers(-3, 4, 300)), np.zeros(20_000, dtype=np.int64)]
    ticks[300:] = ticks[299]
    ticks[-5:] += [1, 0, 2, 2, 1]

    (found, _) = indicator("tsi").array([ticks / 10], (float(long), float(short), 1.0))

    with localcontext(prec=60, Emin=-(10**15), Emax=10**15):
        moves = [Decimal(int(move)) / 10 for move in np.diff(ticks)]
        moved, sizes = (smoothed(smoothed(part, long), short) for part in (moves, [abs(move) for move in moves]))
        wanted = [float(100 * a / b) for a, b in zip(moved, sizes, strict=True)]
    np.testing.assert_allclose(found[-len(wanted) :], wanted, rtol=1e-9, atol=1e-9)


def test_mass_outlasts_a_long_halt() -> None:
    rng = np.random.default_rng(7)
    ranges = np.r_[rng.integers(0, 9, 300), np.zeros(20_000, dtype=np.int64), [3, 0, 1]]

    (found,) = indicator("mass").array([100.0 + ranges, np.full(len(ranges), 100.0)], (9.0, 25.0))

    with localcontext(prec=60, Emin=-(10**15), Emax=10**15):
        once = smoothed([Decimal(int(size)) for size in ranges], 9)
        ratios = [float(a / b) for a, b in zip(once[8:], smoothed(once, 9), strict=True)]
    wanted = np.convolve(ratios, np.ones(25), "valid")
    np.testing.assert_allclose(found[-len(wanted) :], wanted, rtol=1e-9)


def test_stop_that_nears_the_price_of_a_halt_never_meets_it() -> None:
    high = np.r_[10.0 + np.arange(20) / 10.0, np.full(3_000, 11.9)]
    low = np.r_[9.9 + np.arange(20) / 10.0, np.full(3_000, 11.9)]

    (stop,) = indicator("sar").array([high, low], (0.02, 0.2))

    assert (stop[30:] <= 11.9).all()
    assert (np.diff(stop[30:]) >= 0.0).all()
