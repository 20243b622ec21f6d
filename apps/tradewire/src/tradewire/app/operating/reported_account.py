"""An account as its newest state and what was reported of its orders since then show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tradewire.ports.events import AccountStateChanged, OrderChanged, OrderLeg, OrderStatus, Side
from tradewire.ports.message import Event

ENDED = frozenset(
    {OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)
UNCONFIRMED = frozenset({OrderStatus.INITIALIZED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
"""An order that was sent, and of which no venue has said that it has it."""
CLOSING = frozenset({OrderLeg.EXIT, OrderLeg.FLATTEN})


class Share(NamedTuple):
    """Whose part of the position in which symbol."""

    strategy_id: str
    venue: str
    symbol: str


class WorkingOrder(NamedTuple):
    """An order at work. ``confirmed``: its venue has it."""

    client_order_id: str
    share: Share
    leg: OrderLeg
    confirmed: bool


@dataclass
class ReportedAccount:
    """What is known of an account. ``orders``: the newest report of each order since the state."""

    account_id: str
    state: AccountStateChanged | None = None
    orders: dict[str, OrderChanged] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """A state, or a report of an order; what is older than what is known says nothing new."""
        if isinstance(event, AccountStateChanged):
            if self.state is None or event.sequence > self.state.sequence:
                self.state = event
                self.orders = {key: one for key, one in self.orders.items() if one.sequence > event.sequence}
        elif isinstance(event, OrderChanged) and event.sequence > self._sequence(event.client_order_id):
            self.orders[event.client_order_id] = event

    def _sequence(self, client_order_id: str) -> int:
        known = self.orders.get(client_order_id)
        if known is not None:
            return known.sequence
        return -1 if self.state is None else self.state.sequence

    def working(self) -> Iterator[WorkingOrder]:
        """Orders at work now."""
        for shown in self.state.open_orders if self.state is not None else ():
            if shown.client_order_id not in self.orders:
                share = Share(shown.strategy_id, shown.venue, shown.symbol)
                yield WorkingOrder(shown.client_order_id, share, OrderLeg(shown.leg), confirmed=True)
        for order in self.orders.values():
            if order.status not in ENDED:
                share = Share(order.strategy_id, order.venue, order.symbol)
                confirmed = order.status not in UNCONFIRMED
                yield WorkingOrder(order.client_order_id, share, OrderLeg(order.leg), confirmed)

    def held(self) -> dict[Share, Decimal]:
        """What strategies hold, base, signed: as the state says, and as orders have filled since."""
        found: defaultdict[Share, Decimal] = defaultdict(Decimal)
        remaining = {}
        if self.state is not None:
            for position in self.state.strategy_positions:
                found[Share(position.strategy_id, position.venue, position.symbol)] += position.qty
            remaining = {order.client_order_id: order.remaining for order in self.state.open_orders}
        for order in self.orders.values():
            before = order.qty - remaining.get(order.client_order_id, order.qty)
            filled = order.filled_qty - before
            found[Share(order.strategy_id, order.venue, order.symbol)] += filled if order.side is Side.BUY else -filled
        return {share: qty for share, qty in found.items() if qty}

    def unowned(self) -> list[str]:
        """Symbols of positions that belong to no strategy."""
        if self.state is None:
            return []
        owned = {(share.venue, share.symbol) for share in self.state.strategy_positions}
        return sorted(one.symbol for one in self.state.positions if one.qty and (one.venue, one.symbol) not in owned)

    def failed_to_close(self, share: Share) -> str:
        """Why the newest order that was to close a share ended without doing so; empty when none did."""
        failed = [
            order
            for order in self.orders.values()
            if Share(order.strategy_id, order.venue, order.symbol) == share
            and order.leg in CLOSING
            and order.status in ENDED
            and order.filled_qty < order.qty
        ]
        if not failed:
            return ""
        last = max(failed, key=lambda order: order.sequence)
        return f"its order was {last.status.value}: {last.reason or 'no reason was given'}"
