"""Merged times and joined columns are what NumPy's own functions make, and share memory where they can."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.merging import joined, merged

increasing = st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 9), max_size=20, unique=True).map(sorted)


@settings(deadline=None)
@given(series=st.lists(increasing, min_size=1, max_size=4))
def test_merged_times_are_those_of_all_once(series: list[list[int]]) -> None:
    found = merged([np.array(one, dtype=np.int64) for one in series])
    assert found.tolist() == sorted({time for one in series for time in one})


def test_equal_times_are_not_copied() -> None:
    times = np.arange(5)
    assert merged([times]) is times
    assert merged([times, times.copy()]) is times


@settings(deadline=None)
@given(length=st.integers(0, 12), rows=st.integers(1, 3), cuts=st.tuples(*[st.integers(0, 12)] * 4))
def test_joined_parts_are_those_concatenated(length: int, rows: int, cuts: tuple[int, int, int, int]) -> None:
    whole = np.arange(float(rows * length)).reshape(rows, length)
    for row in whole:
        before, after = row[cuts[0] : cuts[1]], row[cuts[2] : cuts[3]]
        assert joined(before, after).tolist() == [*before.tolist(), *after.tolist()]
        assert joined(row[: cuts[0]], row[cuts[0] :]).tolist() == row.tolist()
        assert joined(row[::2], row[::2]).tolist() == [*row[::2].tolist(), *row[::2].tolist()]


def test_neighbours_are_not_copied() -> None:
    whole = np.arange(10.0)
    assert np.shares_memory(joined(whole[2:5], whole[5:7]), whole)
    assert not np.shares_memory(joined(whole[2:5], whole[6:7]), whole)
    other = np.arange(10.0)
    assert joined(whole[:2], other[2:3]).tolist() == [0.0, 1.0, 2.0]
