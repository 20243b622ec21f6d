"""The orders an account has at the venue: open ones by id and symbol, and the latest closed ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tradewire.trading.exchange.orders import Order

DEFAULT_MEMORY: Final = 200
"""Closed orders kept for the duplicate check and for late children; the oldest is forgotten first.

They are part of the state, so this bounds its size. The venue, too, promises uniqueness of client order ids
only among open and recent orders (error -4116).
"""


class ClosedOrder(NamedTuple):
    """What is remembered of a closed order, base e8."""

    qty_e8: int
    filled_e8: int


@dataclass(slots=True)
class OrderRegistry:
    """Open orders, each in sequence order, and a bounded memory of closed ones.

    ``opening``: those of the open ones that may add to a position.
    """

    open: dict[str, Order] = field(default_factory=dict)
    by_symbol: dict[str, list[Order]] = field(default_factory=dict)
    children: dict[str, list[Order]] = field(default_factory=dict)
    closed: dict[str, ClosedOrder] = field(default_factory=dict)
    opening: dict[str, Order] = field(default_factory=dict)
    memory: int = DEFAULT_MEMORY

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self.open or client_order_id in self.closed

    def add(self, order: Order) -> None:
        """File an open order."""
        request = order.request
        self.open[request.client_order_id] = order
        self.by_symbol.setdefault(request.symbol, []).append(order)
        if not request.only_reduces:
            self.opening[request.client_order_id] = order
        if request.activate_on:
            self.children.setdefault(request.activate_on, []).append(order)

    def of_symbol(self, symbol: str) -> list[Order]:
        """Open orders of a symbol by sequence; not to be changed, and not stable under fills and cancels."""
        return self.by_symbol.get(symbol, [])

    def children_of(self, client_order_id: str) -> list[Order]:
        """Open orders that follow this entry, by sequence, as a list of its own."""
        return list(self.children.get(client_order_id, ()))

    def group(self, oco_group: str) -> list[Order]:
        """Open orders of a one-cancels-the-other group, by sequence."""
        return [order for order in self.open.values() if order.request.oco_group == oco_group]

    def close(self, order: Order) -> None:
        """Move a closed order out of the open ones into the memory."""
        request = order.request
        del self.open[request.client_order_id]
        self.opening.pop(request.client_order_id, None)
        self.by_symbol[request.symbol].remove(order)
        if request.activate_on:
            siblings = self.children[request.activate_on]
            siblings.remove(order)
            if not siblings:
                del self.children[request.activate_on]
        self.closed[request.client_order_id] = ClosedOrder(order.qty_e8, order.filled_e8)
        if len(self.closed) > self.memory:
            del self.closed[next(iter(self.closed))]

    def replace(self, orders: Iterable[Order]) -> None:
        """Let these be the open orders; what was open and is not among them moves into the memory."""
        kept = list(orders)
        for order in list(self.open.values()):
            self.close(order)
        for order in kept:
            self.closed.pop(order.request.client_order_id, None)
            self.add(order)
