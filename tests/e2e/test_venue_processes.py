"""Execution and ingest are killed while they trade at a venue that loses replies and events: nothing lost or doubled.

``make chaos-venue KILLS=200 SEED=7`` runs it large.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

import pytest
from tests.e2e.venue_audit import SYMBOL
from tests.e2e.venue_drill import PROJECT, drill

pytestmark = pytest.mark.timeout(7200)
KILLS, SEED = int(os.environ.get("KILLS", "4")), int(os.environ.get("SEED", "7"))
CROSSING = """id: crossing
description: two averages
venue: binance
account: main
symbols: [BTCUSDT]
interval: 5m
indicators: {fast: 'ema(close, 3)', slow: 'ema(close, 8)'}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
entry_short: crossed_below(fast, slow)
exit_short: crossed_above(fast, slow)
sizing: {fixed_qty: 0.5}
"""


def _strategies(folder: Path) -> tuple[Path, ...]:
    """One without guards, and the sample that has all three of them, on shorter bars."""
    plain, sample = folder / "crossing.yaml", folder / "ema-cross-btc.yaml"
    plain.write_text(CROSSING)
    text = (PROJECT / "strategies/ema-cross-btc.yaml").read_text()
    text = (
        text.replace("coinbase", "binance").replace("[BTCUSD]", f"[{SYMBOL}]").replace("interval: 1h", "interval: 5m")
    )
    text = text.replace("sma(close, 50, interval=4h)", "sma(close, 5, interval=1h)").replace(
        "volatility(168)", "volatility(12)"
    )
    sample.write_text(text.replace("default: 12", "default: 5").replace("default: 26", "default: 10"))
    return plain, sample


def _seconds(values: list[float]) -> str:
    return f"median {median(values):.1f} s, most {max(values):.1f} s" if values else "nothing"


async def test_processes_killed_while_they_trade_at_a_venue_lose_and_double_nothing(
    run_root: Path, tmp_path: Path
) -> None:
    done = await drill(run_root, _strategies(tmp_path), kills=KILLS, seed=SEED)
    print(
        f"kills {dict(done.kills)}, seed {SEED}: {done.candles} bars, {done.orders} orders at the venue, "
        f"{done.fills} fills, {len(done.findings)} findings; from a start of execution until it is reconciled "
        f"{_seconds(done.reconciled_s)}, of them until its process has loaded {_seconds(done.loaded_s)}"
    )
    assert done.findings == []
    assert done.fills > 0
