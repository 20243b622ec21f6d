"""Both engines against backtesting.py and vectorbt: each equity point of four runs on a stock that both peers know."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewire.backtest.futures.engine import FuturesEngine
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest, MarketHistory
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers/bin/python"
SCRIPT = Path(__file__).with_name("goog_peer.py")
TOLERANCE = 1e-9
FINE = Decimal("0.00000001")
HEAD = """
id: sma-cross
venue: peers
account: desk
symbols: [GOOG]
interval: 1d
indicators: {fast: "sma(close, 10)", slow: "sma(close, 20)"}
sizing: {fixed_qty: 10}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
"""
SHORT = "entry_short: crossed_below(fast, slow)\nexit_short: crossed_above(fast, slow)\n"
EXPECTED = {
    (False, "0"): 109_477.70,
    (False, "0.002"): 108_608.0044,
    (True, "0"): 112_583.70,
    (True, "0.002"): 110_840.9284,
}
"""Final equity of the four runs, as measured once."""

pytestmark = pytest.mark.skipif(not PEERS.exists(), reason="no peers: `make .venv-peers/.installed` makes them")


@pytest.fixture(scope="module")
def peers() -> dict[str, Any]:
    found = subprocess.run([PEERS, SCRIPT], capture_output=True, text=True, timeout=600, check=False)
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def market_of(bars: dict[str, list[float]]) -> MarketHistory:
    instrument = InstrumentChanged(
        venue="peers",
        symbol="GOOG",
        base="GOOG",
        quote="USD",
        status=InstrumentStatus.TRADING,
        tick_size=FINE,
        step_size=FINE,
        min_qty=FINE,
        max_qty=Decimal(10_000),
        min_notional=FINE,
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
        liquidation_fee=Decimal(0),
        price_collar_ratio=Decimal(0),
        intervals=("1d",),
        brackets=(
            LeverageBracket(
                notional_floor=Decimal(0),
                notional_cap=Decimal(10**9),
                maintenance_ratio=Decimal(0),
                maintenance_amount=Decimal(0),
                max_leverage=10,
            ),
        ),
        valid_from_us=0,
    )
    columns: dict[str, Any] = {
        name: np.array(bars[name], dtype=np.float64) for name in ("open", "high", "low", "close", "volume")
    }
    return MarketHistory(instrument, "1d", np.array(bars["open_time_us"], dtype=np.int64), **columns)


@pytest.mark.parametrize("engine", [VectorizedEngine(), FuturesEngine()], ids=lambda engine: engine.name)
@pytest.mark.parametrize("fee", ["0", "0.002"])
@pytest.mark.parametrize("reverse", [False, True])
def test_every_equity_point_equals_that_of_both_peers(
    engine: BacktestPort, reverse: bool, fee: str, peers: dict[str, Any]
) -> None:
    run = next(run for run in peers["runs"] if (run["reverse"], run["fee"]) == (reverse, fee))
    account = AccountSettings(capital=Decimal(100_000), leverage=1, slippage_bps=Decimal(0), taker_fee=Decimal(fee))
    text = HEAD + (SHORT if reverse else "")
    found = engine.run(BacktestRequest(text, (market_of(peers["bars"]),), account=account)).equity_e8 / 1e8
    for peer in ("backtesting", "vectorbt"):
        expected = np.array(run[peer])
        assert len(found) == len(expected)
        assert np.max(np.abs(found - expected) / expected) < TOLERANCE, peer
    assert found[-1] == pytest.approx(EXPECTED[reverse, fee], abs=0.005)
