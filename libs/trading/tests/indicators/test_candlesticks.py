"""Candlestick patterns: TA-Lib's own answers, the same bar by bar, on real candles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import talib
from talib import abstract

from tradewire.trading.indicators import FloatArray, Indicator
from tradewire.trading.indicators.candlesticks import CANDLESTICKS

RARE = {"cdl3blackcrows", "cdl3starsinsouth", "cdlconcealbabyswall", "cdlmathold"}
"""Stand nowhere in the candles below."""


@pytest.fixture(scope="module")
def candles() -> list[FloatArray]:
    """20,000 bars on a coarse grid: gaps, equal prices and every kind of body and shadow."""
    rng = np.random.default_rng(11)
    n = 20_000
    body = rng.choice([0, 0, 1, -1, 2, -2, 4, -4, 9, -9, 15, -15], size=n)
    gap = rng.choice([0, 0, 0, 1, -1, 3, -3, 8, -8], size=n)
    pull = 3000 + np.cumsum(gap + body)
    close = pull - np.round(np.linspace(0, pull[-1] - 3000, n))
    open_ = close - body
    high = np.maximum(open_, close) + rng.choice([0, 0, 1, 2, 10], size=n)
    low = np.minimum(open_, close) - rng.choice([0, 0, 1, 2, 10], size=n)
    return [(column + 10_000) / 100 for column in (open_, high, low, close)]


PATTERNS = talib.get_function_groups()["Pattern Recognition"]  # type: ignore[no-untyped-call]


def test_the_catalogue_has_every_pattern_of_ta_lib_with_its_lookback_and_parameters() -> None:
    assert [one.name.upper() for one in CANDLESTICKS] == PATTERNS
    for one in CANDLESTICKS:
        theirs: Any = abstract.Function(one.name.upper())  # type: ignore[attr-defined]  # made at run time
        assert one.warmup() == theirs.lookback
        assert {param.name: param.default for param in one.params} == dict(theirs.parameters)


@pytest.mark.parametrize("pattern", CANDLESTICKS, ids=lambda pattern: pattern.name)
def test_a_pattern_is_what_ta_lib_says_and_the_same_bar_by_bar(pattern: Indicator, candles: list[FloatArray]) -> None:
    (found,) = pattern.array(candles, ())
    # In whole cents TA-Lib's running sums are exact; in floats a length that equals its threshold falls either way.
    theirs = getattr(talib, pattern.name.upper())(*(np.rint(column * 100) for column in candles)).astype(float)
    lookback = pattern.warmup()
    assert np.isnan(found[:lookback]).all()
    np.testing.assert_array_equal(found[lookback:], theirs[lookback:])
    stream = pattern.stream()
    streamed = [stream.update(*bar)[0] for bar in zip(*(column[:1500] for column in candles), strict=True)]
    np.testing.assert_array_equal(found[:1500], streamed)
    assert np.count_nonzero(found[lookback:]) or pattern.name in RARE


def test_prices_too_large_for_exact_sums_give_the_same_in_both_forms(candles: list[FloatArray]) -> None:
    large = [column[:300] * 1e6 for column in candles]
    for pattern in CANDLESTICKS[::5]:
        stream = pattern.stream()
        streamed = [stream.update(*bar)[0] for bar in zip(*large, strict=True)]
        np.testing.assert_array_equal(pattern.array(large, ())[0], streamed)
