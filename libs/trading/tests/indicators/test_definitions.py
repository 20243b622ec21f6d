"""Indicators that no library gives as we define them, against references written from their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tradewire.trading.indicators import FloatArray, indicator

Market = dict[str, FloatArray]
Reference = Callable[[Market], tuple[FloatArray, ...]]


def wilder(values: FloatArray, n: int) -> FloatArray:
    """Wilder's average behind leading NaNs, from its definition."""
    out = np.full(len(values), math.nan)
    start = int(np.isnan(values).sum())
    out[start + n - 1] = values[start : start + n].mean()
    for t in range(start + n, len(values)):
        out[t] = out[t - 1] + (values[t] - out[t - 1]) / n
    return out


def exponential(values: FloatArray, n: int) -> FloatArray:
    out = np.full(len(values), math.nan)
    out[n - 1] = values[:n].mean()
    for t in range(n, len(values)):
        out[t] = (2.0 * values[t] + (n - 1.0) * out[t - 1]) / (n + 1.0)
    return out


def atr(m: Market, n: int) -> FloatArray:
    before = np.r_[math.nan, m["close"][:-1]]
    span = np.maximum(m["high"], before) - np.minimum(m["low"], before)
    return wilder(span, n)


def rolling(values: FloatArray, n: int, function: str) -> FloatArray:
    return np.asarray(getattr(pd.Series(values).rolling(n), function)(), dtype=np.float64)


def vwap(m: Market) -> tuple[FloatArray, ...]:
    typical = (m["high"] + m["low"] + m["close"]) / 3.0
    return (rolling(typical * m["volume"], 24, "sum") / rolling(m["volume"], 24, "sum"),)


def keltner(m: Market) -> tuple[FloatArray, ...]:
    middle, width = exponential(m["close"], 20), 2.0 * atr(m, 10)
    return middle + width, middle, middle - width


def chandelier(m: Market) -> tuple[FloatArray, ...]:
    gap = 3.0 * atr(m, 22)
    return rolling(m["high"], 22, "max") - gap, rolling(m["low"], 22, "min") + gap


def ichimoku(m: Market) -> tuple[FloatArray, ...]:
    a, b, c = ((rolling(m["high"], n, "max") + rolling(m["low"], n, "min")) / 2.0 for n in (9, 26, 52))
    a, b = np.where(np.isnan(c), c, a), np.where(np.isnan(c), c, b)
    return a, b, (a + b) / 2.0, c


def supertrend(m: Market) -> tuple[FloatArray, ...]:
    gap, middle, close = 3.0 * atr(m, 10), (m["high"] + m["low"]) / 2.0, m["close"]
    upper, lower, side = middle + gap, middle - gap, np.full(len(close), math.nan)
    side[10] = 1.0
    for t in range(11, len(close)):
        side[t] = 1.0 if close[t] > upper[t - 1] else -1.0 if close[t] < lower[t - 1] else side[t - 1]
        upper[t] = min(upper[t], upper[t - 1]) if close[t - 1] <= upper[t - 1] else upper[t]
        lower[t] = max(lower[t], lower[t - 1]) if close[t - 1] >= lower[t - 1] else lower[t]
    value = np.where(side > 0.0, lower, upper)
    value[:10] = math.nan
    return value, side


def percent_rank(m: Market) -> tuple[FloatArray, ...]:
    x, n = m["x"], 100
    shares = [100.0 * float(np.mean(x[t - n : t] <= x[t])) for t in range(n, len(x))]
    return (np.r_[np.full(n, math.nan), shares],)


def rvi(m: Market) -> tuple[FloatArray, ...]:
    x = m["x"]
    deviation = np.asarray(pd.Series(x).rolling(10).std(ddof=0), dtype=np.float64)
    change = np.r_[0.0, np.diff(x)]
    up = wilder(np.where(np.isnan(deviation) | (change > 0.0), deviation, 0.0), 14)
    down = wilder(np.where(np.isnan(deviation) | (change < 0.0), deviation, 0.0), 14)
    return (100.0 * up / (up + down),)


def fisher(m: Market) -> tuple[FloatArray, ...]:
    median = (m["high"] + m["low"]) / 2.0
    top, bottom = rolling(median, 9, "max"), rolling(median, 9, "min")
    out, value = np.full(len(median), math.nan), 0.0
    for t in range(8, len(median)):
        value = 0.66 * ((median[t] - bottom[t]) / (top[t] - bottom[t]) - 0.5) + 0.67 * value
        value = math.copysign(0.999, value) if abs(value) > 0.99 else value
        out[t] = math.atanh(value) + 0.5 * (out[t - 1] if t > 8 else 0.0)
    signal = np.r_[math.nan, out[:-1]]
    signal[8] = 0.0
    return out, signal


def pvt(m: Market) -> tuple[FloatArray, ...]:
    change = np.r_[0.0, np.diff(m["close"]) / m["close"][:-1]]
    return (np.cumsum(change * m["volume"]),)


def bands(m: Market) -> tuple[FloatArray, FloatArray]:
    windows = pd.Series(m["x"]).rolling(20)
    return np.asarray(windows.mean()), np.asarray(windows.std(ddof=0))


def zscore(m: Market) -> tuple[FloatArray, ...]:
    mean, deviation = bands(m)
    return ((m["x"] - mean) / deviation,)


def bollinger_width(m: Market) -> tuple[FloatArray, ...]:
    mean, deviation = bands(m)
    return (4.0 * deviation / mean,)


def bollinger_percent(m: Market) -> tuple[FloatArray, ...]:
    mean, deviation = bands(m)
    return ((m["x"] - (mean - 2.0 * deviation)) / (4.0 * deviation),)


def shift(m: Market) -> tuple[FloatArray, ...]:
    return (np.r_[math.nan, m["x"][:-1]],)


REFERENCES: list[Reference] = [vwap, keltner, chandelier, ichimoku, supertrend, percent_rank, rvi, fisher]
REFERENCES += [pvt, zscore, bollinger_width, bollinger_percent, shift]


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.__name__)
def test_values_equal_the_formula(reference: Reference, market: Market) -> None:
    subject = indicator(reference.__name__)

    found = subject.array([market[name] for name in subject.inputs], ())

    for ours, theirs in zip(found, reference(market), strict=True):
        typical = float(np.nanmean(np.abs(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * typical)


@pytest.mark.parametrize("name", ["rsi", "stochastic", "stochastic_fast", "stochrsi", "mfi", "aroon", "rvi"])
def test_percentages_stay_between_0_and_100(name: str, market: Market) -> None:
    subject = indicator(name)
    for values in subject.array([market[column] for column in subject.inputs], ())[:2]:
        assert np.nanmin(values) >= 0.0
        assert np.nanmax(values) <= 100.0


def test_spike_has_left_the_window_when_the_window_has_passed_it() -> None:
    quiet = np.full(60, 1.0)
    loud = quiet.copy()
    loud[10] = 1e15
    for name in ("sma", "wma", "sum", "stddev", "variance", "zscore", "linreg", "linreg_slope"):
        subject = indicator(name)

        after = subject.array([loud], (7,))[0][17:]

        np.testing.assert_array_equal(after, subject.array([quiet], (7,))[0][17:], err_msg=name)


def test_deviation_of_large_prices_keeps_its_digits() -> None:
    swing = np.tile([1e9 + 0.25, 1e9 - 0.25], 500)

    (deviation,) = indicator("stddev").array([swing], (20,))

    np.testing.assert_allclose(deviation[19:], 0.25, rtol=1e-12)
