"""Array forms without machine code: the interpreter gives the same numbers for the same source."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator
from tradewire.trading.indicators.compiled import INTERPRETED_BARS, compiled, interpreted

COMPILED = sorted(name for name, one in INDICATORS.items() if type(one) is Indicator)
FIELDS = ("open", "high", "low", "close", "volume")


def market(seed: int, count: int = 160) -> dict[str, FloatArray]:
    """Ticks of a coarse market with ties, halts and a hole."""
    rng = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(rng.integers(-2, 3, count)) * 0.5
    close[count // 3 : count // 3 + 12] = close[count // 3]
    before = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(before, close) + rng.integers(0, 2, count) * 0.5
    low = np.minimum(before, close) - rng.integers(0, 2, count) * 0.5
    volume = rng.integers(0, 4, count).astype(np.float64)
    columns = dict(zip(FIELDS, (before, high, low, close, volume), strict=True))
    columns["close"][-9] = np.nan
    return columns


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_interpreter_gives_the_numbers_of_machine_code(name: str, seed: int) -> None:
    one = INDICATORS[name]
    columns = market(seed)
    inputs = tuple(np.ascontiguousarray(columns.get(field, columns["close"])) for field in one.inputs)
    params = one.checked(())
    for ours, theirs in zip(interpreted(one, inputs, params), compiled(one, inputs, params), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_short_series_loads_no_compiler() -> None:
    program = f"""
import sys
import numpy as np
from tradewire.trading.indicators import INDICATORS
INDICATORS["sma"].array([np.arange({INTERPRETED_BARS}.0)], [5.0])
assert "numba" not in sys.modules
INDICATORS["sma"].array([np.arange({INTERPRETED_BARS + 1}.0)], [5.0])
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)  # our own program
