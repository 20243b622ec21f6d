"""Stream and array are one source: equal bit for bit, causal, restorable and defined at holes."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator, indicator

NAMES = sorted(INDICATORS)
RUNS = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def columns(draw: st.DrawFn, subject: Indicator, *, holes: bool = True) -> list[FloatArray]:
    """Bars with flat spells, spikes of nine orders of magnitude, zeros and (if asked) holes."""
    n = draw(st.integers(1, 120))
    scale = draw(st.sampled_from([1e-6, 1.0, 6e4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = rng.choice([0.0, 0.0, 1.0, -1.0, 0.37], size=n) * draw(st.sampled_from([0.0, 0.01, 0.1]))
    close = scale * np.exp(np.cumsum(steps))
    open_ = np.r_[close[0], close[:-1]]
    spread = scale * rng.choice([0.0, 0.02, 0.003], size=(2, n))
    bars = {
        "open": open_,
        "high": np.maximum(open_, close) + spread[0],
        "low": np.minimum(open_, close) - spread[1] * 0.5,
        "close": close,
        "volume": rng.choice([0.0, 1.0, 250.0, 1e9], size=n),
    }
    free = [np.where(rng.random(n) < 0.02, 0.0, close * sign) for sign in (1.0, -1.0)]
    inputs = [bars[name] for name in subject.fields]
    inputs = [*free[: len(subject.series)], *inputs]
    if holes:
        for column in inputs:
            column[: draw(st.integers(0, 4))] = math.nan
            if draw(st.booleans()):
                column[draw(st.integers(0, n - 1))] = draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    return inputs


@st.composite
def params(draw: st.DrawFn, subject: Indicator) -> tuple[float, ...]:
    """Allowed parameters: short windows, so that the series above outlast the warm-up."""
    return tuple(
        float(draw(st.integers(int(param.low), int(min(param.high, param.low + 11)))))
        if param.integer
        else draw(st.floats(param.low, min(param.high, 4.0)))
        for param in subject.params
    )


def streamed(subject: Indicator, inputs: list[FloatArray], given_params: tuple[float, ...]) -> FloatArray:
    stream = subject.stream(*given_params)
    rows = [stream.update(*bar) for bar in zip(*inputs, strict=True)]
    return np.array(rows, dtype=np.float64).T.reshape(len(subject.outputs), -1)


def bits(values: FloatArray) -> list[list[int]]:
    """Bit patterns, with one pattern for every NaN."""
    return np.where(np.isnan(values), math.nan, values).view(np.int64).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_array_form_equals_stream_bit_for_bit(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    inputs, shape = data.draw(columns(subject)), data.draw(params(subject))

    batch = np.array(subject.array(inputs, shape))

    assert bits(batch) == bits(streamed(subject, inputs, shape))


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_forms_agree_and_raise_nothing_on_nonsense_bars(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    shape = data.draw(params(subject))
    numbers = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0]), st.floats(-1e12, 1e12))
    bar = st.tuples(*[numbers] * len(subject.inputs))
    bars = data.draw(st.lists(bar, min_size=1, max_size=60))
    inputs = [np.array(column) for column in zip(*bars, strict=True)]

    batch = np.array(subject.array(inputs, shape))

    assert bits(batch) == bits(streamed(subject, inputs, shape))


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_state_restored_from_json_midway_continues_bit_for_bit(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    inputs, shape = data.draw(columns(subject)), data.draw(params(subject))
    bars = list(zip(*inputs, strict=True))
    cut = data.draw(st.integers(0, len(bars)))
    first = subject.stream(*shape)
    head = [first.update(*bar) for bar in bars[:cut]]

    second = subject.stream(*shape)
    second.state = json.loads(json.dumps(first.state, allow_nan=False))
    tail = [second.update(*bar) for bar in bars[cut:]]

    joined = np.array(head + tail, dtype=np.float64).T.reshape(len(subject.outputs), -1)
    assert bits(joined) == bits(streamed(subject, inputs, shape))


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_later_bars_never_change_earlier_values(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    inputs, shape = data.draw(columns(subject)), data.draw(params(subject))
    cut = data.draw(st.integers(0, len(inputs[0])))

    whole = np.array(subject.array(inputs, shape))
    prefix = np.array(subject.array([column[:cut] for column in inputs], shape))

    assert bits(whole[:, :cut]) == bits(prefix)


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_values_behind_a_hole_are_those_of_a_fresh_start(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    inputs, shape = data.draw(columns(subject, holes=False)), data.draw(params(subject))
    at = data.draw(st.integers(0, len(inputs[0]) - 1))
    column = data.draw(st.integers(0, len(inputs) - 1))
    inputs[column][at] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))

    whole = np.array(subject.array(inputs, shape))
    behind = np.array(subject.array([column[at + 1 :] for column in inputs], shape))

    assert np.isnan(whole[:, at]).all()
    assert bits(whole[:, at + 1 :]) == bits(behind)


@pytest.mark.parametrize("name", NAMES)
@RUNS
@given(data=st.data())
def test_outputs_are_nan_for_exactly_the_warmup(name: str, data: st.DataObject) -> None:
    subject = indicator(name)
    inputs, shape = data.draw(columns(subject, holes=False)), data.draw(params(subject))
    warmup = subject.warmup(*shape)

    values = np.array(subject.array(inputs, shape))

    assert np.isnan(values[:, :warmup]).all()
    assert np.isfinite(values[:, warmup:]).all()


@pytest.mark.parametrize("name", NAMES)
def test_prices_too_close_for_decimals_have_no_distance_to_divide_by(name: str) -> None:
    """One unit of the last place apart at 1e12: 16 digits, of which decimals hold 13."""
    subject = indicator(name)
    low, high = 1e12, math.nextafter(1e12, math.inf)
    turning = np.where(np.arange(60) % 2, low, high)
    ends = {"high": np.full(60, high), "low": np.full(60, low)}
    inputs = [ends.get(field, turning) for field in subject.inputs]
    chosen = subject.checked(())

    whole = np.array(subject.array(inputs, chosen))

    assert not np.isinf(whole).any()
    assert bits(whole) == bits(streamed(subject, inputs, chosen))


@pytest.mark.parametrize("name", NAMES)
def test_fresh_state_is_all_zeros_of_the_declared_size(name: str) -> None:
    subject = indicator(name)

    assert subject.stream().state == [0.0] * subject.state_size(subject.checked(()))


def test_core_is_used_then_no_heavy_library_is_imported() -> None:
    script = (
        "import sys; from tradewire.trading.indicators import indicator; "
        "indicator('ema').stream(3).update(1.0); "
        "sys.exit(', '.join({'numba', 'talib', 'pandas', 'pandas_ta_classic'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
