"""Which client order id an order of the venue carries, in both id spaces."""

from __future__ import annotations

from typing import Final

from tradewire.binance.orders import told_apart
from tradewire.binance.replies import AlgoOrderReply

KNOWN_MAX: Final = 10_000
"""Orders whose ids are remembered; others are asked for."""


class OrderIds:
    """Which client order id an order of the venue carries, and which ids are of conditional orders."""

    def __init__(self) -> None:
        self._own: dict[int, str] = {}
        self._conditional: dict[str, None] = {}

    def note(self, order_id: int | str, client_order_id: str) -> str:
        """An order of the venue carries this id; what it is known by."""
        known = self._own[int(order_id)] = told_apart(client_order_id, order_id)
        while len(self._own) > KNOWN_MAX:
            del self._own[next(iter(self._own))]
        return known

    def note_conditional(self, reply: AlgoOrderReply) -> None:
        """A conditional order, and what was born at its trigger."""
        self._conditional[reply.client_algo_id] = None
        while len(self._conditional) > KNOWN_MAX:
            del self._conditional[next(iter(self._conditional))]
        if reply.order_id:
            self.note(reply.order_id, reply.client_algo_id)

    def own(self, order_id: int) -> str | None:
        """The client order id, where it is known."""
        return self._own.get(order_id)

    def is_conditional(self, client_order_id: str) -> bool:
        """Was it seen as a conditional order?"""
        return client_order_id in self._conditional
