"""Every indicator against exact arithmetic, over markets of coarse ticks with ties, halts and constants.

There rounding decides what it may not: which of two equal sums of prices is larger, whether a market that stands still
has a range. The reference computes with fractions of the decimals that the floats stand for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.exact_values import REFERENCES, exact

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator, indicator
from tradewire.trading.indicators.candlesticks import CANDLESTICKS

NAMES = sorted(INDICATORS.keys() - {pattern.name for pattern in CANDLESTICKS})
TICKS = ("1", "0.5", "0.1", "0.05", "0.01", "0.0025", "0.00001", "0.00000001")
RUNS = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RELATIVE = 1e-9
ILL_CONDITIONED = {"beta": 1e-5}
"""Where floats of the inputs alone have lost more: returns of nearly the same size, of which the differences count."""
SIZES = {"correl": 1.0, "ppo": 100.0, "trix": 100.0}
"""Of numbers that are ratios, whatever the price: 1, or 100 %."""
NEXT_TO_NOTHING = 1e-12
"""Of the largest input: what rounding may leave of a price or of a sum of some that is exactly zero."""


@dataclass(frozen=True)
class CoarseMarket:
    """Bars as whole ticks, and the decimals that they stand for."""

    exact: dict[str, list[Fraction]]

    def floats(self, subject: Indicator) -> list[FloatArray]:
        return [np.array([float(value) for value in self.exact[name]]) for name in subject.inputs]


def halted(rng: np.random.Generator, n: int) -> FloatArray:
    """Which bars trade: stretches of both kinds."""
    trades = np.ones(n, dtype=bool)
    for _ in range(rng.integers(0, 4)):
        start = rng.integers(0, n)
        trades[start : start + rng.integers(1, 20)] = False
    return trades


def coarse_market(seed: int, n: int) -> CoarseMarket:
    """A walk of few ticks a bar, some bars without volume, some stretches at one price."""
    rng = np.random.default_rng(seed)
    tick = Fraction(str(rng.choice(TICKS)))
    base, reach = int(rng.choice([3, 40, 1_117, 60_000])), int(rng.choice([0, 1, 2, 7]))
    trades = halted(rng, n)
    closes = np.maximum(base + np.cumsum(rng.integers(-reach, reach + 1, n) * trades), 1)
    opens = np.where(trades, np.maximum(closes - rng.integers(-reach, reach + 1, n), 1), closes)
    highs = np.maximum(opens, closes) + rng.integers(0, reach + 1, n) * trades
    lows = np.maximum(np.minimum(opens, closes) - rng.integers(0, reach + 1, n) * trades, 1)
    if rng.random() < 0.3:  # equal sums of different prices
        spare = np.minimum(highs - closes, closes - lows)
        highs, lows = highs - spare, lows + spare
    volumes = rng.integers(0, 4, n) * trades * int(rng.choice([1, 250]))
    columns = {"open": opens, "high": highs, "low": lows, "close": closes, "x": closes, "y": highs}
    exact_columns = {name: [int(value) * tick for value in column] for name, column in columns.items()}
    exact_columns["volume"] = [int(value) * Fraction(1, 10) for value in volumes]
    return CoarseMarket(exact_columns)


def drawn_params(data: st.DataObject, subject: Indicator) -> tuple[int | Fraction, ...]:
    """Short windows, so that the market outlasts them, and factors of few digits."""
    return tuple(
        data.draw(st.integers(int(param.low), int(param.low) + 6), label=param.name)
        if param.integer
        else Fraction(data.draw(st.integers(math.ceil(param.low * 10), int(min(param.high, 3) * 10))), 10)
        for param in subject.params
    )


def assert_near(found: FloatArray, wanted: list[Fraction | None], size: float, relative: float = RELATIVE) -> None:
    """Equal to 1e-9 of the series' largest number, or to what rounding leaves of the inputs."""
    assert np.isnan(found).tolist() == [value is None for value in wanted]
    numbers = np.array([math.nan if value is None else float(value) for value in wanted])
    largest = np.nanmax(np.abs(numbers), initial=0.0)
    known = ~np.isnan(numbers)
    np.testing.assert_allclose(
        found[known], numbers[known], rtol=relative, atol=relative * largest + NEXT_TO_NOTHING * size
    )


def test_every_indicator_has_a_reference() -> None:
    assert sorted(REFERENCES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(seed=st.integers(0, 2**32 - 1), bars=st.integers(2, 60), data=st.data())
def test_coarse_market_gives_the_exact_values_in_both_forms(
    name: str, seed: int, bars: int, data: st.DataObject
) -> None:
    subject, market = indicator(name), coarse_market(seed, bars)
    params = drawn_params(data, subject)
    floats, columns = market.floats(subject), [market.exact[column] for column in subject.inputs]
    size = SIZES.get(name) or max(float(np.abs(column).max()) for column in floats)

    arrays = subject.array(floats, [float(param) for param in params])
    stream = subject.stream(*map(float, params))
    streamed = np.array([stream.update(*bar) for bar in zip(*(c.tolist() for c in floats), strict=True)]).T

    for batch, single, wanted in zip(arrays, streamed, exact(name, columns, params), strict=True):
        np.testing.assert_array_equal(batch, single)
        assert_near(batch, wanted, size, ILL_CONDITIONED.get(name, RELATIVE))


@pytest.mark.parametrize("price", ["0.1", "0.3", "1.1", "93.51", "0.07", "27123.4", "0.00000001", "0.00001234", "1e12"])
@pytest.mark.parametrize("name", NAMES)
def test_market_at_one_price_reads_exactly_that_price(name: str, price: str) -> None:
    subject = indicator(name)
    columns = [[Fraction("0.7") if field == "volume" else Fraction(price)] * 160 for field in subject.inputs]
    params = [int(p.default) if p.integer else Fraction(str(p.default)) for p in subject.params]
    floats = [np.array([float(value) for value in column]) for column in columns]

    arrays = subject.array(floats, ())

    for found, wanted in zip(arrays, exact(name, columns, params), strict=True):
        last = wanted[-1]
        assert last is not None
        if name in {"obv", "sum"}:  # sums of many bars, which round
            assert found[-1] == pytest.approx(float(last), rel=1e-12)
        else:
            assert found[-1] == float(last)
            assert len(set(found[subject.warmup() :].tolist())) == 1


def test_equal_typical_prices_of_different_bars_are_no_move() -> None:
    rng = np.random.default_rng(3)
    highs, lows = 111_790 + rng.integers(5, 60, 300), 111_720 - rng.integers(0, 60, 300)
    bars = {
        "high": highs / 1e5,
        "low": lows / 1e5,
        "close": (335_322 - highs - lows) / 1e5,
        "volume": np.full(300, 5.0),
    }
    typical = indicator("typprice").array([bars[name] for name in ("high", "low", "close")], ())[0]

    for name, window in (("mfi", 14.0), ("cci", 20.0)):
        (values,) = indicator(name).array([bars[column] for column in indicator(name).inputs], (window,))
        assert set(values[20:].tolist()) == {0.0}
    assert len(set(typical.tolist())) == 1
    for name in ("zscore", "stddev", "momentum"):
        assert set(indicator(name).array([typical], (20.0,))[0][20:].tolist()) == {0.0}


def test_equal_returns_have_no_variance() -> None:
    x = np.array([10.0, 11.0, 12.1, 13.31, 14.641])

    (values,) = indicator("beta").array([x, np.array([1.0, 2.0, 1.0, 4.0, 3.0])], (3.0,))

    assert values[3:].tolist() == [0.0, 0.0]


def test_equal_moves_up_and_down_are_no_direction() -> None:
    high, low = np.array([1.2, 1.3, 1.4, 1.5]), np.array([1.0, 0.9, 0.8, 0.7])

    (plus,) = indicator("plus_di").array([high, low, (high + low) / 2.0], (2.0,))

    assert plus[2:].tolist() == [0.0, 0.0]
