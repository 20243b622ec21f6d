"""Placing, changing and cancelling normal orders, by the venue's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.filters import collar_fault, price_fault, qty_fault
from tradewire.binance.orders import (
    CONDITIONAL_TYPES,
    BinanceOrderStatus,
    BinanceOrderType,
    BinanceTimeInForce,
    Execution,
    PositionSide,
)
from tradewire.trading.exchange import Event, NewOrder, OrderRejected, RejectReason, Side, from_e8, to_e8
from tradewire.trading.exchange import OrderType as ExchangeType
from tradewire.trading.exchange import TimeInForce as ExchangeTime
from tradewire.venue.account import VenueAccount
from tradewire.venue.amounts import ZERO
from tradewire.venue.books import book_name
from tradewire.venue.listing import Listing
from tradewire.venue.partial_fills import PartialFills
from tradewire.venue.records import StoredOrder
from tradewire.venue.refusal import Parameters, VenueRefusedError

CODES: Final = {
    RejectReason.UNKNOWN_SYMBOL: ErrorCode.BAD_SYMBOL,
    RejectReason.NO_MARKET_PRICE: ErrorCode.INVALID_SYMBOL_STATUS,
    RejectReason.BAD_PARAMETERS: ErrorCode.INVALID_PARAMETER,
    RejectReason.PRICE_NOT_ON_TICK: ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE,
    RejectReason.QUANTITY_NOT_ON_STEP: ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE,
    RejectReason.QUANTITY_BELOW_MIN: ErrorCode.QTY_LESS_THAN_MIN_QTY,
    RejectReason.QUANTITY_ABOVE_MAX: ErrorCode.QTY_GREATER_THAN_MAX_QTY,
    RejectReason.NOTIONAL_BELOW_MIN: ErrorCode.MIN_NOTIONAL,
    RejectReason.TOO_MANY_OPEN_ORDERS: ErrorCode.MAX_OPEN_ORDER_EXCEEDED,
    RejectReason.POST_ONLY_WOULD_CROSS: ErrorCode.GTX_ORDER_REJECT,
    RejectReason.WOULD_TRIGGER_IMMEDIATELY: ErrorCode.ORDER_WOULD_IMMEDIATELY_TRIGGER,
    RejectReason.REDUCE_ONLY_NO_POSITION: ErrorCode.REDUCE_ONLY_REJECT,
    RejectReason.NOTIONAL_ABOVE_LEVERAGE_BRACKET: ErrorCode.MAX_LEVERAGE_RATIO,
    RejectReason.INSUFFICIENT_MARGIN: ErrorCode.MARGIN_NOT_SUFFICIENT,
}
"""The exchange's reasons → Binance's codes; those about prices depend on the side."""


class OrderDesk:
    """Normal orders of an account.

    ``prices_e8``: last prices that a new order meets at once; None: it meets those of the next step. ``expires``:
    whether a fault ends a new order; ``bound``: how much of a new order fills at once, None: all.
    """

    def __init__(
        self,
        account: VenueAccount,
        prices_e8: Callable[[str], Mapping[str, int] | None],
        expires: Callable[[], bool] = lambda: False,
        bound: Callable[[StoredOrder], Decimal | None] = lambda _: None,
    ) -> None:
        self._account, self._prices_e8, self._expires = account, prices_e8, expires
        self._parts = PartialFills(account, bound)

    # ---- placing ----

    def place(self, request: Parameters, *, test: bool = False) -> StoredOrder:
        """A new order as it stands after it met the market. Raises RefusedError."""
        order, reduce_only = self._described(request, listed(self._account, request))
        if not test:
            self._enter(order, _new_order(order, reduce_only=reduce_only))
        return order

    def _described(self, request: Parameters, listing: Listing) -> tuple[StoredOrder, bool]:
        """The order that a request describes, and whether it may only reduce. Raises RefusedError."""
        order_type = request.word("type", BinanceOrderType, ErrorCode.INVALID_ORDER_TYPE)
        if order_type in CONDITIONAL_TYPES:
            raise VenueRefusedError(ErrorCode.STOP_ORDER_SWITCH_ALGO)
        side = request.word("side", Side, ErrorCode.INVALID_SIDE)
        position_side, reduce_only = self.standing(request, side)
        limit = order_type is BinanceOrderType.LIMIT
        lasting = request.word(
            "timeInForce", BinanceTimeInForce, ErrorCode.INVALID_TIF, None if limit else BinanceTimeInForce.GTC
        )
        qty, price = request.number("quantity"), request.number("price") if limit else ZERO
        check_qty(listing, qty, market=not limit)
        if limit:
            self._check_price(listing, price, side)
        client_id = self._new_client_id(request.client_id("newClientOrderId"))
        now_ms, order_id = self._account.now_ms(), self._account.ids.next("order")
        order = StoredOrder(
            order_id,
            client_id,
            str(order_id),
            listing.symbol,
            side,
            position_side,
            order_type,
            order_type,
            lasting,
            qty,
            price,
            reduce_only=reduce_only and position_side is PositionSide.BOTH,
            time_ms=now_ms,
            update_ms=now_ms,
        )
        return order, reduce_only

    def standing(self, request: Parameters, side: Side) -> tuple[PositionSide, bool]:
        """Position side, and whether the order may only reduce: asked for, or as it is on the far side of a hedge."""
        position_side = request.word("positionSide", PositionSide, ErrorCode.INVALID_POSITION_SIDE, PositionSide.BOTH)
        if self._account.opposite(position_side):
            raise VenueRefusedError(ErrorCode.POSITION_SIDE_NOT_MATCH)
        if position_side is PositionSide.BOTH:
            return position_side, request.flag("reduceOnly")
        if request.optional("reduceOnly"):
            raise VenueRefusedError(ErrorCode.PARAM_NOT_REQUIRED, "Parameter 'reduceonly' sent when not required.")
        return position_side, (position_side is PositionSide.LONG) == (side is Side.SELL)

    def _new_client_id(self, wanted: str | None) -> str:
        """The client's id, or one of ours. Raises RefusedError for that of an open order."""
        account = self._account
        if wanted is None:
            return f"web_{account.ids.order + 1}"
        if any(order.client_order_id == wanted for order in account.by_internal.values()):
            raise VenueRefusedError(ErrorCode.DUPLICATED_CLIENT_TRAN_ID)
        return wanted

    def _check_price(self, listing: Listing, price: Decimal, side: Side) -> None:
        mark = from_e8(self._account.books.position(listing.symbol, PositionSide.BOTH).mark_e8)
        fault = price_fault(listing.filters, price) or collar_fault(listing.filters, price, mark, buys=side is Side.BUY)
        if fault:
            raise VenueRefusedError(fault)

    def _enter(self, order: StoredOrder, new: NewOrder) -> None:
        """Hand an order to the exchange and tell what became of it. Raises RefusedError when it is not taken."""
        account = self._account
        if self._expires():
            account.add(order)
            account.tell(order.update(Execution.NEW, account.now_ms()))
            del account.by_internal[order.internal_id]
            order.status = BinanceOrderStatus.EXPIRED_IN_MATCH
            account.tell(order.update(Execution.EXPIRED, account.now_ms()))
            return
        prices_e8 = self._prices_e8(order.symbol)
        events = account.books.submit(self._parts.first(order, new, prices_e8), prices_e8)
        refuse_rejected(events, order.side)
        account.add(order)
        account.tell(order.update(Execution.NEW, account.now_ms()))
        account.take(events)
        self._parts.follow(order, new)

    # ---- changing ----

    def change(self, request: Parameters) -> StoredOrder:
        """Change price and quantity of a LIMIT order: it leaves the book and enters it again. Raises RefusedError."""
        listing, order = listed(self._account, request), self.find_open(request)
        if order.order_type is not BinanceOrderType.LIMIT:
            raise VenueRefusedError(ErrorCode.UNSUPPORTED_ORDER_COMBINATION, "Only limit orders can be modified.")
        qty, price = request.number("quantity"), request.number("price")
        if (qty, price) == (order.qty, order.price):
            raise VenueRefusedError(ErrorCode.NO_NEED_TO_CHANGE_ORDER)
        check_qty(listing, qty, market=False)
        self._check_price(listing, price, order.side)
        if qty <= order.filled:
            self.cancel(order)
        else:
            self._enter_again(order, qty, price)
        return order

    def _enter_again(self, order: StoredOrder, qty: Decimal, price: Decimal) -> None:
        """An order that the exchange does not take as changed is cancelled. Raises RefusedError then."""
        account = self._account
        account.books.cancel(order.internal_id)
        del account.by_internal[order.internal_id]
        changed = replace(order, qty=qty, price=price, filled_before=order.filled)
        changed.internal_id = f"{order.order_id}.{account.ids.next('transaction')}"
        far_side = order.position_side is not PositionSide.BOTH and (
            (order.position_side is PositionSide.LONG) == (order.side is Side.SELL)
        )
        new = _new_order(changed, reduce_only=order.reduce_only or far_side, qty=qty - order.filled)
        events = account.books.submit(new, self._prices_e8(order.symbol))
        order.update_ms = account.now_ms()
        try:
            refuse_rejected(events, order.side)
        except VenueRefusedError:
            order.status = BinanceOrderStatus.CANCELED
            account.tell(order.update(Execution.CANCELED, account.now_ms()))
            raise
        order.qty, order.price, order.internal_id = qty, price, changed.internal_id
        order.filled_before = order.filled
        account.by_internal[order.internal_id] = order
        account.tell(order.update(Execution.AMENDMENT, account.now_ms()))
        account.take(events)

    # ---- cancelling and asking ----

    def cancel(self, order: StoredOrder) -> None:
        """Withdraw an open order."""
        self._account.take(self._account.books.cancel(order.internal_id))

    def open_orders(self, symbol: str | None) -> list[StoredOrder]:
        """Open orders, oldest first."""
        return [item for item in self._account.by_internal.values() if symbol in (None, item.symbol)]

    def find_open(self, request: Parameters, refused: ErrorCode = ErrorCode.CANCEL_REJECTED) -> StoredOrder:
        """The open order that a request names. Raises RefusedError when there is none."""
        order = self._named(request, self.open_orders(request.text("symbol")))
        if order is None:
            raise VenueRefusedError(refused)
        return order

    def find(self, request: Parameters) -> StoredOrder:
        """The newest order that a request names, open or ended. Raises RefusedError when there is none."""
        symbol = request.text("symbol")
        order = self._named(request, [item for item in self._account.orders.values() if item.symbol == symbol])
        if order is None:
            raise VenueRefusedError(ErrorCode.NO_SUCH_ORDER)
        return order

    def _named(self, request: Parameters, orders: list[StoredOrder]) -> StoredOrder | None:
        client_id = request.optional("origClientOrderId")
        if client_id is None and not request.optional("orderId"):
            message = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise VenueRefusedError(ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED, message)
        order_id = request.integer("orderId", 0)
        found = [
            item for item in orders if (item.order_id == order_id if order_id else item.client_order_id == client_id)
        ]
        return found[-1] if found else None


def listed(account: VenueAccount, request: Parameters) -> Listing:
    """The symbol that a request is for. Raises RefusedError for one that is not listed or not trading."""
    listing = account.listings.get(request.text("symbol"))
    if listing is None:
        raise VenueRefusedError(ErrorCode.BAD_SYMBOL)
    if listing.status != "TRADING":
        raise VenueRefusedError(ErrorCode.INVALID_SYMBOL_STATUS)
    return listing


def check_qty(listing: Listing, qty: Decimal, *, market: bool) -> None:
    """Raises RefusedError for a quantity that the filters do not allow."""
    fault = qty_fault(listing.filters, qty, market=market)
    if fault:
        raise VenueRefusedError(fault)


def refuse_rejected(events: list[Event], side: Side) -> None:
    """Raises RefusedError when the exchange did not take the order."""
    for event in events:
        if isinstance(event, OrderRejected):
            raise VenueRefusedError(_code_of(event, side))


def _code_of(event: OrderRejected, side: Side) -> ErrorCode:
    """Binance's code of the exchange's reason."""
    if event.reason is RejectReason.PRICE_OUTSIDE_COLLAR:
        higher, lower = ErrorCode.PRICE_HIGHER_THAN_MULTIPLIER_UP, ErrorCode.PRICE_LOWER_THAN_MULTIPLIER_DOWN
        return higher if side is Side.BUY else lower
    return CODES.get(event.reason, ErrorCode.NEW_ORDER_REJECTED)


def _new_order(order: StoredOrder, *, reduce_only: bool, qty: Decimal | None = None) -> NewOrder:
    """The order as the exchange takes it."""
    limit = order.order_type is BinanceOrderType.LIMIT
    time_in_force = (
        ExchangeTime.GTC if order.time_in_force is BinanceTimeInForce.GTD else ExchangeTime(order.time_in_force)
    )
    return NewOrder(
        order.internal_id,
        book_name(order.symbol, order.position_side),
        order.side,
        ExchangeType.LIMIT if limit else ExchangeType.MARKET,
        qty_e8=to_e8(order.qty if qty is None else qty),
        price_e8=to_e8(order.price),
        time_in_force=time_in_force if limit else ExchangeTime.GTC,
        reduce_only=reduce_only,
    )
