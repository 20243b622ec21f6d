"""Measures of returns and drawdowns: by hand, and as properties."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tradewire.backtest.statistics import drawdowns, returns
from tradewire.backtest.statistics.sampling import (
    DAY_US,
    YEAR_US,
    FloatArray,
    buy_and_hold,
    daily_returns,
    monthly_returns,
    periods_per_year,
    simple_returns,
)

HOUR_US = DAY_US // 24
RETURNS = np.array([0.10, -0.05, 0.02, -0.01])


def array(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)


def test_hand_computed_ratios() -> None:
    mean, squares = 0.015, (0.085**2 + 0.065**2 + 0.005**2 + 0.025**2)
    deviation = math.sqrt(squares / 3)

    assert returns.volatility(RETURNS, 365) == pytest.approx(deviation * math.sqrt(365))
    assert returns.sharpe(RETURNS, 365) == pytest.approx(mean / deviation * math.sqrt(365))
    assert returns.sortino(RETURNS, 365) == pytest.approx(mean / math.sqrt((0.05**2 + 0.01**2) / 4) * math.sqrt(365))
    assert returns.omega(RETURNS) == pytest.approx(0.12 / 0.06)


def test_hand_computed_tails() -> None:
    days = np.arange(1, 42) / 100 - 0.21  # -0.20 … 0.20: the quantiles at 5 % and 95 % are the 3rd from either end

    assert returns.value_at_risk(days) == pytest.approx(-0.18)
    assert returns.conditional_value_at_risk(days) == pytest.approx(-0.19)
    assert returns.tail_ratio(days) == pytest.approx(1.0)
    assert returns.best_day(days) == pytest.approx(0.20)
    assert returns.worst_day(days) == pytest.approx(-0.20)


def test_skew_and_kurtosis_of_a_textbook_sample() -> None:
    sample = array(1.0, 2.0, 3.0, 4.0, 10.0)  # m2 = 10, m3 = 36, m4 = 278.8

    assert returns.skewness(sample) == pytest.approx(math.sqrt(20) / 3 * 36 / 10**1.5)
    assert returns.kurtosis(sample) == pytest.approx(4 / 6 * (6 * (278.8 / 100 - 3) + 6))


def test_growth_over_half_a_year_compounds_to_a_year() -> None:
    assert returns.cagr(array(100.0, 110.0), YEAR_US // 2) == pytest.approx(1.1**2 - 1)
    assert returns.cagr(array(100.0, 0.0), YEAR_US) == -1.0
    assert returns.cagr(array(1.0, 1e9), 1) is None  # beyond any float


def test_beta_and_alpha_of_a_leveraged_benchmark() -> None:
    benchmark = array(0.01, -0.02, 0.03)

    assert returns.beta(2 * benchmark + 0.001, benchmark) == pytest.approx(2.0)
    assert returns.alpha(2 * benchmark + 0.001, benchmark, 365) == pytest.approx(0.365)


def test_hand_computed_drawdowns() -> None:
    equity = array(100, 120, 90, 108, 120, 130, 117, 121)  # 120 → 90 → 120, then 130 → 117, not recovered
    hours = np.arange(8, dtype=np.int64) * HOUR_US

    assert drawdowns.max_drawdown(equity) == pytest.approx(-0.25)
    assert drawdowns.average_drawdown(equity) == pytest.approx((-0.25 - 0.10) / 2)
    assert drawdowns.longest_drawdown_bars(equity) == 3
    assert drawdowns.longest_drawdown_days(equity, hours) == pytest.approx(3 / 24)
    below = [-0.25, -0.1, -0.1, 121 / 130 - 1]
    assert drawdowns.ulcer_index(equity) == pytest.approx(math.sqrt(sum(value**2 for value in below) / 8))
    assert drawdowns.calmar(0.5, -0.25) == pytest.approx(2.0)
    assert drawdowns.recovery_factor(0.21, -0.25) == pytest.approx(0.84)


def test_a_drawdown_without_recovery_lasts_to_the_end() -> None:
    assert drawdowns.longest_drawdown_bars(array(100, 90, 95, 99)) == 3


def test_year_of_any_bar_size_has_365_days() -> None:
    for length_us, bars in ((60_000_000, 525_600), (HOUR_US, 8_760), (DAY_US, 365)):
        times = np.arange(100, dtype=np.int64) * length_us
        assert periods_per_year(times) == bars
        assert periods_per_year(np.delete(times, slice(40, 60))) == bars  # a gap does not make bars longer
    assert periods_per_year(np.array([5])) is None


def test_days_go_from_midnight_to_midnight() -> None:
    times = np.array([12, 18, 24, 30, 48], dtype=np.int64) * HOUR_US
    found = daily_returns(times, array(100, 101, 110, 105, 99))

    assert found.start_us.tolist() == [0, DAY_US]
    assert found.returns == pytest.approx([0.10, -0.10])


def test_a_first_close_at_midnight_belongs_to_a_day_not_seen() -> None:
    times = np.array([24, 48, 72], dtype=np.int64) * HOUR_US
    found = daily_returns(times, array(100, 110, 99))

    assert found.start_us.tolist() == [DAY_US, 2 * DAY_US]
    assert found.returns == pytest.approx([0.10, -0.10])


def test_months_are_calendar_months() -> None:
    times = np.array(["2024-01-15", "2024-02-01", "2024-02-15", "2024-03-01"], dtype="datetime64[us]").astype(np.int64)
    found = monthly_returns(times, array(100, 110, 100, 121))

    assert found.start_us.astype("datetime64[us]").astype("datetime64[M]").astype(str).tolist() == [
        "2024-01",
        "2024-02",
    ]
    assert found.returns == pytest.approx([0.10, 0.10])


def test_returns_end_when_the_equity_is_gone() -> None:
    assert simple_returns(array(100, 50, -10, 40)) == pytest.approx([-0.5, -1.2])


def test_benchmark_holds_the_last_closed_bar() -> None:
    found = buy_and_hold(np.array([9, 10, 15, 20]), np.array([10, 20]), array(50, 75), 1000.0)

    assert found.tolist() == [1000.0, 1000.0, 1000.0, 1500.0]


@pytest.mark.parametrize("series", [array(), array(0.01), array(0.01, 0.01, 0.01), array(0.0, 0.0, 0.0, 0.0, 0.0)])
def test_what_is_not_defined_is_none_never_nan(series: FloatArray) -> None:
    found = [returns.volatility(series, 365), returns.sharpe(series, 365), returns.sortino(series, 365)]
    found += [returns.omega(series), returns.skewness(series), returns.kurtosis(series), returns.tail_ratio(series)]
    found += [returns.value_at_risk(series), returns.beta(series, series), returns.alpha(series, series, 365)]

    assert all(value is None or math.isfinite(value) for value in found)
    assert returns.sharpe(series, 365) is None


curves = hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(1.0, 1e6))
changes = hnp.arrays(np.float64, st.integers(4, 40), elements=st.floats(-0.5, 0.5, width=32))


@settings(max_examples=60, deadline=None)
@given(curves, st.sampled_from([2.0**-10, 2.0, 2.0**20]))
def test_scale_of_the_account_does_not_matter(equity: FloatArray, scale: float) -> None:
    span = len(equity) * HOUR_US
    measures: list[Callable[[FloatArray], float | None]] = [
        returns.total_return,
        lambda e: returns.cagr(e, span),
        drawdowns.max_drawdown,
        drawdowns.average_drawdown,
        drawdowns.ulcer_index,
        lambda e: returns.sharpe(simple_returns(e), 8760),
    ]
    for measure in measures:
        assert measure(equity * scale) == measure(equity)


@settings(max_examples=60, deadline=None)
@given(changes)
def test_order_of_returns_matters_to_none_of_the_moments(series: FloatArray) -> None:
    for measure in (returns.omega, returns.value_at_risk, returns.conditional_value_at_risk, returns.skewness):
        first, second = measure(series), measure(series[::-1])
        assert (first is None) == (second is None)
        assert first is None or first == pytest.approx(second, rel=1e-6, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(changes)
def test_bounds(series: FloatArray) -> None:
    equity = np.concatenate(([1.0], np.cumprod(1.0 + series)))
    deepest, average = drawdowns.max_drawdown(equity), drawdowns.average_drawdown(equity)
    at_risk, shortfall = returns.value_at_risk(series), returns.conditional_value_at_risk(series)

    assert deepest is not None
    assert average is not None
    assert at_risk is not None
    assert shortfall is not None
    assert -1.0 <= deepest <= average <= 0.0
    assert float(np.min(series)) <= shortfall + 1e-12
    assert shortfall <= at_risk + 1e-12
    assert 0 <= drawdowns.longest_drawdown_bars(equity) < len(equity)
