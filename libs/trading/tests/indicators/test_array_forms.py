"""Array forms of their own give the bits of the step, also over series long enough for lanes and blocks."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator
from tradewire.trading.indicators.lanes import SETTLING, follow, follow_in_lanes, weigh_in_lanes

BARS = 12_000
CASES: list[tuple[str, tuple[float, ...]]] = [
    *((name, (n,)) for name in ("sma", "ema", "rma", "rsi", "atr") for n in (1.0, 2.0, 14.0, 200.0)),
    *(("bollinger", (n, 2.0)) for n in (2.0, 20.0, 700.0)),
    ("macd", (12.0, 26.0, 9.0)),
    ("macd", (1.0, 2.0, 1.0)),
    ("macd", (3.0, 5.0, 90.0)),
]


def prices(kind: str) -> dict[str, FloatArray]:
    """Made-up bars; what is flat, or jumps, keeps a guess alive that a walk would forget."""
    rng = np.random.default_rng(11)
    close = np.round(60_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, BARS))), 1)
    if kind == "flat from the middle on":
        close[BARS // 2 :] = close[BARS // 2]
    elif kind == "zero":
        close[:] = 0.0
    elif kind == "rising":
        close = 1.0 + 0.37 * np.arange(BARS, dtype=np.float64)
    elif kind == "a jump":
        close[BARS // 4] = 1e140
    elif kind == "beyond a sum":  # finite, and their sums are not
        close[BARS // 4 : BARS // 4 + 3] = 1.7e308
    high, low = close + rng.choice([0.0, 0.3], BARS), close - rng.choice([0.0, 0.1], BARS)
    bars = {"high": high, "low": low, "close": close, "x": close}
    if kind == "holes":
        for column in bars.values():
            column[[0, 1, 4_000, BARS - 1]] = math.nan, math.inf, -math.inf, math.nan
    return bars


def bits(columns: tuple[FloatArray, ...]) -> list[bytes]:
    """Bit patterns, with one pattern for every NaN."""
    return [np.where(np.isnan(column), math.nan, column).tobytes() for column in columns]


def stepped(subject: Indicator) -> Indicator:
    """The indicator without an array form of its own."""
    return dataclasses.replace(subject, kernel=dataclasses.replace(subject.kernel, stretch=None))


@pytest.mark.parametrize(
    "kind", ["walk", "flat from the middle on", "zero", "rising", "a jump", "beyond a sum", "holes"]
)
@pytest.mark.parametrize(("name", "params"), CASES, ids=[f"{name}{params}" for name, params in CASES])
def test_long_series_have_the_bits_of_the_step(name: str, params: tuple[float, ...], kind: str) -> None:
    subject = INDICATORS[name]
    inputs = [prices(kind)[column] for column in subject.inputs]

    assert bits(subject.array(inputs, params)) == bits(stepped(subject).array(inputs, params))


@pytest.mark.parametrize("place", range(0, BARS, 997))
@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["sma", "ema", "rsi", "atr", "bollinger", "macd"])
def test_single_hole_is_seen_wherever_it_is(name: str, hole: float, place: int) -> None:
    subject = INDICATORS[name]
    for broken in range(len(subject.inputs)):
        inputs = [prices("walk")[column].copy() for column in subject.inputs]
        inputs[broken][place] = hole

        found = subject.array(inputs, ())

        assert bits(found) == bits(stepped(subject).array(inputs, ()))
        assert all(math.isnan(column[place]) for column in found)


@pytest.mark.parametrize("broken", [0, 1, 2])
@pytest.mark.parametrize("place", [0, 1, 5, 6])
def test_hole_in_a_series_shorter_than_the_average_is_seen(place: int, broken: int) -> None:
    inputs = [prices("walk")[column][:7].copy() for column in ("high", "low", "close")]
    inputs[broken][place] = math.nan

    assert bits(INDICATORS["atr"].array(inputs, (3.0,))) == bits(stepped(INDICATORS["atr"]).array(inputs, (3.0,)))
    assert np.isnan(INDICATORS["atr"].array(inputs, (9.0,))[0]).all()


LANE = 328  # of 3,000 bars from the third on: an eighth, rounded down to a line of the cache off a page


def test_lanes_of_a_walk_settle_and_leave_only_the_last_bars() -> None:
    close, out, expected = prices("walk")["close"][:3_000], np.zeros(3_000), np.zeros(3_000)

    start = follow_in_lanes(close, 2, float(close[1]), 2.0 / 3.0, out, 2 * SETTLING)

    follow(close, 2, float(close[1]), 2.0 / 3.0, expected)
    assert start == 2 + 8 * LANE
    assert expected[:start].tolist() == out[:start].tolist()


def test_lane_that_did_not_settle_is_left_to_be_done_again() -> None:
    close, out, expected = prices("rising")["close"][:3_000], np.zeros(3_000), np.zeros(3_000)
    close[:700] = 1e12

    start = follow_in_lanes(close, 2, 1e12, 0.01, out, 80)

    follow(close, 2, 1e12, 0.01, expected)
    assert start == 2 + 3 * LANE
    assert expected[:start].tolist() == out[:start].tolist()
    assert expected[start] != out[start]


def test_averages_of_gain_and_loss_that_did_not_settle_are_given_back() -> None:
    close, out = prices("flat from the middle on")["close"][-4_000:], np.empty(4_000)

    start, averages = weigh_in_lanes(close, 2, (3.0, 2.0, 60.0), 0.05, out, 80)

    assert start == 2 + 3_998 // 2
    assert averages[0] / averages[1] == pytest.approx(1.5)


def test_series_too_short_for_lanes_is_left_to_the_plain_loop() -> None:
    assert follow_in_lanes(np.ones(100), 14, 1.0, 0.1, np.empty(100), 14 * SETTLING) == 14
