"""Signals over plain arrays, against the same rules in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.vectorized import simulate_signals


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(1, 30), st.integers(1, 4), st.sampled_from([0.0, 0.001]))
def test_every_column_is_traded_by_itself(seed: int, rows: int, columns: int, fee: float) -> None:
    rng = np.random.default_rng(seed)
    close = rng.uniform(50, 150, (rows, columns))
    entries, exits = rng.random((2, rows, columns)) < 0.4
    found = simulate_signals(close, entries, exits, fee=fee, slippage=0.0005)
    for column in range(columns):
        cash, held, orders = 100.0, 0.0, 0
        for row in range(rows):
            if entries[row, column] == exits[row, column]:
                continue
            price = close[row, column]
            if entries[row, column] and held == 0:
                held = cash / (price * 1.0005 * (1 + fee))
                cash, orders = 0.0, orders + 1
            elif exits[row, column] and held > 0:
                cash, held, orders = held * price * 0.9995 * (1 - fee), 0.0, orders + 1
        assert found.value[column] == pytest.approx(cash + held * close[-1, column], rel=1e-12)
        assert np.count_nonzero(found.column == column) == orders
    assert np.all(np.diff(found.row) >= 0)


def test_a_fixed_size_leaves_the_rest_in_cash() -> None:
    entries, exits = np.array([True, False, False]), np.array([False, False, True])
    found = simulate_signals(np.array([10.0, 11.0, 12.0]), entries, exits, size=2.0, fee=0.01)
    assert found.size.tolist() == [2.0, -2.0]
    assert found.price.tolist() == [10.0, 12.0]
    assert found.value[0] == pytest.approx(100 - 20 - 0.2 + 24 - 0.24)
    assert found.total_return[0] == pytest.approx(0.0356)
    assert len(found) == 2


def test_shapes_and_ranges_are_checked() -> None:
    with pytest.raises(ValueError, match="one shape"):
        simulate_signals(np.ones((2, 2)), np.ones((2, 2), bool), np.ones(2, bool))
    with pytest.raises(ValueError, match="allowed above 0"):
        simulate_signals(np.ones(2), np.ones(2, bool), np.ones(2, bool), size=0.0)
