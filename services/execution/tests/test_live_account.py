"""An account at a live venue: what is booked, what is believed and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tradewire.binance.orders import venue_made
from tradewire.execution.domain.live_account import REMEMBERED_MAX, LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.domain.live_order import intended
from tradewire.execution.domain.order_life import Happening
from tradewire.ports.broker import VenueFill, VenueOrder
from tradewire.ports.events import AuditRecorded, Liquidity, OrderStatus, Side
from tradewire.ports.message import Envelope
from tradewire.testkit.broker_suite import intent
from tradewire.testkit.router_rig import assessed

S = OrderStatus


def account(*client_ids: str) -> LiveAccount:
    """With orders of 0.5 BTC on their way."""
    live = LiveAccount(LiveBook("live-1", "binance"))
    for number, client_id in enumerate(client_ids, 1):
        live.begin(intended(assessed(number), intent(client_id), Envelope(event_id=f"e-{number}")), number)
    return live


def fill(trade_id: str, qty: str = "0.5", client_id: str = "o-1") -> VenueFill:
    """A buy at 50,000."""
    price, fee, zero = Decimal(50_000), Decimal("0.01"), Decimal(0)
    return VenueFill(
        trade_id, client_id, "v-1", "BTCUSDT", Side.BUY, Decimal(qty), price, fee, Liquidity.TAKER, zero, 9
    )


def shown(status: OrderStatus, filled: str = "0", client_id: str = "o-1", qty: str = "0.5") -> VenueOrder:
    """The order as the venue shows it."""
    return VenueOrder(client_id, "v-1", "BTCUSDT", Side.BUY, "LIMIT", Decimal(qty), Decimal(filled), status, 9)


def status(live: LiveAccount, client_id: str = "o-1") -> OrderStatus:
    """Of an order."""
    order = live.find(client_id)
    assert order is not None
    return order.status


def incidents(live: LiveAccount) -> list[str]:
    """Names, in order."""
    return [emit.event.name for emit in live.journal if isinstance(emit.event, AuditRecorded)]


@pytest.mark.parametrize("ending", [S.FILLED, S.CANCELED, S.EXPIRED])
def test_order_when_its_fills_are_not_shown_yet_then_its_end_waits_for_them(ending: OrderStatus) -> None:
    live = account("o-1")
    assert not live.take_order(shown(ending, "0.2"), 9)
    assert status(live) is S.ACCEPTED
    live.take_fill(fill("t-1", "0.2"), 9)
    assert live.take_order(shown(ending, "0.2"), 9)
    assert status(live) is ending
    assert incidents(live) == []


def test_fill_when_canceled_before_then_booked_reported_and_still_canceled() -> None:
    live = account("o-1")
    live.take_order(shown(S.CANCELED), 9)
    assert live.take_fill(fill("t-1", "0.2"), 9)
    assert (status(live), live.book.positions) == (S.CANCELED, {"BTCUSDT": Decimal("0.2")})
    assert incidents(live) == ["late_fill"]


def test_fill_when_trade_id_was_seen_then_booked_once() -> None:
    live = account("o-1")
    assert [live.take_fill(fill("t-1", "0.2"), 9) for _ in range(3)] == [True, False, False]
    assert live.book.positions == {"BTCUSDT": Decimal("0.2")}


def test_fill_when_beyond_the_quantity_then_booked_and_reported_as_overfill() -> None:
    live = account("o-1")
    live.take_fill(fill("t-1"), 9)
    live.take_fill(fill("t-2", "0.1"), 9)
    assert live.book.positions == {"BTCUSDT": Decimal("0.6")}
    assert (status(live), incidents(live)) == (S.FILLED, ["overfill"])


def test_order_when_cut_to_the_position_then_filled_with_less() -> None:
    live = account("o-1")
    live.take_fill(fill("t-1", "0.3"), 9)
    assert live.take_order(shown(S.FILLED, "0.3", qty="0.3"), 9)
    assert status(live) is S.FILLED


def test_order_when_believed_lost_and_shown_after_all_then_the_venue_is_right() -> None:
    live = account("o-1")
    live.apply("o-1", Happening.MISS, 9)
    live.take_order(shown(S.ACCEPTED), 9)
    assert (status(live), incidents(live)) == (S.ACCEPTED, ["order_surprise"])


def test_restored_when_saved_then_equal() -> None:
    live = account("o-1", "o-2")
    live.take_fill(fill("t-1", "0.2"), 9)
    live.take_order(shown(S.CANCELED, client_id="o-2"), 9)
    live.move_cursor("17")
    assert LiveAccount.restored(live.saved()).book == live.book


def test_is_new_when_so_many_ended_that_it_may_be_forgotten_then_not_new_and_reported() -> None:
    ids = [f"o-{number}" for number in range(1, REMEMBERED_MAX + 3)]
    live = account(*ids)
    for client_id in ids:
        live.take_order(shown(S.CANCELED, client_id=client_id), 9)
    assert len(live.book.ended) == REMEMBERED_MAX
    forgotten = intended(assessed(1), intent("o-1"), Envelope(event_id="e-1"))
    assert not live.is_new(forgotten)
    assert incidents(live) == ["order_too_old"]
    later = replace(forgotten, client_order_id="new", placed_us=10**12)
    assert live.is_new(later)


@pytest.mark.parametrize(
    ("client_id", "why"),
    [
        ("autoclose-161", "LIQUIDATION"),
        ("adl_autoclose", "ADL"),
        ("settlement_autoclose-1", "SETTLEMENT"),
        ("delivery_autoclose-1", "DELIVERY"),
        ("tw-autoclose-1", None),
    ],
)
def test_venue_made_when_id_is_binances_own_then_says_why(client_id: str, why: str | None) -> None:
    assert venue_made(client_id) == why
