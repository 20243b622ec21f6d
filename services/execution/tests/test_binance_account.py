"""An account at a venue that speaks the protocol: what is booked, compared and said to people."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from services.execution.tests.binance_venues import ask, venue_with

from tradewire.ports.errors import FatalError
from tradewire.ports.events import OrderIntent, OrderLeg, Severity, Side
from tradewire.ports.live_venue import PaymentPage
from tradewire.testkit.binance_account import POLL_SECONDS, BinanceAccount
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.broker_suite import market
from tradewire.venue.faults import FaultPlan, ScriptedFault, parse_faults

HOUR_S = 3_600


def out(name: str) -> OrderIntent:
    """The exit of a long position."""
    return market(name, side=Side.SELL, leg=OrderLeg.EXIT, reduce_only=True)


async def test_commission_when_bnb_pays_it_then_valued_in_the_ledger_and_equal_to_the_venues_rows(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"))
    await ask(venue, "POST", "/fapi/v1/feeBurn", "feeBurn=true")
    await rig.place(out("m-2"))
    first, second = rig.fills()
    assert first.fee == Decimal("12.5"), "USDT pays 0.05 % of 25,000"
    assert second.fee == Decimal("11.25"), "BNB pays 90 % of that, here valued in USDT"
    for _ in range(3):
        await rig.read(after_s=61)
    assert rig.incidents() == []
    rows = [row for row in venue.venue.account.income if row.income_type == "COMMISSION"]
    assert [(row.asset, row.income) for row in rows] == [("USDT", Decimal("-12.5")), ("BNB", Decimal("-0.01875"))]
    assert rig.execution.state().fees_paid == Decimal("23.75")


async def test_margin_call_when_the_venue_makes_one_then_an_incident_that_names_the_position(tmp_path: Path) -> None:
    venue = venue_with(50_000, 47_450, 47_450, balance=1_400)
    await venue.start()
    rig = BinanceAccount(venue, tmp_path)
    await rig.read()
    await rig.place(market("m-1"))
    await rig.read(after_s=HOUR_S + 1)
    said = await rig.until_said("margin_call")
    assert said.severity is Severity.ERROR
    assert "BTCUSDT BOTH 0.50000000 at 47450.00000000, maintenance margin 94.90000000" in said.message
    await rig.close()
    await venue.stop()


async def test_leverage_when_someone_changes_it_while_it_trades_then_said_and_the_next_order_is_refused(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"))
    await ask(venue, "POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=3")
    said = await rig.until_said("account_mode_changed")
    assert "the leverage of BTCUSDT was set to 3" in said.message
    with pytest.raises(FatalError, match="leverage: found 3, TRADEWIRE_BINANCE_LEVERAGE allows 20"):
        await rig.place(market("m-2"))
    assert [order.client_order_id for order in venue.venue.account.orders.values()] == ["m-1"]


async def test_reconciliation_when_the_venue_can_not_be_read_then_logged_and_made_up_for(
    venue: BinanceVenue, rig: BinanceAccount, caplog: pytest.LogCaptureFixture
) -> None:
    text = "faults: [{kind: unavailable, times: 1, call: GET /fapi/v3/account}]"
    venue.venue.faults = venue.server.venue.faults = parse_faults(text, "test", seed=1)
    reading = asyncio.create_task(rig.read())
    while "account live-1: not reconciled: GET /fapi/v3/account: HTTP 503" not in caplog.text:
        await asyncio.sleep(POLL_SECONDS)
    venue.clock.advance(seconds=1)
    rig.execution.has_shown(10**9, dict)
    await reading


async def test_commission_when_its_asset_has_no_market_then_an_incident_and_the_account_goes_on(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"))
    await ask(venue, "POST", "/fapi/v1/feeBurn", "feeBurn=true")
    venue.venue._held_back("BNBUSDT")  # its price is known to the venue alone
    await rig.place(out("m-2"))
    said = await rig.until_said("commission_not_valued")
    assert said.severity is Severity.ERROR
    assert said.message == "live-1 m-2: 0.01875000 BNB of trade 100000002 has no price: fees leave it out"
    assert [fill.fee for fill in rig.fills()] == [Decimal("12.5"), 0]
    for _ in range(3):
        await rig.read(after_s=61)
    assert rig.incidents() == [said], "in BNB itself records and venue agree"
    await rig.place(market("m-3"))
    assert len(rig.fills()) == 3


async def test_rows_that_explain_a_wallet_when_they_stay_away_then_asked_for_less_and_less_often(
    venue: BinanceVenue, rig: BinanceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.place(market("m-1"))
    begun_us, asked_s = venue.clock.now_us(), list[int]()
    broker = rig.execution._venue
    assert broker is not None
    payments_since = broker.payments_since

    async def counted(cursor: str) -> PaymentPage:
        asked_s.append(round((venue.clock.now_us() - begun_us) / 1e6))
        return await payments_since(cursor)

    monkeypatch.setattr(broker, "payments_since", counted)
    venue.venue.books.exchange.account.wallet_e8 -= 7 * 10**8
    for seconds in (*(1 for _ in range(8)), *(6 for _ in range(10))):
        await rig.read(after_s=seconds)
    assert len(asked_s) <= 8, asked_s
    assert asked_s[-1] >= 60, "once more before the venue's figure is taken over"
    (said,) = rig.incidents()
    assert "wallet: ours 99987.50000000, the venue's 99980.50000000; action: correct" in said.message
    venue.venue.books.exchange.account.wallet_e8 += 10**8
    await rig.read(after_s=1)
    assert asked_s[-1] >= 69, "a wallet that has moved is asked about at once"


async def test_adl_when_it_comes_twice_under_one_client_id_then_two_orders(tmp_path: Path) -> None:
    faults = tuple(ScriptedFault("adl", symbol="BTCUSDT", at_s=at_s) for at_s in (600, 1800))
    venue = venue_with(50_000, 50_500, faults=FaultPlan(faults))
    await venue.start()
    rig = BinanceAccount(venue, tmp_path)
    await rig.read()
    for number in (1, 2):
        await rig.place(market(f"m-{number}"))
        await rig.read(after_s=1000)
        assert rig.positions() == {}
    made = [order for order in venue.venue.account.orders.values() if order.client_order_id == "adl_autoclose"]
    names = [fill.client_order_id for fill in rig.fills() if fill.client_order_id.startswith("adl")]
    assert names == [f"adl_autoclose:{order.order_id}" for order in made]
    assert len(names) == 2
    assert {said.name for said in rig.incidents()} == {"order_not_ours"}
    await rig.close()
    await venue.stop()
