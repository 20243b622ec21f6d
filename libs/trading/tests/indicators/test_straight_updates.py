"""Incremental forms that are written out give the values and leave the state that the step gives and leaves."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.indicators import INDICATORS, Indicator, IndicatorError, IndicatorStream

STRAIGHT = sorted(name for name, indicator in INDICATORS.items() if indicator.kernel.straight is not None)
ORDINARY = st.one_of(st.floats(-1e12, 1e12), st.sampled_from([0.0, -0.0, 1.0, 100.0, 100.01]))
INPUTS = st.one_of(ORDINARY, ORDINARY, ORDINARY, st.integers(-5, 5), st.floats(1.0, 9.0).map(np.float64))
HOLES = st.sampled_from([math.nan, math.inf, -math.inf])


def stepped(subject: Indicator, params: tuple[float, ...]) -> IndicatorStream:
    """The incremental form that calls the step."""
    return dataclasses.replace(subject, kernel=dataclasses.replace(subject.kernel, straight=None)).stream(*params)


def bits(values: tuple[float, ...] | list[float]) -> list[str]:
    return [value.hex() for value in values]


@st.composite
def params(draw: st.DrawFn, subject: Indicator) -> tuple[float, ...]:
    """Short windows, so that most bars are behind the warm-up."""
    return tuple(
        float(draw(st.integers(int(param.low), 6))) if param.integer else draw(st.floats(param.low, 4.0))
        for param in subject.params
    )


@st.composite
def bars(draw: st.DrawFn, subject: Indicator, *, inputs: st.SearchStrategy[float] = INPUTS) -> list[tuple[float, ...]]:
    """Bars of any numbers that are there, seldom one with a hole."""
    bar = st.tuples(*[inputs] * len(subject.inputs))
    found = draw(st.lists(bar, min_size=20, max_size=60))
    if draw(st.integers(0, 3)) == 0:
        at, column = draw(st.integers(0, len(found) - 1)), draw(st.integers(0, len(subject.inputs) - 1))
        found[at] = (*found[at][:column], draw(HOLES), *found[at][column + 1 :])
    return found


def test_averages_of_most_strategies_are_written_out() -> None:
    assert STRAIGHT == ["atr", "bollinger", "ema", "macd", "rma", "rsi", "sma"]


@pytest.mark.parametrize("name", STRAIGHT)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_bar_gives_the_values_and_the_state_of_the_step(name: str, data: st.DataObject) -> None:
    subject = INDICATORS[name]
    shape = data.draw(params(subject))
    ours, step = subject.stream(*shape), stepped(subject, shape)

    for bar in data.draw(bars(subject)):
        assert bits(ours.update(*bar)) == bits(step.update(*bar))
        assert bits(ours.state) == bits(step.state)


@pytest.mark.parametrize("name", STRAIGHT)
def test_long_walk_gives_the_values_and_the_state_of_the_step(name: str) -> None:
    subject = INDICATORS[name]
    close = np.round(100.0 + np.random.default_rng(3).normal(0.0, 1.0, 2_000).cumsum(), 2)
    ours, step = subject.stream(), stepped(subject, subject.checked(()))

    for price in close.tolist():
        bar = (price,) if len(subject.inputs) == 1 else (price + 0.3, price - 0.2, price)
        assert bits(ours.update(*bar)) == bits(step.update(*bar))
    assert bits(ours.state) == bits(step.state)


@pytest.mark.parametrize("name", STRAIGHT)
def test_update_taken_before_a_state_is_restored_works_on_that_state(name: str) -> None:
    subject = INDICATORS[name]
    first, second = subject.stream(), subject.stream()
    update = second.update
    for i in range(90):
        first.update(*[100.0 + i % 7] * len(subject.inputs))

    second.state = first.state

    bar = [103.5] * len(subject.inputs)
    assert bits(update(*bar)) == bits(first.update(*bar))


@pytest.mark.parametrize("name", STRAIGHT)
def test_wrong_number_of_inputs_is_refused_behind_the_warmup_too(name: str) -> None:
    subject = INDICATORS[name]
    stream = subject.stream()
    for i in range(90):
        stream.update(*[100.0 + i % 7] * len(subject.inputs))
    before = stream.state

    with pytest.raises(IndicatorError, match=f"allowed are exactly {len(subject.inputs)}"):
        stream.update(*[1.0] * (len(subject.inputs) + 1))
    assert stream.state == before
