"""A broker that does everything but send: reads are real, orders are checked by the venue and go nowhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.ports.broker import Accepted, NotFound, Rejected, Unknown, VenueOrder
from tradewire.ports.events import OrderIntent

SHADOW: Final = "SHADOW"
"""Reason of an order that was not sent on purpose."""


class ShadowBroker(BinanceBroker):
    """An account at Binance that is only looked at."""

    async def submit(
        self, symbol: str, intent: OrderIntent, asked_us: int | None = None
    ) -> Accepted | Rejected | Unknown:
        refused = await self.check_order(symbol, intent)
        return refused or Rejected(SHADOW, "not sent: TRADEWIRE_BINANCE_SHADOW is true")

    async def cancel(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        return NotFound()

    async def stay(self, symbols: Collection[str]) -> None:
        """There is nothing of ours that rests."""
