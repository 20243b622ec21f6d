"""Marks and funding beside bars: what belongs to which bar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.alignment import MINUTE_US, align_funding, align_marks

HOUR_US = 60 * MINUTE_US
BARS = np.array([0, 1, 2, 4], dtype=np.int64) * HOUR_US


def test_marks_of_the_same_interval_stand_beside_their_bars() -> None:
    times = np.array([1, 3, 4], dtype=np.int64) * HOUR_US
    open_, high, low, close = (np.array([n, n + 1, n + 2], dtype=np.float64) for n in (10, 20, 5, 12))
    aligned = align_marks(BARS, HOUR_US, times, HOUR_US, open_, high, low, close)
    for column, first in zip(aligned, (10, 20, 5, 12), strict=True):
        np.testing.assert_array_equal(column, [np.nan, first, np.nan, first + 2])


def test_finer_marks_are_aggregated_over_those_that_exist() -> None:
    times = np.array([59, 60, 75, 119, 120, 200], dtype=np.int64) * MINUTE_US
    open_ = np.array([1.0, 2, 3, 4, 5, 6])
    opens, highs, lows, closes = align_marks(BARS, HOUR_US, times, MINUTE_US, open_, open_ + 10, open_ - 1, open_ + 5)
    np.testing.assert_array_equal(opens, [1, 2, 5, np.nan])
    np.testing.assert_array_equal(highs, [11, 14, 15, np.nan])
    np.testing.assert_array_equal(lows, [0, 1, 4, np.nan])
    np.testing.assert_array_equal(closes, [6, 9, 10, np.nan])


def test_no_marks_at_all_are_none_anywhere() -> None:
    none = np.array([], dtype=np.float64)
    aligned = align_marks(BARS, HOUR_US, none.astype(np.int64), HOUR_US, none, none, none, none)
    assert all(np.isnan(column).all() for column in aligned)


@pytest.mark.parametrize("interval_us", [2 * HOUR_US, 7 * MINUTE_US, 0])
def test_marks_that_do_not_fit_into_a_bar_are_refused(interval_us: int) -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match=f"found candles of {interval_us} µs, allowed {HOUR_US} µs"):
        align_marks(BARS, HOUR_US, np.zeros(1, dtype=np.int64), interval_us, one, one, one, one)


def test_a_settlement_belongs_to_the_bar_that_it_ends_and_its_delay_does_not_count() -> None:
    times = np.array([0, HOUR_US + 16_000, 2 * HOUR_US + 59_999_999, 2 * HOUR_US + MINUTE_US, 4 * HOUR_US, 5 * HOUR_US])
    rates = np.array([0.1, 0.0001, 0.0002, 0.00000001, 0.5, 0.25])
    found = align_funding(BARS, HOUR_US, times, rates)
    # The first lies before the bars, that at 4:00 in the gap after the third bar.
    np.testing.assert_array_equal(found, [0.0001, 0.0002, 0.00000001, 0.25])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20))
def test_sums_of_rates_are_exact_and_do_not_depend_on_order(units: list[int]) -> None:
    times = np.arange(1, len(units) + 1, dtype=np.int64) * MINUTE_US
    rates = np.array(units) / 1e8
    bar = np.zeros(1, dtype=np.int64)
    for order in (slice(None), slice(None, None, -1)):
        assert align_funding(bar, HOUR_US, times[order], rates[order]).tolist() == [sum(units) / 1e8]
