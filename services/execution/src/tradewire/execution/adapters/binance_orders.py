"""Between our orders and Binance's words for them: what is asked for, and what replies and reports say."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.orders import CONDITIONAL_TYPES, AlgoStatus, PositionSide
from tradewire.binance.orders import BinanceOrderStatus as BinanceStatus
from tradewire.binance.replies import AlgoOrderReply, OrderReply, UserTrade
from tradewire.binance.user_stream import AlgoUpdate, OrderTradeUpdate
from tradewire.ports.broker import VenueFill, VenueOrder
from tradewire.ports.events import Liquidity, OrderIntent, OrderLeg, OrderStatus, OrderType, Side

CALLBACK_STEP, CALLBACK_LEAST, CALLBACK_MOST = Decimal("0.1"), Decimal("0.1"), Decimal(10)
"""Of ``callbackRate``, percent. Source: Binance docs, "New Algo Order"."""
OPENING: Final = frozenset({OrderLeg.ENTRY})
"""Legs that open a position; all others close one."""

STATUSES: Final = MappingProxyType(
    {
        BinanceStatus.NEW.value: OrderStatus.ACCEPTED,
        BinanceStatus.PARTIALLY_FILLED.value: OrderStatus.PARTIALLY_FILLED,
        BinanceStatus.FILLED.value: OrderStatus.FILLED,
        BinanceStatus.CANCELED.value: OrderStatus.CANCELED,
        BinanceStatus.REJECTED.value: OrderStatus.REJECTED,
        BinanceStatus.EXPIRED.value: OrderStatus.EXPIRED,
        BinanceStatus.EXPIRED_IN_MATCH.value: OrderStatus.EXPIRED,
    }
)
ALGO_STATUSES: Final = MappingProxyType(
    {
        AlgoStatus.NEW.value: OrderStatus.ACCEPTED,
        AlgoStatus.TRIGGERING.value: OrderStatus.TRIGGERED,
        AlgoStatus.TRIGGERED.value: OrderStatus.TRIGGERED,
        AlgoStatus.FINISHED.value: OrderStatus.TRIGGERED,
        AlgoStatus.CANCELED.value: OrderStatus.CANCELED,
        AlgoStatus.EXPIRED.value: OrderStatus.EXPIRED,
        AlgoStatus.REJECTED.value: OrderStatus.REJECTED,
    }
)
"""From the trigger on, how an order stands is what the normal order born there says."""


def is_conditional(intent: OrderIntent) -> bool:
    """Does it wait for a price, in the id space of conditional orders?"""
    return intent.order_type.value in CONDITIONAL_TYPES


def position_side(intent: OrderIntent) -> PositionSide:
    """The side of a hedged position that an order opens or closes."""
    opens = intent.leg in OPENING
    return PositionSide.LONG if (intent.side is Side.BUY) == opens else PositionSide.SHORT


def order_request(symbol: str, intent: OrderIntent, *, hedged: bool) -> dict[str, Any]:
    """Parameters of ``POST /fapi/v1/order``."""
    request = _request(symbol, intent, hedged=hedged)
    if intent.order_type is OrderType.LIMIT:
        request |= {"price": intent.price, "timeInForce": intent.time_in_force.value}
    return request | {"type": intent.order_type.value, "newClientOrderId": intent.client_order_id}


def market_request(symbol: str, intent: OrderIntent, *, hedged: bool) -> dict[str, Any]:
    """A guard as the market order that its trigger would make."""
    return _request(symbol, intent, hedged=hedged) | {
        "type": OrderType.MARKET.value,
        "newClientOrderId": intent.client_order_id,
    }


def algo_request(symbol: str, intent: OrderIntent, *, hedged: bool, mark: Decimal | None = None) -> dict[str, Any]:
    """Parameters of ``POST /fapi/v1/algoOrder``. ``mark``: the mark price, which a trailing distance is a rate of."""
    request = _request(symbol, intent, hedged=hedged) | {
        "algoType": "CONDITIONAL",
        "type": intent.order_type.value,
        "clientAlgoId": intent.client_order_id,
        "workingType": "CONTRACT_PRICE",
    }
    if intent.trailing_distance is None:
        return request | {"triggerPrice": intent.stop_price}
    assert mark is not None, "a trailing stop needs a price"
    return request | {"callbackRate": callback_rate(intent.trailing_distance, mark)}


def _request(symbol: str, intent: OrderIntent, *, hedged: bool) -> dict[str, Any]:
    request: dict[str, Any] = {"symbol": symbol, "side": intent.side.value, "quantity": intent.qty}
    if hedged:
        return request | {"positionSide": position_side(intent).value}
    return request | ({"reduceOnly": True} if intent.reduce_only else {})


def callback_rate(distance: Decimal, price: Decimal) -> Decimal:
    """A trailing distance as percent of a price, in Binance's steps and bounds."""
    rate = (distance / price * 100).quantize(CALLBACK_STEP, rounding=ROUND_HALF_EVEN)
    return min(max(rate, CALLBACK_LEAST), CALLBACK_MOST)


# ---- what the venue says ----


def order_of(reply: OrderReply, client_order_id: str) -> VenueOrder:
    """A normal order. ``client_order_id``: ours, which a triggered conditional order keeps."""
    filled = reply.filled_qty if reply.filled_qty is not None else reply.cumulative_qty or Decimal(0)
    return VenueOrder(
        client_order_id=client_order_id,
        venue_order_id=str(reply.order_id),
        symbol=reply.symbol,
        side=Side(reply.side),
        order_type=reply.order_type,
        qty=reply.qty,
        filled_qty=filled,
        status=STATUSES.get(reply.status, OrderStatus.ACCEPTED),
        updated_us=reply.update_time_ms * 1000,
        reason=_reason(reply.status),
    )


def conditional_order_of(reply: AlgoOrderReply) -> VenueOrder:
    """A conditional order, as far as it alone tells."""
    return VenueOrder(
        client_order_id=reply.client_algo_id,
        venue_order_id=reply.order_id or str(reply.algo_id),
        symbol=reply.symbol,
        side=Side(reply.side),
        order_type=reply.order_type,
        qty=reply.qty,
        filled_qty=Decimal(0),
        status=ALGO_STATUSES.get(reply.status, OrderStatus.ACCEPTED),
        updated_us=reply.update_time_ms * 1000,
    )


def _reason(status: str) -> str | None:
    """What the plain status does not say."""
    plain = STATUSES.get(status)
    return status if plain is None or status not in (plain.value, BinanceStatus.NEW) else None


def fill_of(trade: UserTrade, client_order_id: str, quote: str) -> VenueFill:
    """A fill of ``userTrades``; one whose commission is not in ``quote`` lacks the fee's value."""
    elsewhere = trade.commission_asset != quote and bool(trade.commission)
    return VenueFill(
        venue_trade_id=str(trade.trade_id),
        client_order_id=client_order_id,
        venue_order_id=str(trade.order_id),
        symbol=trade.symbol,
        side=Side(trade.side),
        qty=trade.qty,
        price=trade.price,
        fee=Decimal(0) if elsewhere else trade.commission,
        liquidity=Liquidity.MAKER if trade.maker else Liquidity.TAKER,
        realized_pnl=trade.realized_pnl,
        time_us=trade.time_ms * 1000,
        fee_asset=trade.commission_asset if elsewhere else "",
        fee_paid=trade.commission if elsewhere else Decimal(0),
        position_side=trade.position_side,
    )


def reports_of(event: OrderTradeUpdate, client_order_id: str, quote: str) -> Iterator[VenueOrder | VenueFill]:
    """What happened to an order and how it stands, of an update of the user stream.

    A fill whose commission is not in ``quote`` is left to ``userTrades``: its fee must be converted first.
    """
    order = event.order
    if order.last_filled_qty > 0 and order.commission_asset in (quote, None):
        yield VenueFill(
            venue_trade_id=str(order.trade_id),
            client_order_id=client_order_id,
            venue_order_id=str(order.order_id),
            symbol=order.symbol,
            side=Side(order.side),
            qty=order.last_filled_qty,
            price=order.last_filled_price,
            fee=order.commission or Decimal(0),
            liquidity=Liquidity.MAKER if order.is_maker else Liquidity.TAKER,
            realized_pnl=order.realized_profit,
            time_us=order.trade_time_ms * 1000,
            position_side=order.position_side,
        )
    yield VenueOrder(
        client_order_id=client_order_id,
        venue_order_id=str(order.order_id),
        symbol=order.symbol,
        side=Side(order.side),
        order_type=order.order_type,
        qty=order.qty,
        filled_qty=order.filled_qty,
        status=STATUSES.get(order.status, OrderStatus.ACCEPTED),
        updated_us=event.transaction_time_ms * 1000,
        reason=order.expire_reason or _reason(order.status),
    )


def algo_reports_of(event: AlgoUpdate) -> Iterator[VenueOrder]:
    """How a conditional order stands, of an update of the user stream."""
    order = event.order
    yield VenueOrder(
        client_order_id=order.client_algo_id,
        venue_order_id=order.order_id or str(order.algo_id),
        symbol=order.symbol,
        side=Side(order.side),
        order_type=order.order_type,
        qty=order.qty,
        filled_qty=Decimal(0),
        status=ALGO_STATUSES.get(order.status, OrderStatus.ACCEPTED),
        updated_us=event.transaction_time_ms * 1000,
        reason=order.reject_reason,
    )
