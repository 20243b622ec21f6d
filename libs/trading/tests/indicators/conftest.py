"""One seeded market for all tests of indicators."""

from __future__ import annotations

import numpy as np
import pytest

from tradewire.trading.indicators import FloatArray, Indicator

Market = dict[str, FloatArray]


def walk(n: int, *, seed: int) -> Market:
    """A geometric random walk of n bars around 60,000 with flat spells and repeated closes."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.01, n)
    returns[rng.random(n) < 0.05] = 0.0
    close = np.round(60_000.0 * np.exp(np.cumsum(returns)), 1)
    open_ = np.r_[close[0], close[:-1]]
    high = np.round(np.maximum(open_, close) * (1.0 + np.abs(rng.normal(0.0, 0.004, n))), 1)
    low = np.round(np.minimum(open_, close) * (1.0 - np.abs(rng.normal(0.0, 0.004, n))), 1)
    volume = np.round(rng.gamma(2.0, 100.0, n), 3)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


@pytest.fixture(scope="session")
def market() -> Market:
    """1,000 bars of open, high, low, close and volume, plus a second, correlated series `y`."""
    bars = walk(1_000, seed=7)
    other = walk(1_000, seed=8)["close"]
    return {**bars, "x": bars["close"], "y": np.sqrt(bars["close"] * other)}


def columns(indicator: Indicator, market: Market) -> list[FloatArray]:
    """The market's columns in the order in which `indicator` takes them."""
    return [market[name] for name in indicator.inputs]
