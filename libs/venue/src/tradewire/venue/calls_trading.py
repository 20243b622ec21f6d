"""Answers of the calls that place, change, cancel and show orders of both kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.orders import BinanceOrderStatus
from tradewire.venue.calls_market import Call
from tradewire.venue.records import StoredOrder
from tradewire.venue.refusal import Parameters, VenueRefusedError
from tradewire.venue.trading import listed
from tradewire.venue.venue import Venue

BATCH_MAX: Final = 5
BATCH_CANCEL_MAX: Final = 10
DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


def _place(venue: Venue, request: Parameters) -> Any:
    order = venue.orders.place(request)
    return _as_asked(order, request)


def _as_asked(order: StoredOrder, request: Parameters) -> dict[str, Any]:
    """RESULT: as it stands after it met the market; ACK, the default: as it was taken."""
    reply = _placed(order)
    if request.values.get("newOrderRespType", "ACK") == "RESULT":
        return reply
    zero = {"executedQty": "0", "cumQty": "0", "cumQuote": "0", "avgPrice": "0.00"}
    return reply | zero | {"status": BinanceOrderStatus.NEW.value}


def _placed(order: StoredOrder) -> dict[str, Any]:
    """Replies to a change of an order have no time of creation."""
    return {name: value for name, value in order.reply().write().items() if name != "time"}


def _test(venue: Venue, request: Parameters) -> Any:
    return _placed(venue.orders.place(request, test=True))


def _change(venue: Venue, request: Parameters) -> Any:
    return _placed(venue.orders.change(request))


def _cancel(venue: Venue, request: Parameters) -> Any:
    order = venue.orders.find_open(request)
    venue.orders.cancel(order)
    return _placed(order)


def _cancel_all(venue: Venue, request: Parameters) -> Any:
    for order in venue.orders.open_orders(listed(venue.account, request).symbol):
        venue.orders.cancel(order)
    return DONE


def _query(venue: Venue, request: Parameters) -> Any:
    return venue.orders.find(request).reply().write()


def _open_order(venue: Venue, request: Parameters) -> Any:
    return venue.orders.find_open(request, ErrorCode.NO_SUCH_ORDER).reply().write()


def _open_orders(venue: Venue, request: Parameters) -> Any:
    return [order.reply().write() for order in venue.orders.open_orders(request.optional("symbol"))]


def _all_orders(venue: Venue, request: Parameters) -> Any:
    symbol, first, last = request.text("symbol"), request.integer("startTime", 0), request.integer("endTime", 10**15)
    from_id, limit = request.integer("orderId", 0), request.integer("limit", 500, most=1000)
    found = [
        order.reply().write()
        for order in venue.account.orders.values()
        if order.symbol == symbol and first <= order.time_ms <= last and order.order_id >= from_id
    ]
    return found[:limit] if from_id else found[-limit:]


def _force_orders(venue: Venue, request: Parameters) -> Any:
    orders = venue.account.orders.values()
    return [order.reply().write() for order in orders if order.client_order_id.startswith("autoclose-")]


# ---- batches ----


def _batch(venue: Venue, request: Parameters, act: Callable[[Venue, Parameters], Any]) -> list[Any]:
    """Each order of a batch by itself: what is refused is told in its place."""
    items = _items(request.text("batchOrders"), BATCH_MAX)
    return [_one(venue, Parameters({name: _as_text(value) for name, value in item.items()}), act) for item in items]


def _one(venue: Venue, request: Parameters, act: Callable[[Venue, Parameters], Any]) -> Any:
    try:
        return act(venue, request)
    except VenueRefusedError as error:
        return error.body


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(text: str, most: int) -> list[Any]:
    try:
        items = json.loads(text)
    except ValueError as error:
        raise VenueRefusedError(ErrorCode.INVALID_PARAMETER, "Parameter 'batchOrders' is no JSON list.") from error
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise VenueRefusedError(ErrorCode.INVALID_PARAMETER, f"Found no list of 1 to {most} orders.")
    return items


def _batch_place(venue: Venue, request: Parameters) -> Any:
    return _batch(venue, request, lambda venue, item: _as_asked(venue.orders.place(item), item))


def _batch_change(venue: Venue, request: Parameters) -> Any:
    return _batch(venue, request, _change)


def _batch_cancel(venue: Venue, request: Parameters) -> Any:
    symbol = request.text("symbol")
    ids = request.optional("orderIdList", "orderidlist")
    names = request.optional("origClientOrderIdList", "origclientorderidlist")
    field, listed_ids = ("orderId", ids) if ids else ("origClientOrderId", names)
    if not listed_ids:
        raise VenueRefusedError(
            ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "orderIdList or origClientOrderIdList is needed."
        )
    items = _items(listed_ids, BATCH_CANCEL_MAX)
    return [_one(venue, Parameters({"symbol": symbol, field: str(item)}), _cancel) for item in items]


# ---- conditional orders ----


def _algo_place(venue: Venue, request: Parameters) -> Any:
    return venue.conditional.place(request).reply().write()


def _algo_cancel(venue: Venue, request: Parameters) -> Any:
    algo = venue.conditional.find(request, ErrorCode.CANCEL_REJECTED)
    venue.conditional.cancel(algo)
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_algo_id, "code": "200", "msg": "success"}


def _algo_cancel_all(venue: Venue, request: Parameters) -> Any:
    for algo in venue.conditional.open_orders(listed(venue.account, request).symbol):
        venue.conditional.cancel(algo)
    return DONE


def _algo_query(venue: Venue, request: Parameters) -> Any:
    return venue.conditional.find(request).reply().write()


def _algo_open(venue: Venue, request: Parameters) -> Any:
    return [algo.reply().write() for algo in venue.conditional.open_orders(request.optional("symbol"))]


def _algo_all(venue: Venue, request: Parameters) -> Any:
    symbol, limit = request.text("symbol"), request.integer("limit", 500, most=1000)
    return [algo.reply().write() for algo in venue.account.algos.values() if algo.symbol == symbol][-limit:]


# ---- fills ----


def _user_trades(venue: Venue, request: Parameters) -> Any:
    symbol, first, last = request.text("symbol"), request.integer("startTime", 0), request.integer("endTime", 10**15)
    from_id, limit = request.integer("fromId", 0), request.integer("limit", 500, most=1000)
    order_id = request.integer("orderId", 0)
    found = [
        fill.reply().write()
        for fill in venue.account.fills
        if fill.order.symbol == symbol
        and first <= fill.time_ms <= last
        and fill.trade_id >= from_id
        and order_id in (0, fill.order.order_id)
    ]
    return found[:limit] if from_id or request.optional("startTime") else found[-limit:]


def _countdown(venue: Venue, request: Parameters) -> Any:
    """Cancel all open orders of a symbol when this is not asked again in time; conditional ones stay."""
    symbol, wait_ms = listed(venue.account, request).symbol, request.integer("countdownTime")
    venue.countdowns.pop(symbol, None)
    if wait_ms:
        venue.countdowns[symbol] = venue.now_ms() + wait_ms
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


CALLS: Final[Mapping[tuple[str, str], Call]] = MappingProxyType(
    {
        ("POST", "/fapi/v1/order"): _place,
        ("POST", "/fapi/v1/order/test"): _test,
        ("PUT", "/fapi/v1/order"): _change,
        ("GET", "/fapi/v1/order"): _query,
        ("DELETE", "/fapi/v1/order"): _cancel,
        ("POST", "/fapi/v1/batchOrders"): _batch_place,
        ("PUT", "/fapi/v1/batchOrders"): _batch_change,
        ("DELETE", "/fapi/v1/batchOrders"): _batch_cancel,
        ("DELETE", "/fapi/v1/allOpenOrders"): _cancel_all,
        ("POST", "/fapi/v1/countdownCancelAll"): _countdown,
        ("GET", "/fapi/v1/openOrder"): _open_order,
        ("GET", "/fapi/v1/openOrders"): _open_orders,
        ("GET", "/fapi/v1/allOrders"): _all_orders,
        ("GET", "/fapi/v1/userTrades"): _user_trades,
        ("GET", "/fapi/v1/forceOrders"): _force_orders,
        ("POST", "/fapi/v1/algoOrder"): _algo_place,
        ("GET", "/fapi/v1/algoOrder"): _algo_query,
        ("DELETE", "/fapi/v1/algoOrder"): _algo_cancel,
        ("DELETE", "/fapi/v1/algoOpenOrders"): _algo_cancel_all,
        ("GET", "/fapi/v1/openAlgoOrders"): _algo_open,
        ("GET", "/fapi/v1/allAlgoOrders"): _algo_all,
    }
)
