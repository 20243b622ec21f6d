"""Strategies trade at a simulated Binance through the running services, and come to what the paper venue says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.venue_checker import findings
from tests.acceptance.venue_run import AMPLE, ROOT, Market, VenueRun, sample_market, strategy_file

from tradewire.execution.adapters import binance_rest
from tradewire.ingest.adapters import pace
from tradewire.ports.events import Severity
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.venue.faults import parse_faults

PLAIN = """id: crossing
description: two averages, without guards
venue: coinbase
account: main
symbols: [BTCUSD]
interval: 1h
indicators: {fast: 'ema(close, 3)', slow: 'ema(close, 8)'}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
entry_short: crossed_below(fast, slow)
exit_short: crossed_above(fast, slow)
sizing: {fixed_qty: 2}
"""


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.002)
    monkeypatch.setattr(binance_rest, "WEIGHT_LIMIT", AMPLE)


async def at_venue(data: Market, *strategies: Path) -> tuple[VenueRun, str]:
    """A run at the venue, and its fingerprint."""
    simulated = BinanceVenue(data.candles, rules=[data.rules])
    await simulated.start()
    run = VenueRun(data, strategies, simulated)
    result = await run.come_to_an_end()
    await simulated.stop()
    return run, result.fingerprint


async def test_binance_when_all_goes_well_then_the_fills_and_the_fingerprint_of_the_paper_venue(tmp_path: Path) -> None:
    data = sample_market(tmp_path, 60)
    strategy = strategy_file(tmp_path, PLAIN)
    paper = VenueRun(data, (strategy,), None)
    expected = await paper.come_to_an_end()
    _, found = await at_venue(data, strategy)
    assert expected.fills > 3
    assert found == expected.fingerprint


async def test_sample_strategy_when_it_trades_at_binance_then_ledger_equals_venue(tmp_path: Path) -> None:
    data = sample_market(tmp_path, 260)
    text = (ROOT / "strategies/ema-cross-btc.yaml").read_text()
    run, _ = await at_venue(data, strategy_file(tmp_path, text))
    assert {fill.leg for fill in run.tables.fills.values()} > {"ENTRY"}
    assert findings(run) == []


async def test_liquidation_when_the_venue_makes_one_then_booked_and_raised_as_an_incident(tmp_path: Path) -> None:
    data = sample_market(tmp_path, 40)
    faults = parse_faults("faults: [{kind: liquidation, symbol: BTCUSDT, at_s: 86500}]", "test", seed=1)
    venue = BinanceVenue(data.candles, rules=[data.rules], faults=faults)
    await venue.start()
    run = VenueRun(data, (strategy_file(tmp_path, PLAIN),), venue)
    await run.come_to_an_end()
    await venue.stop()
    (booked,) = [fill for fill in run.tables.fills.values() if not fill.strategy_id]
    assert booked.leg == "LIQUIDATION"
    assert not booked.position_after
    incidents = [event for event in await run.incidents() if event.name == "order_not_ours"]
    assert [(event.severity, booked.client_order_id in event.message) for event in incidents] == [
        (Severity.ERROR, True)
    ]
    assert findings(run) == []
