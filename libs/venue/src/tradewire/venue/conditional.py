"""Conditional orders: placing, cancelling, triggering.

The exchange triggers those that become market orders. STOP and TAKE_PROFIT become limit orders, and a trailing stop may
wait for its activation price: these are watched here, along the same prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.filters import price_fault
from tradewire.binance.orders import AlgoStatus, BinanceOrderType, BinanceTimeInForce, BinanceWorkingType
from tradewire.trading.exchange import Bar, NewOrder, OrderRejected, Side, to_e8
from tradewire.trading.exchange import OrderType as ExchangeType
from tradewire.trading.exchange import WorkingType as ExchangeWorking
from tradewire.venue.account import VenueAccount
from tradewire.venue.amounts import ZERO
from tradewire.venue.books import book_name
from tradewire.venue.listing import Listing
from tradewire.venue.records import AlgoOrder
from tradewire.venue.refusal import Parameters, VenueRefusedError
from tradewire.venue.trading import OrderDesk, check_qty, listed, refuse_rejected

BECOMES_LIMIT: Final = frozenset({BinanceOrderType.STOP, BinanceOrderType.TAKE_PROFIT})
CALLBACK_LEAST, CALLBACK_MOST = Decimal("0.1"), Decimal(10)
"""Of a trailing stop, percent. Source: Binance docs, "New Algo Order"."""


class ConditionalDesk:
    """Conditional orders of an account."""

    def __init__(
        self, account: VenueAccount, orders: OrderDesk, prices_e8: Callable[[str], Mapping[str, int] | None]
    ) -> None:
        self._account, self._orders, self._prices_e8 = account, orders, prices_e8
        self._watched: dict[int, AlgoOrder] = {}

    def place(self, request: Parameters) -> AlgoOrder:
        """A new conditional order. Raises RefusedError."""
        account, listing = self._account, listed(self._account, request)
        if request.text("algoType") != "CONDITIONAL":
            raise VenueRefusedError(
                ErrorCode.INVALID_PARAMETER, "Parameter 'algoType' is invalid: allowed CONDITIONAL."
            )
        algo = self._algo(request, listing)
        if len(self.open_orders(listing.symbol)) >= listing.filters.max_algo_orders:
            raise VenueRefusedError(ErrorCode.MAX_STOP_ORDER_EXCEEDED, "Reach max stop order limit.")
        if self._waits_here(algo):
            self._refuse_triggered(algo)
            self._watched[algo.algo_id] = algo
        else:
            events = account.books.submit(_new_order(algo), self._prices_e8(algo.symbol))
            refuse_rejected(events, algo.side)
            account.add_algo(algo)
            account.take(events)
            return algo
        account.add_algo(algo)
        return algo

    def _algo(self, request: Parameters, listing: Listing) -> AlgoOrder:
        """The order that a request describes. Raises RefusedError for what it can't be."""
        order_type = request.word("type", BinanceOrderType, ErrorCode.INVALID_ORDER_TYPE)
        if order_type in (BinanceOrderType.LIMIT, BinanceOrderType.MARKET):
            raise VenueRefusedError(ErrorCode.INVALID_ORDER_TYPE)
        side = request.word("side", Side, ErrorCode.INVALID_SIDE)
        position_side, reduce_only = self._orders.standing(request, side)
        trailing = order_type is BinanceOrderType.TRAILING_STOP_MARKET
        close = request.flag("closePosition")
        if close and (trailing or request.optional("quantity") or request.flag("reduceOnly")):
            raise VenueRefusedError(ErrorCode.PARAM_NOT_REQUIRED, "closePosition takes no quantity and no reduceOnly.")
        now_ms, algo_id = self._account.now_ms(), self._account.ids.next("algo")
        algo = AlgoOrder(
            algo_id,
            self._new_client_id(request.client_id("clientAlgoId"), algo_id),
            f"a{algo_id}",
            listing.symbol,
            side,
            position_side,
            order_type,
            request.word("timeInForce", BinanceTimeInForce, ErrorCode.INVALID_TIF, BinanceTimeInForce.GTC),
            ZERO if close else request.number("quantity"),
            ZERO if trailing else request.number("triggerPrice"),
            request.number("price") if order_type in BECOMES_LIMIT else ZERO,
            request.word(
                "workingType", BinanceWorkingType, ErrorCode.INVALID_PARAMETER, BinanceWorkingType.CONTRACT_PRICE
            ),
            reduce_only,
            close,
            now_ms,
            now_ms,
            callback_rate=request.number("callbackRate") if trailing else None,
            activation_price=request.optional_number("activatePrice", "activationPrice") if trailing else None,
        )
        _check(algo, listing)
        return algo

    def _new_client_id(self, wanted: str | None, algo_id: int) -> str:
        if wanted is None:
            return f"web_{algo_id}"
        if any(algo.client_algo_id == wanted for algo in self._account.algo_by_internal.values()):
            raise VenueRefusedError(ErrorCode.DUPLICATED_CLIENT_TRAN_ID)
        return wanted

    def open_orders(self, symbol: str | None) -> list[AlgoOrder]:
        """Conditional orders that have not triggered, oldest first."""
        waiting = (item for item in self._account.algo_by_internal.values() if item.status is AlgoStatus.NEW)
        return [item for item in waiting if symbol in (None, item.symbol)]

    def find(self, request: Parameters, refused: ErrorCode = ErrorCode.NO_SUCH_ORDER) -> AlgoOrder:
        """The newest conditional order that a request names. Raises RefusedError."""
        client_id, algo_id = request.optional("clientAlgoId"), request.integer("algoId", 0)
        if client_id is None and not algo_id:
            message = "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!"
            raise VenueRefusedError(ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED, message)
        for algo in reversed(self._account.algos.values()):
            if algo.algo_id == algo_id if algo_id else algo.client_algo_id == client_id:
                return algo
        raise VenueRefusedError(refused)

    def cancel(self, algo: AlgoOrder) -> None:
        """Withdraw one that has not triggered. Raises RefusedError for another."""
        if algo.status is not AlgoStatus.NEW:
            raise VenueRefusedError(ErrorCode.CANCEL_REJECTED)
        if self._watched.pop(algo.algo_id, None) is None:
            self._account.take(self._account.books.cancel(algo.internal_id))
            return
        del self._account.algo_by_internal[algo.internal_id]
        self._set(algo, AlgoStatus.CANCELED)

    # ---- watching ----

    def watch(self, bars: Mapping[str, Bar]) -> None:
        """Let the prices of a step reach what waits here."""
        for algo in list(self._watched.values()):
            bar = bars.get(algo.symbol)
            if bar is not None and _reached(algo, low_e8=bar.low_e8, high_e8=bar.high_e8):
                del self._watched[algo.algo_id]
                self._start(algo)

    def _start(self, algo: AlgoOrder) -> None:
        """What waited begins: a trailing stop follows the price, a stop or take-profit becomes a limit order."""
        account = self._account
        if algo.order_type is BinanceOrderType.TRAILING_STOP_MARKET:
            events = account.books.submit(_new_order(algo), None)
            rejected = any(isinstance(event, OrderRejected) for event in events)
            account.take(events)
            if rejected:
                self._set(algo, AlgoStatus.REJECTED)
            return
        algo.trigger_ms = account.now_ms()
        self._set(algo, AlgoStatus.TRIGGERING)
        events = account.books.submit(_new_order(algo), None)
        if any(isinstance(event, OrderRejected) for event in events):
            del account.algo_by_internal[algo.internal_id]
            self._set(algo, AlgoStatus.REJECTED)
            return
        account.born(algo, algo.internal_id, BinanceOrderType.LIMIT)
        account.take(events)

    def _waits_here(self, algo: AlgoOrder) -> bool:
        return algo.order_type in BECOMES_LIMIT or algo.activation_price is not None

    def _refuse_triggered(self, algo: AlgoOrder) -> None:
        last_e8 = self._account.books.position(algo.symbol, algo.position_side).last_e8
        if algo.order_type in BECOMES_LIMIT and _reached(algo, low_e8=last_e8, high_e8=last_e8):
            raise VenueRefusedError(ErrorCode.ORDER_WOULD_IMMEDIATELY_TRIGGER)

    def _set(self, algo: AlgoOrder, status: AlgoStatus) -> None:
        algo.status, algo.update_ms = status, self._account.now_ms()
        self._account.tell(algo.update(self._account.now_ms()))


def _reached(algo: AlgoOrder, *, low_e8: int, high_e8: int) -> bool:
    """Whether prices between these reach what the order waits for."""
    buys = algo.side is Side.BUY
    if algo.activation_price is not None:
        level_e8, rising = to_e8(algo.activation_price), not buys
    else:
        level_e8, rising = to_e8(algo.trigger_price), buys == (algo.order_type is BinanceOrderType.STOP)
    return high_e8 >= level_e8 if rising else low_e8 <= level_e8


def _check(algo: AlgoOrder, listing: Listing) -> None:
    """Raises RefusedError for a number that the filters do not allow."""
    if not algo.close_position:
        check_qty(listing, algo.qty, market=algo.order_type not in BECOMES_LIMIT)
    prices = (algo.trigger_price, algo.price, algo.activation_price or ZERO)
    fault = next((found for price in prices if price and (found := price_fault(listing.filters, price))), None)
    if fault:
        raise VenueRefusedError(fault)
    rate = algo.callback_rate
    if rate is not None and not CALLBACK_LEAST <= rate <= CALLBACK_MOST:
        raise VenueRefusedError(ErrorCode.INVALID_PARAMETER, f"callbackRate {rate}: allowed {CALLBACK_LEAST} to 10.")


def _new_order(algo: AlgoOrder) -> NewOrder:
    """The order as the exchange takes it: with its trigger, or after it as a limit order."""
    limit = algo.order_type in BECOMES_LIMIT
    return NewOrder(
        algo.internal_id,
        book_name(algo.symbol, algo.position_side),
        algo.side,
        ExchangeType.LIMIT if limit else ExchangeType(algo.order_type.value),
        qty_e8=to_e8(algo.qty),
        price_e8=to_e8(algo.price),
        stop_price_e8=0 if limit else to_e8(algo.trigger_price),
        callback_rate_e8=to_e8(algo.callback_rate) // 100 if algo.callback_rate is not None else 0,
        reduce_only=algo.reduce_only and not algo.close_position,
        close_position=algo.close_position,
        working_type=ExchangeWorking.MARK
        if algo.working_type is BinanceWorkingType.MARK_PRICE
        else ExchangeWorking.LAST,
    )
