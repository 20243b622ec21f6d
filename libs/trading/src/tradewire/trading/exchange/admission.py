"""Whether the venue takes an order: its form, the instrument's filters, the position and the margin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tradewire.trading.exchange.account import Account, Position
from tradewire.trading.exchange.events import ExpireReason, RejectReason
from tradewire.trading.exchange.fixed_point import SCALE, mul_div_ceil, mul_div_floor, notional
from tradewire.trading.exchange.instrument import bracket_at
from tradewire.trading.exchange.order_registry import OrderRegistry
from tradewire.trading.exchange.orders import (
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
)


class Refusal(NamedTuple):
    """Why an order is not taken, with what was found and what is allowed."""

    reason: RejectReason
    detail: str


def check(request: NewOrder, account: Account, registry: OrderRegistry) -> Refusal | None:
    """First reason to refuse the order, or None; checked in the order form, filters, prices, position,
    margin.
    """
    if request.client_order_id in registry:
        return Refusal(RejectReason.DUPLICATE_CLIENT_ORDER_ID, f"{request.client_order_id} was used before")
    position = account.positions.get(request.symbol)
    if position is None:
        return Refusal(RejectReason.UNKNOWN_SYMBOL, f"{request.symbol} is not listed")
    if position.last_e8 == 0:
        return Refusal(RejectReason.NO_MARKET_PRICE, f"{request.symbol} has not traded yet")
    if request.activate_on and request.activate_on not in registry:
        return Refusal(RejectReason.UNKNOWN_PARENT, f"no order {request.activate_on}")
    open_orders = registry.of_symbol(request.symbol)
    if len(open_orders) >= position.spec.max_open_orders:
        return Refusal(RejectReason.TOO_MANY_OPEN_ORDERS, f"open {len(open_orders)}, the most allowed")
    return (
        _check_form(request)
        or _check_qty(request, position)
        or _check_prices(request, position)
        or _check_position(request, account, registry, position)
    )


def _check_form(request: NewOrder) -> Refusal | None:
    numbers = (
        request.qty_e8,
        request.price_e8,
        request.stop_price_e8,
        request.callback_distance_e8,
        request.callback_rate_e8,
    )
    stops = request.type in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
    trails = request.type is OrderType.TRAILING_STOP_MARKET
    callbacks = (request.callback_distance_e8 > 0) + (request.callback_rate_e8 > 0)
    rules = (
        (bool(request.client_order_id), "client order id is empty"),
        (min(numbers) >= 0, "a quantity, price or distance is negative"),
        (
            (request.price_e8 > 0) == (request.type is OrderType.LIMIT),
            "a limit price is for LIMIT orders, and must",
        ),
        ((request.stop_price_e8 > 0) == stops, "a stop price is for STOP and TAKE_PROFIT orders, and must"),
        (callbacks == (1 if trails else 0), "one callback is for TRAILING_STOP orders, and must"),
        (request.callback_rate_e8 < SCALE, "callback rate must be below 1"),
        (
            not request.close_position or request.type.is_conditional,
            "close_position is for conditional orders",
        ),
        (not (request.close_position and request.qty_e8), "close_position takes no quantity"),
        (
            request.time_in_force is TimeInForce.GTC or request.type is OrderType.LIMIT,
            "time in force is for LIMIT orders",
        ),
        (request.activate_on != request.client_order_id, "an order cannot activate on itself"),
    )
    for holds, detail in rules:
        if not holds:
            return Refusal(RejectReason.BAD_PARAMETERS, detail)
    return None


def _check_qty(request: NewOrder, position: Position) -> Refusal | None:
    if request.close_position:
        return None
    spec, qty_e8 = position.spec, request.qty_e8
    if qty_e8 % spec.step_e8:
        return Refusal(RejectReason.QUANTITY_NOT_ON_STEP, f"quantity {qty_e8} e8, step {spec.step_e8} e8")
    if qty_e8 < spec.min_qty_e8:
        return Refusal(RejectReason.QUANTITY_BELOW_MIN, f"quantity {qty_e8} e8, minimum {spec.min_qty_e8} e8")
    largest_e8 = spec.max_qty_e8
    if request.type is not OrderType.LIMIT and spec.max_market_qty_e8:
        largest_e8 = spec.max_market_qty_e8
    if qty_e8 > largest_e8:
        return Refusal(RejectReason.QUANTITY_ABOVE_MAX, f"quantity {qty_e8} e8, maximum {largest_e8} e8")
    price_e8 = request.price_e8 or request.stop_price_e8 or position.last_e8
    value_e8 = notional(qty_e8, price_e8)
    if value_e8 < spec.min_notional_e8 and not request.reduce_only:
        return Refusal(RejectReason.NOTIONAL_BELOW_MIN, f"notional {value_e8} e8, minimum {spec.min_notional_e8} e8")
    return None


def _check_prices(request: NewOrder, position: Position) -> Refusal | None:
    spec = position.spec
    for price_e8 in (request.price_e8, request.stop_price_e8, request.callback_distance_e8):
        if price_e8 % spec.tick_e8:
            return Refusal(RejectReason.PRICE_NOT_ON_TICK, f"price {price_e8} e8, tick {spec.tick_e8} e8")
    if request.type is OrderType.LIMIT:
        return _check_limit_price(request, position)
    if request.stop_price_e8 and not request.activate_on and triggers_now(request, position):
        return Refusal(RejectReason.WOULD_TRIGGER_IMMEDIATELY, f"stop {request.stop_price_e8} e8 is already reached")
    return None


def _check_limit_price(request: NewOrder, position: Position) -> Refusal | None:
    price_e8, collar_e8 = request.price_e8, position.spec.price_collar_e8
    highest_e8 = mul_div_floor(position.mark_e8, SCALE + collar_e8, SCALE)
    lowest_e8 = mul_div_ceil(position.mark_e8, max(SCALE - collar_e8, 0), SCALE)
    buys = request.side is Side.BUY
    if collar_e8 and (price_e8 > highest_e8 if buys else price_e8 < lowest_e8):
        bound = f"highest {highest_e8}" if buys else f"lowest {lowest_e8}"
        return Refusal(RejectReason.PRICE_OUTSIDE_COLLAR, f"price {price_e8} e8, {bound} e8")
    crosses = price_e8 >= position.last_e8 if buys else price_e8 <= position.last_e8
    if request.time_in_force is TimeInForce.GTX and not request.activate_on and crosses:
        return Refusal(RejectReason.POST_ONLY_WOULD_CROSS, f"price {price_e8} e8, last {position.last_e8} e8")
    return None


def triggers_now(request: NewOrder, position: Position) -> bool:
    """Whether a stop or take-profit order's trigger is reached at the present price of its working type."""
    seen_e8 = position.mark_e8 if request.working_type is WorkingType.MARK else position.last_e8
    if (request.side is Side.BUY) == (request.type is OrderType.STOP_MARKET):
        return seen_e8 >= request.stop_price_e8
    return seen_e8 <= request.stop_price_e8


def _check_position(request: NewOrder, account: Account, registry: OrderRegistry, position: Position) -> Refusal | None:
    if request.activate_on:
        return None
    if request.only_reduces:
        if position.qty_e8 * request.side.sign >= 0:
            return Refusal(RejectReason.REDUCE_ONLY_NO_POSITION, f"position {position.qty_e8} e8")
        return None
    if request.type.is_conditional:
        return None
    return _check_margin(request, account, registry, position)


def _check_margin(request: NewOrder, account: Account, registry: OrderRegistry, position: Position) -> Refusal | None:
    open_orders = registry.of_symbol(request.symbol)
    before_e8 = exposure(position, open_orders)
    value_e8 = notional(request.qty_e8, request.price_e8 or position.last_e8)
    after_e8 = exposure(position, open_orders, side=request.side, extra_e8=value_e8)
    if after_e8 <= before_e8:
        return None
    refusal = check_leverage(position, after_e8)
    if refusal is not None:
        return refusal
    fee_e8 = mul_div_ceil(value_e8, position.spec.taker_fee_e8, SCALE)
    needed_e8 = mul_div_ceil(after_e8, 1, position.leverage) + fee_e8
    free_e8 = account.free_balance_e8(position) - margin_of_orders(account, registry, but_of=request.symbol)
    if needed_e8 > free_e8:
        return Refusal(RejectReason.INSUFFICIENT_MARGIN, f"needed {needed_e8} e8, free {free_e8} e8")
    return None


def check_leverage(position: Position, exposure_e8: int) -> Refusal | None:
    """Refuse an exposure (unsigned notional) whose bracket does not allow the symbol's leverage."""
    tier = bracket_at(position.spec.brackets, exposure_e8)
    if position.leverage <= tier.max_leverage and exposure_e8 <= position.spec.brackets[-1].cap_e8:
        return None
    detail = f"notional {exposure_e8} e8 allows leverage {tier.max_leverage}, set is {position.leverage}"
    return Refusal(RejectReason.NOTIONAL_ABOVE_LEVERAGE_BRACKET, detail)


def exposure(position: Position, open_orders: Iterable[Order], *, side: Side = Side.BUY, extra_e8: int = 0) -> int:
    """Largest unsigned notional that the position can reach if all opening orders of one side fill.

    Source: Binance FAQ on open order margin: max(|position + bids|, |position - asks|). Conditional orders
    count once triggered, reduce-only and inactive ones never.
    """
    held_e8 = notional(position.qty_e8, position.mark_e8)
    bids_e8 = extra_e8 if side is Side.BUY else 0
    asks_e8 = extra_e8 - bids_e8
    for order in open_orders:
        value_e8 = opening_notional(order, position)
        if order.request.side is Side.BUY:
            bids_e8 += value_e8
        else:
            asks_e8 += value_e8
    return max(abs(held_e8 + bids_e8), abs(held_e8 - asks_e8))


def opening_notional(order: Order, position: Position) -> int:
    """Notional that an order reserves margin for, quote e8."""
    request = order.request
    if request.only_reduces or order.status is OrderStatus.INACTIVE:
        return 0
    if request.type.is_conditional and not order.acts_as_market:
        return 0
    return notional(order.leaves_e8, request.price_e8 or position.last_e8)


def order_margin(position: Position, open_orders: Sequence[Order]) -> int:
    """Margin that a symbol's open orders hold beyond its position's own, quote e8."""
    if not open_orders:
        return 0
    whole_e8 = mul_div_ceil(exposure(position, open_orders), 1, position.leverage)
    return max(0, whole_e8 - position.initial_margin_e8)


def margin_of_orders(account: Account, registry: OrderRegistry, *, but_of: str = "") -> int:
    """Margin that open orders of all symbols, but perhaps of one, hold beyond their positions' own, quote e8.

    Orders that only reduce hold none, so that only symbols are asked that have another one.
    """
    symbols = {order.request.symbol for order in registry.opening.values()} - {but_of}
    return sum(order_margin(account.positions[symbol], registry.of_symbol(symbol)) for symbol in symbols)


def check_fill(account: Account, position: Position, signed_e8: int, price_e8: int) -> ExpireReason | None:
    """Why a fill about to happen must not: bracket or margin; one that reduces always may."""
    after_e8 = position.qty_e8 + signed_e8
    if abs(after_e8) <= abs(position.qty_e8):
        return None
    exposure_e8 = notional(abs(after_e8), price_e8)
    if check_leverage(position, exposure_e8) is not None:
        return ExpireReason.NOTIONAL_ABOVE_LEVERAGE_BRACKET
    fee_e8 = mul_div_ceil(notional(abs(signed_e8), price_e8), position.spec.taker_fee_e8, SCALE)
    needed_e8 = mul_div_ceil(exposure_e8, 1, position.leverage) + fee_e8
    if needed_e8 > account.free_balance_e8(position):
        return ExpireReason.INSUFFICIENT_MARGIN
    return None
