"""Every sample strategy on the sample data: the vectorized engine trades as the futures engine does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.parity import certify
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, BacktestResult
from tradewire.trading.language import parse_strategy

ROOT = Path(__file__).parents[4]
STRATEGIES = sorted((ROOT / "strategies").glob("*.yaml"))


@cache
def both(path: Path) -> tuple[BacktestResult, BacktestResult]:
    """The futures engine's result and the vectorized one's, of the paper account."""
    text = path.read_text()
    markets = load_markets(parse_strategy(text), MarketFiles((ROOT / "data" / "sample",)))
    request = BacktestRequest(text, markets)
    return FuturesEngine().run(request), VectorizedEngine().run(request)


def test_there_are_samples() -> None:
    assert len(STRATEGIES) >= 5


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_both_engines_agree_on_a_sample(path: Path) -> None:
    expected, found = both(path)
    certificate = certify([expected, found])
    assert certificate.clean, certificate.agreements[0].divergence
    assert len(found.fills) > 10, "a strategy that hardly trades shows little"
    np.testing.assert_allclose(found.equity_e8, expected.equity_e8, rtol=1e-9)
    gains = [[float(trade.pnl) for trade in result.trades] for result in (found, expected)]
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-9, atol=1e-8)
