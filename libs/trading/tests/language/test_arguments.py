"""Indicators of what is computed from decimals decide by decimals, as those of prices do."""

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
SUMS: dict[str, Callable[[dict[str, Fraction]], Fraction]] = {
    "close - open": lambda bar: bar["close"] - bar["open"],
    "high - low": lambda bar: bar["high"] - bar["low"],
    "-(open + close - high - low)": lambda bar: bar["high"] + bar["low"] - bar["open"] - bar["close"],
    "high + low + close - open - open": lambda bar: bar["high"] + bar["low"] + bar["close"] - 2 * bar["open"],
    "2 * close - open": lambda bar: 2 * bar["close"] - bar["open"],
    "(high + low) / 2": lambda bar: (bar["high"] + bar["low"]) / 2,
    "0.3 * (close - open) - 0.1 * low": lambda bar: (3 * (bar["close"] - bar["open"]) - bar["low"]) / 10,
    "(close - open) * (high - low)": lambda bar: (bar["close"] - bar["open"]) * (bar["high"] - bar["low"]),
    "max(close - open, open - close) * volume": lambda bar: abs(bar["close"] - bar["open"]) * bar["volume"],
}
INDICATORS = {"percent_rank": (7,), "zscore": (5,), "stddev": (5,), "highest": (4,), "cmo": (5,), "aroon": (4,)}


def market_of(seed: int, bars: int, tick: Fraction) -> list[dict[str, Fraction]]:
    rng = np.random.default_rng(seed)
    opens = 1_000 + np.cumsum(rng.integers(-2, 3, bars))
    closes = opens + rng.integers(-2, 3, bars)
    tops, bottoms = rng.integers(0, 3, bars), rng.integers(0, 3, bars)
    rows = zip(opens, np.maximum(opens, closes) + tops, np.minimum(opens, closes) - bottoms, closes, strict=True)
    names = ("open", "high", "low", "close", "volume")
    return [
        dict(zip(names, (*(int(price) * tick for price in row), Fraction(int(volume), 10)), strict=True))
        for row, volume in zip(rows, rng.integers(0, 50, bars), strict=True)
    ]


@pytest.mark.parametrize("name", [name for name in INDICATORS if len(indicator(name).inputs) == 1])
@pytest.mark.parametrize("text", SUMS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tick=st.sampled_from(TICKS))
def test_the_indicator_of_a_sum_is_that_of_its_decimals(name: str, text: str, seed: int, tick: Fraction) -> None:
    market, params = market_of(seed, 60, tick), INDICATORS[name]
    columns = {field: np.array([float(bar[field]) for bar in market]) for field in market[0]}
    times = np.arange(60) * MINUTE_US
    demand = f"{name}({text}, {', '.join(map(str, params))})"
    engine = IndicatorEngine([demand], MINUTE_US)

    whole = engine.array(Bars(times, *columns.values()))
    exact = np.array([float(SUMS[text](bar)) for bar in market])

    np.testing.assert_array_equal(whole[demand], indicator(name).array([exact], params)[0])
    for at, bar in enumerate(zip(*(column.tolist() for column in columns.values()), strict=True)):
        (value,) = engine.update(int(times[at]), *bar).values()
        assert value == whole[demand][at] or (value is None and np.isnan(whole[demand][at]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tick=st.sampled_from(TICKS))
def test_equal_thirds_of_different_bars_are_equal(seed: int, tick: Fraction) -> None:
    market = market_of(seed, 60, tick)
    columns = [np.array([float(bar[field]) for bar in market]) for field in market[0]]
    demand = "shift((high + low + close) / 3, 1)"

    (values,) = IndicatorEngine([demand], MINUTE_US).array(Bars(np.arange(60) * MINUTE_US, *columns)).values()

    exact = [(bar["high"] + bar["low"] + bar["close"]) / 3 for bar in market[:-1]]
    assert len(set(values[1:].tolist())) == len(set(exact))
    np.testing.assert_allclose(values[1:], [float(value) for value in exact], rtol=1e-15)
