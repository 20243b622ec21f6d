"""An account in hedge mode: two positions of a symbol, each with the shares of its sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from services.execution.tests.binance_venues import ask, venue_with

from tradewire.binance.limits import BY_CALL
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.adapters.binance_orders import order_request
from tradewire.execution.adapters.binance_rest import lane_of
from tradewire.execution.domain.kill_switch import KillSwitch
from tradewire.ports.events import ControlLevel, OrderIntent, OrderLeg, Side
from tradewire.runtime.rate_budget.budget import Lane
from tradewire.testkit.binance_account import BinanceAccount
from tradewire.testkit.binance_venue import LEVERAGE, BinanceVenue
from tradewire.testkit.broker_suite import intent, market
from tradewire.testkit.builders import control, envelope

BTC = "BTCUSDT"
HEDGED = AccountModes(leverage=LEVERAGE, hedged=True)
LONG, SHORT = ("up", BTC), ("down", BTC)


@pytest.fixture
async def venue() -> AsyncIterator[BinanceVenue]:
    found = venue_with(50_000, 50_500, 50_500, 50_500)
    found.venue.account.hedged = True
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def rig(venue: BinanceVenue, tmp_path: Path) -> AsyncIterator[BinanceAccount]:
    """One strategy is long 0.5, another short 0.2."""
    found = BinanceAccount(venue, tmp_path, HEDGED)
    await found.read()
    await found.place(market("up-1"), strategy_id="up")
    await found.place(market("down-1", side=Side.SELL, qty=Decimal("0.2")), strategy_id="down")
    yield found
    await found.close()


def flatten(name: str, side: Side, qty: str) -> OrderIntent:
    """What FLATTEN sends for a share."""
    return market(name, side=side, leg=OrderLeg.FLATTEN, qty=Decimal(qty))


async def test_positions_when_strategies_are_on_both_sides_then_kept_by_side_and_told_net(rig: BinanceAccount) -> None:
    assert rig.positions() == {f"{BTC} LONG": Decimal("0.5"), f"{BTC} SHORT": Decimal("-0.2")}
    assert rig.account.shares_e8 == {LONG: 50_000_000, SHORT: -20_000_000}
    assert [(item.symbol, item.qty) for item in rig.execution.state().positions] == [(BTC, Decimal("0.3"))]
    assert [fill.position_after for fill in rig.fills()] == [Decimal("0.5"), Decimal("0.3")]
    for _ in range(3):
        await rig.read(after_s=61)
    assert rig.incidents() == []


async def test_flatten_when_both_sides_are_open_then_each_share_is_closed_on_its_own_side(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(flatten("up-2", Side.SELL, "0.5"), strategy_id="up")
    assert rig.positions() == {f"{BTC} SHORT": Decimal("-0.2")}
    await rig.place(flatten("down-2", Side.BUY, "0.2"), strategy_id="down")
    assert (rig.positions(), rig.account.shares_e8) == ({}, {})
    sides = {order.client_order_id: order.position_side for order in venue.venue.account.orders.values()}
    assert sides == {"up-1": "LONG", "up-2": "LONG", "down-1": "SHORT", "down-2": "SHORT"}


async def test_side_when_someone_closes_it_then_its_shares_end_and_the_others_stay(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    order = "type=MARKET&newClientOrderId=by-hand&symbol=BTCUSDT"
    await ask(venue, "POST", "/fapi/v1/order", f"{order}&side=SELL&positionSide=LONG&quantity=0.5")
    await rig.until_said("order_not_ours")
    await rig.read()
    assert rig.positions() == {f"{BTC} SHORT": Decimal("-0.2")}
    assert rig.account.shares_e8 == {SHORT: -20_000_000}
    assert not rig.execution.halted


async def test_account_when_taken_over_then_both_sides_are_there_and_agree(
    venue: BinanceVenue, rig: BinanceAccount, tmp_path: Path
) -> None:
    saved = rig.execution.saved()
    await rig.close()
    (tmp_path / "next").mkdir()
    after = BinanceAccount(venue, tmp_path / "next", HEDGED, saved=saved)
    for _ in range(2):
        await after.read(after_s=61)
    assert after.positions() == {f"{BTC} LONG": Decimal("0.5"), f"{BTC} SHORT": Decimal("-0.2")}
    assert after.incidents() == []
    await after.close()


async def test_exit_when_only_reducing_is_allowed_then_it_stays_whatever_the_net_position_is(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    resting = intent("up-2", side=Side.SELL, leg=OrderLeg.EXIT, price=Decimal(51_000), qty=Decimal("0.5"))
    await rig.place(market("down-2", side=Side.SELL, qty=Decimal("0.8")), strategy_id="down")
    await rig.place(resting, strategy_id="up")
    switch = KillSwitch()
    event = control("global", ControlLevel.REDUCE_ONLY)
    switch.take(event, envelope(event), ["live-1"])
    assert list(switch.carry_out(rig.account)) == []
    await rig.read()
    assert list(rig.account.orders) == ["up-2"]


def test_lane_when_an_order_closes_its_side_then_that_of_reducing_orders() -> None:
    place = BY_CALL["POST", "/fapi/v1/order"]
    opening = order_request(BTC, market("o-1"), hedged=True)
    closing = order_request(BTC, market("o-2", side=Side.SELL, leg=OrderLeg.EXIT), hedged=True)
    assert [lane_of(place, request) for request in (opening, closing)] == [Lane.OPEN, Lane.REDUCE]
