"""The truth inside a faulty venue: which orders it took, how they stand and what was filled."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tradewire.binance.errors import ErrorCode
from tradewire.execution.domain.venue_errors import VenueFailure
from tradewire.ports.broker import Accepted, VenueFill, VenueOrder
from tradewire.ports.events import Liquidity, OrderIntent, OrderStatus, OrderType, Side

REFUSED_QTY: Final = Decimal("0.0001")
"""An order of at most this quantity, base, is below the venue's minimum."""
OPEN: Final = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
Push = VenueOrder | VenueFill


class MatchingRefusedError(Exception):
    """The venue's own error."""

    def __init__(self, failure: VenueFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass
class Shown:
    """An order as it stands, and when reads begin to show it, UTC µs."""

    order: VenueOrder
    from_us: int


@dataclass
class MatchingEngine:
    """Orders by id, oldest first, and fills by time. ``now_us``: the venue's time; ``push``: told of every change;
    ``hidden_us``: see ``Faults``."""

    now_us: Callable[[], int]
    dice: random.Random
    push: Callable[[Push], None]
    hidden_us: Callable[[], int]
    orders: dict[str, list[Shown]] = field(default_factory=dict)
    fills: list[VenueFill] = field(default_factory=list)
    fills_from_us: list[int] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def at_work(self, client_id: str | None = None) -> Sequence[Shown]:
        """Open orders, of one id or all."""
        orders = self.orders.values() if client_id is None else (self.orders.get(client_id, []),)
        return [item for items in orders for item in items if item.order.status in OPEN]

    def take(self, symbol: str, intent: OrderIntent) -> Accepted:
        """A new order. Raises RefusedError when one of its id is open (not when one has ended), or it is too small."""
        client_id = intent.client_order_id
        if self.at_work(client_id):
            raise MatchingRefusedError(
                VenueFailure(400, ErrorCode.DUPLICATED_CLIENT_TRAN_ID, "ClientOrderId is duplicated.")
            )
        if intent.qty <= REFUSED_QTY:
            raise MatchingRefusedError(VenueFailure(400, -4003, "Quantity less than minimum."))
        item = self.add(client_id, symbol, intent.side, intent.order_type.value, intent.qty)
        taken = Accepted(item.order.venue_order_id, item.order.updated_us)
        if intent.order_type is OrderType.MARKET:
            self.fill(item, whole=self.dice.random() < 0.7)
        return taken

    def withdraw(self, client_id: str) -> VenueOrder:
        """Cancel an open order. Raises RefusedError when there is none."""
        for item in self.at_work(client_id):
            self._change(item, replace(item.order, status=OrderStatus.CANCELED, updated_us=self.now_us()))
            return item.order
        raise MatchingRefusedError(VenueFailure(400, ErrorCode.CANCEL_REJECTED, "Unknown order sent."))

    def add(self, client_id: str, symbol: str, side: Side, order_type: str, qty: Decimal) -> Shown:
        """An order comes to be."""
        now_us, number = self.now_us(), f"v-{next(self._numbers)}"
        accepted = OrderStatus.ACCEPTED
        order = VenueOrder(client_id, number, symbol, side, order_type, qty, Decimal(0), accepted, now_us)
        item = Shown(order, now_us + self.dice.randint(0, self.hidden_us()))
        self.orders.setdefault(client_id, []).append(item)
        self.push(order)
        return item

    def fill(self, item: Shown, *, whole: bool) -> None:
        """Fill what is left of an order, or half of it."""
        order, now_us = item.order, self.now_us()
        left = order.qty - order.filled_qty
        qty = left if whole else left / 2
        fill = VenueFill(
            venue_trade_id=f"t-{len(self.fills) + 1}",
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=Decimal(50_000 + self.dice.randint(-500, 500)),
            fee=Decimal("0.01"),
            liquidity=Liquidity.TAKER,
            realized_pnl=Decimal(0),
            time_us=now_us,
        )
        self.fills.append(fill)
        self.fills_from_us.append(now_us + self.dice.randint(0, self.hidden_us()))
        self.push(fill)
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        self._change(item, replace(order, filled_qty=order.filled_qty + qty, status=status, updated_us=now_us))

    def _change(self, item: Shown, order: VenueOrder) -> None:
        item.order = order
        self.push(order)
