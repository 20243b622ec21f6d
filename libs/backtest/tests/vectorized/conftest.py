import numpy as np
import pytest

from tradewire.ports.backtest import BacktestRequest

from .markets import DISTANCES, SIZINGS, TO_SHORT, history, strategy


@pytest.fixture
def long_run() -> BacktestRequest:
    volumes = np.random.default_rng(1).integers(0, TO_SHORT + 1, 400).tolist()
    protect = {"stop_loss": DISTANCES[0], "trailing_stop": DISTANCES[1]}
    return BacktestRequest(strategy(["AAA"], SIZINGS[0], protect), (history("AAA", 1, volumes),))


@pytest.fixture
def two_markets() -> BacktestRequest:
    drawn = np.random.default_rng(2).integers(0, TO_SHORT + 1, (2, 200)).tolist()
    markets = tuple(
        history(symbol, seed, volumes) for seed, (symbol, volumes) in enumerate(zip("AB", drawn, strict=True))
    )
    return BacktestRequest(strategy(["A", "B"], SIZINGS[0], {"take_profit": DISTANCES[2]}), markets)
