"""One order at a live venue, as the ledger remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tradewire.binance.orders import venue_made
from tradewire.execution.domain.order_life import FINAL
from tradewire.ports.broker import VenueFill, VenueOrder
from tradewire.ports.events import OrderChanged, OrderIntent, OrderStatus, OrderType, RiskAssessed, Side
from tradewire.ports.message import Envelope

FOREIGN: Final = "FOREIGN"
"""Leg of an order that was made neither by us nor by the venue: someone trades on our account."""


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """What is known of an order. ``intent`` is what risk approved; None for an order that wasn't made by us.

    ``cause``: lineage of whatever happens to it; ``placed_us``: event time of the assessment; ``sends``: how often it
    was, or may have been, sent; ``sent_us``: latest moment at which it may have been; ``filled``: base;
    ``cancel_by_us``: until when a wanted cancel is tried; ``closed``: side of the position that its last fill
    ended, where it wasn't made by us.
    """

    client_order_id: str
    strategy_id: str
    venue: str
    symbol: str
    side: Side
    order_type: str
    leg: str
    qty: Decimal
    intent: OrderIntent | None
    evaluation_id: str | None
    cause: Envelope
    placed_us: int
    status: OrderStatus = OrderStatus.INITIALIZED
    filled: Decimal = Decimal(0)
    trade_ids: tuple[str, ...] = ()
    venue_order_id: str | None = None
    sends: int = 0
    sent_us: int = 0
    cancel_wanted: bool = False
    cancel_by_us: int = 0
    closed: str = ""

    @property
    def rests(self) -> bool:
        """Does it rest in the venue's book, once it is there?"""
        return self.order_type == OrderType.LIMIT

    @property
    def has_entry(self) -> bool:
        """Does it guard what another order opens?"""
        return self.intent is not None and bool(self.intent.parent_id)

    @property
    def is_final(self) -> bool:
        """Nothing more is expected."""
        return self.status in FINAL

    def changed(self, account_id: str, *, sequence: int, time_us: int, reason: str | None) -> OrderChanged:
        """The order as a message."""
        return OrderChanged(
            account_id=account_id,
            client_order_id=self.client_order_id,
            strategy_id=self.strategy_id,
            venue=self.venue,
            symbol=self.symbol,
            event_time_us=time_us,
            sequence=sequence,
            status=self.status,
            side=self.side,
            order_type=self.order_type,
            leg=self.leg,
            qty=self.qty,
            filled_qty=self.filled,
            price=None if self.intent is None else self.intent.price,
            stop_price=None if self.intent is None else self.intent.stop_price,
            reason=reason,
            venue_order_id=self.venue_order_id,
            evaluation_id=self.evaluation_id,
        )


def intended(event: RiskAssessed, intent: OrderIntent, cause: Envelope) -> LiveOrder:
    """The order of an approved intent."""
    return LiveOrder(
        client_order_id=intent.client_order_id,
        strategy_id=event.strategy_id,
        venue=event.venue,
        symbol=event.symbol,
        side=intent.side,
        order_type=intent.order_type.value,
        leg=intent.leg.value,
        qty=intent.qty,
        intent=intent,
        evaluation_id=event.evaluation_id,
        cause=cause,
        placed_us=event.event_time_us,
    )


def adopted(seen: VenueOrder | VenueFill, *, venue: str, cause: Envelope, placed_us: int) -> LiveOrder:
    """An order found at the venue that we did not make."""
    kind = venue_made(seen.client_order_id) or FOREIGN
    return LiveOrder(
        client_order_id=seen.client_order_id,
        strategy_id="",
        venue=venue,
        symbol=seen.symbol,
        side=seen.side,
        order_type=seen.order_type if isinstance(seen, VenueOrder) else kind,
        leg=kind,
        qty=seen.qty,
        intent=None,
        evaluation_id=None,
        cause=cause,
        placed_us=placed_us,
        sent_us=placed_us,
        status=OrderStatus.ACCEPTED,
        venue_order_id=seen.venue_order_id,
    )
