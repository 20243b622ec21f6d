"""New orders that fill in part at once: a fault's share of them, or no more than a thin book shows.

The exchange gets the part alone. What is left of a MARKET or IOC order expires, as where liquidity runs out at Binance;
that of another one goes on under the same ids and meets the market's next move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from tradewire.binance.orders import BinanceOrderStatus, BinanceOrderType, BinanceTimeInForce, Execution
from tradewire.trading.exchange import NewOrder, Side, from_e8, to_e8
from tradewire.venue.account import VenueAccount
from tradewire.venue.amounts import ZERO
from tradewire.venue.records import StoredOrder


class PartialFills:
    """``bound``: the largest quantity of an order that fills at once; None: all of it does."""

    def __init__(self, account: VenueAccount, bound: Callable[[StoredOrder], Decimal | None]) -> None:
        self._account, self._bound = account, bound

    def first(self, order: StoredOrder, new: NewOrder, prices_e8: Mapping[str, int] | None) -> NewOrder:
        """What the exchange gets of an order now; ``order.rest`` is what it does not."""
        if prices_e8 is None or not _meets(order, prices_e8[order.symbol]):
            return new
        bound, step = self._bound(order), self._account.listings[order.symbol].filters.step_size
        part = order.qty if bound is None else bound // step * step
        if not ZERO < part < order.qty:
            return new
        order.rest = order.qty - part
        return replace(new, qty_e8=to_e8(part))

    def follow(self, order: StoredOrder, new: NewOrder) -> None:
        """Let what is left of an order expire, or go on."""
        if not order.rest or order.status is not BinanceOrderStatus.PARTIALLY_FILLED:
            return
        account, rest = self._account, order.rest
        order.rest, order.filled_before = ZERO, order.filled
        market = order.order_type is BinanceOrderType.MARKET
        if market or order.time_in_force is BinanceTimeInForce.IOC:
            order.status, order.update_ms = BinanceOrderStatus.EXPIRED, account.now_ms()
            account.tell(order.update(Execution.EXPIRED, account.now_ms()))
            return
        order.internal_id = f"{order.order_id}.{account.ids.next('transaction')}"
        account.by_internal[order.internal_id] = order
        account.take(account.books.submit(replace(new, client_order_id=order.internal_id, qty_e8=to_e8(rest)), None))


def _meets(order: StoredOrder, last_e8: int) -> bool:
    """Is it filled by the present price, and not all or nothing?"""
    if order.order_type is BinanceOrderType.MARKET:
        return True
    if order.time_in_force in (BinanceTimeInForce.FOK, BinanceTimeInForce.GTX):
        return False
    last = from_e8(last_e8)
    return order.price >= last if order.side is Side.BUY else order.price <= last
