"""Bar by bar through a library of whole series: the same values as over the whole series, over restarts, too."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from tradewire.trading.indicators import INDICATORS, FloatArray, IndicatorError, IndicatorStream
from tradewire.trading.indicators.adapted import WHOLE_HISTORY, AdaptedIndicator, WindowStream, adapted
from tradewire.trading.indicators.adapters.choice import Adapter, adapter_of

BARS = 700
"""More than twice the shortest window, so that it moves."""
TALIB = adapter_of(Adapter.TALIB)
WINDOWED = sorted(name for name in INDICATORS if TALIB.supports(name) and name not in WHOLE_HISTORY)


def market(seed: int = 3) -> dict[str, FloatArray]:
    """Bars of a random walk, by field."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, BARS)))
    opened = np.concatenate(([100.0], close[:-1]))
    return {
        "open": opened,
        "high": np.maximum(opened, close) * (1 + rng.uniform(0, 0.005, BARS)),
        "low": np.minimum(opened, close) * (1 - rng.uniform(0, 0.005, BARS)),
        "close": close,
        "volume": rng.uniform(1, 100, BARS),
    }


def columns(name: str) -> list[FloatArray]:
    """Inputs of an indicator: the closes, then the highs as free series."""
    bars = market()
    free = [bars["close"], bars["high"]]
    return [bars[text] if text in bars else free[place] for place, text in enumerate(INDICATORS[name].inputs)]


def streamed(stream: IndicatorStream, inputs: Sequence[FloatArray]) -> FloatArray:
    """Outputs bar by bar, shape (outputs, bars)."""
    return np.array([stream.update(*bar) for bar in zip(*inputs, strict=True)]).T


@pytest.mark.parametrize("name", WINDOWED)
def test_stream_when_by_talib_then_equals_the_whole_series(name: str) -> None:
    twin, inputs = AdaptedIndicator.of(INDICATORS[name], TALIB), columns(name)
    stream = twin.stream()
    assert isinstance(stream, WindowStream)
    np.testing.assert_allclose(streamed(stream, inputs), np.array(twin.array(inputs, ())), rtol=1e-8, atol=1e-8)


def test_stream_when_restored_at_any_bar_then_goes_on_without_a_jump() -> None:
    twin, inputs = AdaptedIndicator.of(INDICATORS["atr"], TALIB), columns("atr")
    whole = streamed(twin.stream(14), inputs)
    for bar in (0, 5, 14, 600):
        first, second = twin.stream(14), twin.stream(14)
        streamed(first, [column[:bar] for column in inputs])
        second.state = first.state
        np.testing.assert_array_equal(streamed(second, [column[bar:] for column in inputs]), whole[:, bar:])


def test_stream_when_its_state_is_not_one_then_refuses_it() -> None:
    stream = AdaptedIndicator.of(INDICATORS["atr"], TALIB).stream(14)
    for wrong in ([1.0], [math.nan] * 3, [1.0] * 3 * 10_000):
        with pytest.raises(IndicatorError, match="allowed are at most 560 bars of 3"):
            stream.state = wrong


def test_stream_when_a_bar_has_a_hole_then_warms_up_anew() -> None:
    stream = AdaptedIndicator.of(INDICATORS["sma"], TALIB).stream(2)
    found = [stream.update(value)[0] for value in (1.0, 2.0, math.nan, 3.0, 5.0)]
    assert [None if math.isnan(value) else value for value in found] == [None, 1.5, None, None, 4.0]


@pytest.mark.parametrize("name", ["obv", "supertrend"])
def test_stream_when_the_library_can_not_give_it_from_a_window_then_our_own_code_does(name: str) -> None:
    twin, inputs = adapted(TALIB)[name], columns(name)
    np.testing.assert_array_equal(streamed(twin.stream(), inputs), streamed(INDICATORS[name].stream(), inputs))


def test_stream_when_the_library_refuses_the_params_then_our_own_code_gives_it() -> None:
    assert isinstance(adapted(TALIB)["rsi"].stream(2), WindowStream)
    assert not isinstance(adapted(TALIB)["rsi"].stream(1), WindowStream)
