"""Strategies trade at a simulated Binance through the running services, and come to what the paper venue says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.acceptance.venue_run import ROOT, Market, VenueRun, sample_market, strategy_file

from tradewire.execution.domain.order_life import FINAL
from tradewire.ingest.adapters import pace
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.venue import market, venue

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
def looked_at_often_and_without_funding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's candles tell of no funding, so the venue settles none."""
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.002)
    monkeypatch.setattr(market, "FUNDING_RATE", Decimal(0))
    monkeypatch.setattr(venue, "FUNDING_RATE", Decimal(0))


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
    fills = [event for event in run.events if isinstance(event, OrderFilled)]
    assert {fill.leg for fill in fills} > {"ENTRY"}
    shown = run.venue.venue.account.fills  # type: ignore[union-attr]
    assert [(fill.symbol, fill.venue_trade_id, fill.qty, fill.price, fill.fee) for fill in fills] == [
        (fill.order.symbol, str(fill.trade_id), fill.qty, fill.price, fill.commission) for fill in shown
    ]
    newest = {event.client_order_id: event for event in run.events if isinstance(event, OrderChanged)}
    at_work = {event.client_order_id for event in newest.values() if event.status not in FINAL}
    account = run.venue.venue.account  # type: ignore[union-attr]
    assert at_work == {algo.client_algo_id for algo in account.algo_by_internal.values()}
