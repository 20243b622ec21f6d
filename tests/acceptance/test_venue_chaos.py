"""Execution dies at random moments, in one process, while a venue loses replies and events: nothing is lost or doubled.

With ``KILLS`` and ``SEED`` in the environment it runs large. Processes: ``tests/e2e/test_venue_processes.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from tests.acceptance.test_binance_trading import PLAIN
from tests.acceptance.venue_checker import findings
from tests.acceptance.venue_run import AMPLE, VenueRun, sample_market, strategy_file

from tradewire.execution.adapters import binance_rest
from tradewire.ingest.adapters import pace
from tradewire.ports.events import CandleClosed
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.venue.faults import parse_faults

KILLS, SEED = int(os.environ.get("KILLS", "6")), int(os.environ.get("SEED", "7"))
QUIET_BARS = 3
GUARDED = PLAIN.replace("id: crossing", "id: guarded").replace("ema(close, 8)", "ema(close, 6)") + (
    "protect: {stop_loss: 8, take_profit: 12}\n"
)
FAULTS = """
faults:
  - {kind: reply_lost, probability: 0.15}
  - {kind: unavailable, probability: 0.1}
  - {kind: timed_out, probability: 0.1}
  - {kind: reply_lost, probability: 0.02, call: GET /fapi/v1/userTrades}
  - {kind: unavailable, probability: 0.02, call: GET /fapi/v1/openOrders}
  - {kind: event_lost, probability: 0.15}
  - {kind: event_twice, probability: 0.15}
  - {kind: event_late, probability: 0.15}
  - {kind: expired_in_match, probability: 0.03}
"""


async def test_execution_when_killed_at_random_moments_under_faults_then_none_lost_and_none_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.002)
    monkeypatch.setattr(binance_rest, "WEIGHT_LIMIT", AMPLE)
    dice, bars = random.Random(SEED), max(60, KILLS * 6 // 5 + QUIET_BARS)
    data = sample_market(tmp_path, bars)
    venue = BinanceVenue(data.candles, rules=[data.rules], faults=parse_faults(FAULTS, "FAULTS", seed=SEED))
    await venue.start()
    run = VenueRun(data, (strategy_file(tmp_path, PLAIN), strategy_file(tmp_path, GUARDED)), venue)
    struck = set(dice.sample(range(1, bars - QUIET_BARS), KILLS))

    async def strike(candle: CandleClosed) -> None:
        number = data.candles.index(candle)
        if number in struck:
            await asyncio.sleep(dice.random() * 0.08)
            await run.kill()
        if number == bars - QUIET_BARS:
            venue.venue.faults.faults = ()

    await run.come_to_an_end(strike)
    await venue.stop()
    orders, fills = len(venue.venue.account.orders) + len(venue.venue.account.algos), len(run.tables.fills)
    print(f"{run.kills} kills, seed {SEED}: {orders} orders at the venue, {fills} fills, {len(findings(run))} findings")
    assert run.kills == KILLS
    assert len(run.tables.fills) > 3
    assert findings(run) == []
