"""What is left out for the view never hides an extreme."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.report.downsample import candles, extremes, numbers


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(4, 200), st.integers(0, 2**32 - 1))
def test_a_line_keeps_its_ends_its_highest_and_its_lowest(count: int, most: int, seed: int) -> None:
    values = np.cumsum(np.random.default_rng(seed).normal(size=count))
    values[: count // 10] = np.nan

    kept = extremes(values, most)

    assert np.all(np.diff(kept) > 0)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert len(kept) <= max(most + 2, 6)
    assert np.nanmax(values[kept]) == np.nanmax(values)
    assert np.nanmin(values[kept]) == np.nanmin(values)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_candles_keep_open_high_low_and_close(count: int, most: int, seed: int) -> None:
    close = 100 + np.cumsum(np.random.default_rng(seed).normal(size=count))
    times = np.arange(count)

    found = candles(times, close - 0.5, close + 1, close - 1, close, most)

    assert len(found.close) <= most
    assert (found.open[0], found.close[-1]) == (close[0] - 0.5, close[-1])
    assert (found.high.max(), found.low.min()) == (close.max() + 1, close.min() - 1)
    if found.bars == 1:
        assert found.close.tolist() == close.tolist()


def test_numbers_for_json_have_no_nan() -> None:
    assert numbers(np.array([1.0, np.nan, np.inf, 1 / 3])) == [1.0, None, None, 0.33333333]
