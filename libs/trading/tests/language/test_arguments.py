"""Indicators of sums and differences decide by decimals, as those of prices do."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.indicators import indicator
from tradewire.trading.language import Bars, IndicatorEngine

MINUTE_US = 60_000_000
TICKS = [Fraction(1, 10), Fraction(1, 100), Fraction(1, 10**8), Fraction(5)]
SUMS: dict[str, Callable[[dict[str, int]], int]] = {
    "close - open": lambda bar: bar["close"] - bar["open"],
    "high - low": lambda bar: bar["high"] - bar["low"],
    "-(open + close - high - low)": lambda bar: bar["high"] + bar["low"] - bar["open"] - bar["close"],
    "high + low + close - open - open": lambda bar: bar["high"] + bar["low"] + bar["close"] - 2 * bar["open"],
}
INDICATORS = {"percent_rank": (7,), "zscore": (5,), "stddev": (5,), "highest": (4,), "cmo": (5,), "aroon": (4,)}


def ticks_of(seed: int, bars: int) -> list[dict[str, int]]:
    rng = np.random.default_rng(seed)
    opens = 1_000 + np.cumsum(rng.integers(-2, 3, bars))
    closes = opens + rng.integers(-2, 3, bars)
    tops, bottoms = rng.integers(0, 3, bars), rng.integers(0, 3, bars)
    return [
        {"open": int(o), "close": int(c), "high": int(max(o, c) + up), "low": int(min(o, c) - down)}
        for o, c, up, down in zip(opens, closes, tops, bottoms, strict=True)
    ]


@pytest.mark.parametrize("name", [name for name in INDICATORS if len(indicator(name).inputs) == 1])
@pytest.mark.parametrize("text", SUMS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tick=st.sampled_from(TICKS))
def test_the_indicator_of_a_sum_is_that_of_its_decimals(name: str, text: str, seed: int, tick: Fraction) -> None:
    market, params = ticks_of(seed, 60), INDICATORS[name]
    columns = {field: np.array([float(bar[field] * tick) for bar in market]) for field in market[0]}
    times = np.arange(60) * MINUTE_US
    demand = f"{name}({text}, {', '.join(map(str, params))})"
    engine = IndicatorEngine([demand], MINUTE_US)

    whole = engine.array(Bars(times, columns["open"], columns["high"], columns["low"], columns["close"], np.ones(60)))
    exact = np.array([float(SUMS[text](bar) * tick) for bar in market])

    np.testing.assert_array_equal(whole[demand], indicator(name).array([exact], params)[0])
    for at, (high, low) in enumerate(zip(columns["high"].tolist(), columns["low"].tolist(), strict=True)):
        bar = float(columns["open"][at]), high, low, float(columns["close"][at])
        (value,) = engine.update(int(times[at]), *bar, volume=1.0).values()
        assert value == whole[demand][at] or (value is None and np.isnan(whole[demand][at]))
