"""Stops at the venue that guard nothing any more are withdrawn, said and counted; others stay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from services.execution.tests.binance_venues import ask

from tradewire.execution.domain.figures import OrderCounts
from tradewire.execution.domain.orphaned_stops import EVENT
from tradewire.ports.events import OrderIntent, OrderLeg, OrderType, Side
from tradewire.testkit.binance_account import BinanceAccount
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.broker_suite import intent, market

OURS = f"tws-{'a' * 30}"
BY_HAND = "type=MARKET&newClientOrderId=by-hand&symbol=BTCUSDT&side=SELL&quantity=0.5&reduceOnly=true"


def stop(name: str, side: Side = Side.SELL, price: int = 45_000, **other: object) -> OrderIntent:
    """A guard of a share, which need not be that of the whole position."""
    values = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "stop_price": Decimal(price)}
    return intent(name, side=side, price=None, **values | other)


def resting(venue: BinanceVenue) -> list[str]:
    """Client ids of the conditional orders at work."""
    return sorted(algo.client_algo_id for algo in venue.venue.account.algos.values() if algo.status == "NEW")


def swept(rig: BinanceAccount) -> list[str]:
    """What was said of stops."""
    return [event.message for event in rig.incidents() if event.name == EVENT]


async def test_stop_when_someone_closed_its_position_then_withdrawn_after_a_minute_and_said_and_counted(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"), stop("s-1"))
    await ask(venue, "POST", "/fapi/v1/order", BY_HAND)
    await rig.until_said("order_not_ours")
    await rig.read(after_s=50)
    assert resting(venue) == ["s-1"]
    await rig.read(after_s=61)
    await rig.read(after_s=1)
    assert resting(venue) == []
    assert swept(rig) == [
        "live-1 s-1: STOP_MARKET of BTCUSDT guards nothing: ema-cross has no share on its side; action: cancel"
    ]
    counts = OrderCounts()
    for event in rig.events:
        counts.count(event)
    assert ("tradewire_orphaned_stops_total", 1) in {(figure.metric.name, figure.value) for figure in counts.figures()}


async def test_stop_when_its_strategy_has_turned_round_then_withdrawn_and_that_of_the_new_side_stays(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"), stop("old"))
    await rig.place(market("m-2", side=Side.SELL, leg=OrderLeg.EXIT))
    await rig.place(market("m-3", side=Side.SELL), stop("new", Side.BUY, 60_000))
    for _ in range(3):
        await rig.read(after_s=61)
    assert resting(venue) == ["new"]
    assert len(swept(rig)) == 1


async def test_stop_when_an_entry_of_its_strategy_is_under_way_then_it_stays(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"), stop("s-1"))
    await rig.place(market("m-2", side=Side.SELL, leg=OrderLeg.EXIT))
    await rig.place(intent("l-1"))
    for _ in range(3):
        await rig.read(after_s=61)
    assert resting(venue) == ["s-1"]
    await rig.cancel("l-1")
    for _ in range(3):
        await rig.read(after_s=61)
    assert resting(venue) == []


async def test_stop_when_another_strategy_holds_the_position_then_it_is_withdrawn_all_the_same(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"), stop("s-1"), strategy_id="one")
    await rig.place(market("m-2"), stop("s-2"), strategy_id="two")
    await rig.place(market("m-3", side=Side.SELL, leg=OrderLeg.EXIT), strategy_id="one")
    for _ in range(3):
        await rig.read(after_s=61)
    assert resting(venue) == ["s-2"]


async def test_stop_when_it_has_our_form_and_the_ledger_does_not_know_it_then_withdrawn_and_anothers_is_only_said(
    venue: BinanceVenue, rig: BinanceAccount
) -> None:
    await rig.place(market("m-1"))
    order = "algoType=CONDITIONAL&type=STOP_MARKET&symbol=BTCUSDT&side=SELL&quantity=0.1&triggerPrice=45000"
    await ask(venue, "POST", "/fapi/v1/algoOrder", f"{order}&clientAlgoId={OURS}")
    await ask(venue, "POST", "/fapi/v1/algoOrder", f"{order}&clientAlgoId=somebody-1")
    for _ in range(3):
        await rig.read(after_s=61)
    assert resting(venue) == ["somebody-1"]
    assert [line.split(";")[0] for line in swept(rig)] == [
        f"live-1 {OURS}: STOP_MARKET of BTCUSDT is under an id of ours that the ledger does not know"
    ]
    assert sum(event.name == "order_not_ours" for event in rig.incidents()) == 2


async def test_stop_when_it_may_guard_a_position_that_was_adopted_then_it_stays(
    venue: BinanceVenue, tmp_path: Path
) -> None:
    await ask(venue, "POST", "/fapi/v1/order", BY_HAND.replace("SELL", "BUY").replace("&reduceOnly=true", ""))
    order = "algoType=CONDITIONAL&type=STOP_MARKET&symbol=BTCUSDT&side=SELL&quantity=0.5&triggerPrice=45000"
    await ask(venue, "POST", "/fapi/v1/algoOrder", f"{order}&clientAlgoId={OURS}")
    rig = BinanceAccount(venue, tmp_path)
    for _ in range(4):
        await rig.read(after_s=61)
    assert resting(venue) == [OURS]
    await rig.close()
