"""The catalogue is complete, describes itself, and refuses what it can't compute, saying what is allowed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradewire.trading.indicators import (
    INDICATORS,
    IndicatorError,
    InvalidParam,
    UnknownIndicator,
    indicator,
)

BAR_FIELDS = {"open", "high", "low", "close", "volume"}


@pytest.mark.parametrize("name", INDICATORS)
def test_every_indicator_describes_itself_completely(name: str) -> None:
    subject = indicator(name)

    assert subject.name == name
    assert name.isidentifier()
    assert all((subject.title, subject.formula, subject.source, subject.inputs, subject.outputs))
    assert set(subject.fields) <= BAR_FIELDS
    assert not set(subject.series) & BAR_FIELDS
    assert len(set(subject.outputs)) == len(subject.outputs)
    for param in subject.params:
        assert param.low <= param.default <= param.high
        assert math.isfinite(param.high)
    assert len({param.name for param in subject.params}) == len(subject.params)


def test_unknown_name_when_close_to_a_known_one_then_suggests_it() -> None:
    with pytest.raises(UnknownIndicator, match="did you mean 'bollinger'") as refused:
        indicator("bolinger")
    assert refused.value.suggestion == "bollinger"


def test_unknown_name_when_like_no_other_then_suggests_nothing() -> None:
    with pytest.raises(UnknownIndicator) as refused:
        indicator("qqqqqqq")
    assert refused.value.suggestion is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ((0,), r"sma: n = 0 is not allowed: it must be a whole number from 1 to 10000"),
        ((2.5,), r"n = 2\.5 is not allowed"),
        ((10_001,), r"n = 10001 is not allowed"),
        ((math.nan,), r"n = nan is not allowed"),
        ((math.inf,), r"n = inf is not allowed"),
        ((3, 4), r"sma: 2 parameters were given, allowed: n"),
    ],
)
def test_parameter_when_not_allowed_then_says_what_is(params: tuple[float, ...], message: str) -> None:
    for attempt in (indicator("sma").stream, indicator("sma").warmup):
        with pytest.raises(InvalidParam, match=message):
            attempt(*params)
    with pytest.raises(InvalidParam, match=message):
        indicator("sma").array([np.ones(5)], params)


def test_parameters_when_left_out_then_take_their_defaults() -> None:
    assert indicator("macd").checked((5,)) == (5.0, 26.0, 9.0)
    assert indicator("macd").warmup() == 33


def test_stream_when_given_the_wrong_number_of_inputs_then_names_them() -> None:
    with pytest.raises(IndicatorError, match="atr: 1 inputs were given, allowed are exactly 3: high, low, close"):
        indicator("atr").stream(14).update(1.0)


def test_array_when_given_a_table_then_refuses_its_shape() -> None:
    with pytest.raises(IndicatorError, match=r"shapes \(2, 2\) were given, allowed is one shape \(n,\)"):
        indicator("sma").array([np.ones((2, 2))], (1,))


def test_array_when_empty_then_gives_empty_outputs() -> None:
    assert [values.shape for values in indicator("bollinger").array([np.empty(0)], ())] == [(0,)] * 3


@pytest.mark.parametrize("saved", [[], [0.0] * 3, [math.nan] * 50])
def test_state_when_of_another_shape_or_not_finite_then_refused(saved: list[float]) -> None:
    stream = indicator("sma").stream(20)
    with pytest.raises(IndicatorError, match="allowed are exactly 50 finite numbers"):
        stream.state = saved


def test_state_when_read_then_later_updates_leave_it_alone() -> None:
    stream = indicator("ema").stream(2)
    stream.update(1.0)
    saved = stream.state
    stream.update(2.0)
    assert saved == [1.0, 1.0, 1.0, 0.0]
