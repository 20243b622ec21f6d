"""One contract over the three adapters of IndicatorPort, and how far they agree."""

from __future__ import annotations

import numpy as np
import pytest

from tradewire.ports.indicator import IndicatorPort
from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator, indicator
from tradewire.trading.indicators.adapters.native import NativeIndicators
from tradewire.trading.indicators.adapters.pandas_ta import PandasTaIndicators
from tradewire.trading.indicators.adapters.ta_lib import TaLibIndicators

Market = dict[str, FloatArray]

ADAPTERS: dict[str, IndicatorPort] = {
    "native": NativeIndicators(),
    "ta-lib": TaLibIndicators(),
    "pandas-ta": PandasTaIndicators(),
}
CASES = [
    pytest.param(adapter, name, id=f"{key}-{name}")
    for key, adapter in ADAPTERS.items()
    for name in INDICATORS
    if adapter.supports(name)
]
FOREIGN = [case for case in CASES if case.values[0] is not ADAPTERS["native"]]

# Averages that pandas-ta seeds in its own way; after this many bars the seed weighs nothing any more.
FADED = 600
SEEDED_OTHERWISE = {"macd"}


def columns(subject: Indicator, market: Market, bars: int | None = None) -> list[FloatArray]:
    return [market[name][:bars] for name in subject.inputs]


def assert_close(found: FloatArray, expected: FloatArray) -> None:
    """Equal to 1e-9 of the value or, where it is near zero, of the typical value; NaN in the same places."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    typical = float(np.nanmean(np.abs(expected)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * typical)


@pytest.mark.parametrize(("adapter", "name"), CASES)
def test_outputs_have_the_catalogues_number_shape_and_warmup(adapter: IndicatorPort, name: str, market: Market) -> None:
    subject = indicator(name)

    outputs = adapter.compute(name, columns(subject, market), ())

    assert len(outputs) == len(subject.outputs)
    for output in outputs:
        assert output.shape == market["close"].shape
        assert output.dtype == np.float64
        assert np.isnan(output[: subject.warmup()]).all()
        assert np.isfinite(output[subject.warmup() :]).all()


@pytest.mark.parametrize(("adapter", "name"), FOREIGN)
def test_foreign_values_equal_our_own(adapter: IndicatorPort, name: str, market: Market) -> None:
    subject = indicator(name)
    start = FADED if adapter is ADAPTERS["pandas-ta"] and name in SEEDED_OTHERWISE else 0

    found = adapter.compute(name, columns(subject, market), ())
    own = ADAPTERS["native"].compute(name, columns(subject, market), ())

    for theirs, ours in zip(found, own, strict=True):
        assert_close(theirs[start:], ours[start:])


@pytest.mark.parametrize(("adapter", "name"), FOREIGN)
def test_leading_nans_only_delay_the_values(adapter: IndicatorPort, name: str, market: Market) -> None:
    subject = indicator(name)
    inputs = columns(subject, market)
    late = [np.r_[np.full(7, np.nan), column] for column in inputs]

    plain = adapter.compute(name, inputs, ())
    delayed = adapter.compute(name, late, ())

    for a, b in zip(plain, delayed, strict=True):
        assert np.isnan(b[:7]).all()
        assert_close(b[7:], a)


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_unknown_name_is_refused_with_a_suggestion(adapter: IndicatorPort, market: Market) -> None:
    assert not adapter.supports("emma")
    with pytest.raises(ValueError, match="no indicator is called 'emma'; did you mean 'ema'"):
        adapter.compute("emma", [market["close"]], (20,))


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_parameter_out_of_range_is_refused_with_what_is_allowed(adapter: IndicatorPort, market: Market) -> None:
    with pytest.raises(ValueError, match="n = 0 is not allowed: it must be a whole number from 1 to 10000"):
        adapter.compute("ema", [market["close"]], (0,))


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_inputs_of_different_lengths_are_refused(adapter: IndicatorPort, market: Market) -> None:
    close = market["close"]
    with pytest.raises(ValueError, match="atr"):
        adapter.compute("atr", [close, close, close[:-1]], (14,))


@pytest.mark.parametrize("adapter", [ADAPTERS["ta-lib"], ADAPTERS["pandas-ta"]], ids=["ta-lib", "pandas-ta"])
def test_indicator_that_the_library_lacks_is_refused(adapter: IndicatorPort, market: Market) -> None:
    assert not adapter.supports("percent_rank")
    with pytest.raises(ValueError, match="has no percent_rank; allowed are"):
        adapter.compute("percent_rank", [market["close"]], (20,))
