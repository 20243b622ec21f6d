"""Walks one symbol along a leg of its price path and lets each order act where the path reaches it.

A leg is a straight move, so where something happens on it is a *progress*, 0 to `WHOLE_LEG`; that orders
triggers on the last price, triggers on the mark price, arrivals in time and the liquidation price on one
scale. Ties go worst case first: cancels that took effect, liquidation, arrivals, market orders, stops,
limits, take-profits; then by age.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tradewire.trading.exchange.account import Position
from tradewire.trading.exchange.bars import Leg
from tradewire.trading.exchange.events import CancelReason, ExpireReason
from tradewire.trading.exchange.executor import Executor
from tradewire.trading.exchange.fixed_point import SCALE, ceil_to, floor_to, mul_div, mul_div_ceil
from tradewire.trading.exchange.orders import (
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
)

WHOLE_LEG: Final = 10**12
"""Progress at the end of a leg; fine enough to tell two ticks apart on any real leg."""

_CANCEL, _LIQUIDATION, _ARRIVAL, _MARKET = range(4)
_RANKS: Final = {
    OrderType.STOP_MARKET: 4,
    OrderType.TRAILING_STOP_MARKET: 4,
    OrderType.LIMIT: 5,
    OrderType.TAKE_PROFIT_MARKET: 6,
}


class Touch(NamedTuple):
    """Something that happens on a leg, ordered by progress, rank and age; prices are where last and mark are
    then.
    """

    progress: int
    rank: int
    sequence: int
    last_e8: int
    mark_e8: int
    order: Order | None


def walk_leg(executor: Executor, position: Position, leg: Leg) -> None:
    """Move a symbol's prices along the leg; everything that the move reaches happens in order, into the
    events.
    """
    here = Touch(0, _CANCEL, -1, leg.last_from_e8, leg.mark_from_e8, None)
    _quote(executor, position, here.last_e8, here.mark_e8)
    while True:
        touch = _next_touch(executor, position, leg, here)
        if touch is None:
            break
        executor.now_us = _time_at(leg, touch.progress)
        _quote(executor, position, touch.last_e8, touch.mark_e8)
        _act(executor, position, leg, touch)
        here = touch
    executor.now_us = leg.end_us
    _quote(executor, position, leg.last_to_e8, leg.mark_to_e8)


def _quote(executor: Executor, position: Position, last_e8: int, mark_e8: int) -> None:
    """Set the symbol's prices; trailing stops that have arrived remember the best they saw."""
    executor.account.about_to_change(position)
    position.last_e8, position.mark_e8 = last_e8, mark_e8
    for order in executor.registry.of_symbol(position.spec.symbol):
        if order.request.type is OrderType.TRAILING_STOP_MARKET and order.extreme_e8:
            seen_e8 = mark_e8 if order.request.working_type is WorkingType.MARK else last_e8
            best = max if order.request.side is Side.SELL else min
            order.extreme_e8 = best(order.extreme_e8, seen_e8)


def _next_touch(executor: Executor, position: Position, leg: Leg, here: Touch) -> Touch | None:
    """First thing that happens at or after the present progress."""
    first = _liquidation_touch(executor, position, leg, here)
    for order in executor.registry.of_symbol(position.spec.symbol):
        touch = _order_touch(executor, position, leg, here, order)
        if touch is not None and (first is None or touch[:3] < first[:3]):
            first = touch
    return first


def _order_touch(executor: Executor, position: Position, leg: Leg, here: Touch, order: Order) -> Touch | None:
    cancel = None
    if order.cancel_us >= 0:
        cancel = _timed_touch(leg, here, order, order.cancel_us, _CANCEL)
    act = _action_touch(executor, position, leg, here, order)
    if cancel is None or act is None:
        return cancel or act
    return min(cancel, act, key=lambda touch: touch[:3])


def _action_touch(executor: Executor, position: Position, leg: Leg, here: Touch, order: Order) -> Touch | None:
    """Where an order arrives, triggers or fills, if it does on this leg."""
    if order.status is OrderStatus.INACTIVE:
        return None
    if not order.arrived:
        return _timed_touch(leg, here, order, order.arrive_us, _ARRIVAL)
    if order.acts_as_market:
        if executor.available(order) == 0 and order.leaves_e8:
            return None
        return Touch(here.progress, _MARKET, order.sequence, here.last_e8, here.mark_e8, order)
    if order.request.type is OrderType.LIMIT and executor.available(order) == 0:
        return None
    level_e8, rising = level(executor, position, order)
    uses_mark = works_on_mark(order)
    return _price_touch(
        leg,
        here,
        order,
        level_e8=level_e8,
        rising=rising,
        uses_mark=uses_mark,
        rank=_RANKS[order.request.type],
    )


def level(executor: Executor, position: Position, order: Order) -> tuple[int, bool]:
    """Price at which a resting order acts, and whether it is reached from below."""
    request, buys = order.request, order.request.side is Side.BUY
    if request.type is OrderType.LIMIT:
        through_e8 = executor.fill_model.through_ticks * position.spec.tick_e8
        return (request.price_e8 - through_e8, False) if buys else (request.price_e8 + through_e8, True)
    if request.type is OrderType.TAKE_PROFIT_MARKET:
        return request.stop_price_e8, not buys
    if request.type is OrderType.STOP_MARKET:
        return request.stop_price_e8, buys
    distance_e8 = request.callback_distance_e8 or mul_div(order.extreme_e8, request.callback_rate_e8, SCALE)
    return (order.extreme_e8 + distance_e8, True) if buys else (order.extreme_e8 - distance_e8, False)


def works_on_mark(order: Order) -> bool:
    """Whether the mark price, not the last price, makes the order act."""
    return order.request.type is not OrderType.LIMIT and order.request.working_type is WorkingType.MARK


def _price_touch(
    leg: Leg, here: Touch, order: Order | None, *, level_e8: int, rising: bool, uses_mark: bool, rank: int
) -> Touch | None:
    """Touch where the last or mark price reaches a level: at once if it is there already, else on the way."""
    sequence = -1 if order is None else order.sequence
    now_e8 = here.mark_e8 if uses_mark else here.last_e8
    if now_e8 >= level_e8 if rising else now_e8 <= level_e8:
        return Touch(here.progress, rank, sequence, here.last_e8, here.mark_e8, order)
    from_e8, to_e8 = (leg.mark_from_e8, leg.mark_to_e8) if uses_mark else (leg.last_from_e8, leg.last_to_e8)
    if to_e8 < level_e8 if rising else to_e8 > level_e8:
        return None
    progress = max(here.progress, mul_div_ceil(abs(level_e8 - from_e8), WHOLE_LEG, abs(to_e8 - from_e8)))
    last_e8, mark_e8 = _prices_at(leg, progress)
    if uses_mark and not leg.mark_follows:
        return Touch(progress, rank, sequence, last_e8, level_e8, order)
    return Touch(progress, rank, sequence, level_e8, level_e8 if leg.mark_follows else mark_e8, order)


def _timed_touch(leg: Leg, here: Touch, order: Order, time_us: int, rank: int) -> Touch | None:
    """Touch where modelled time reaches ``time_us``, if it does on this leg."""
    if time_us > leg.end_us:
        return None
    progress = here.progress
    if time_us > leg.start_us:
        elapsed_us = time_us - leg.start_us
        progress = max(progress, mul_div_ceil(elapsed_us, WHOLE_LEG, leg.end_us - leg.start_us))
    if progress == here.progress:
        return Touch(progress, rank, order.sequence, here.last_e8, here.mark_e8, order)
    last_e8, mark_e8 = _prices_at(leg, progress)
    return Touch(progress, rank, order.sequence, last_e8, mark_e8, order)


def _prices_at(leg: Leg, progress: int) -> tuple[int, int]:
    last_e8 = leg.last_from_e8 + mul_div(leg.last_to_e8 - leg.last_from_e8, progress, WHOLE_LEG)
    if leg.mark_follows:
        return last_e8, last_e8
    return last_e8, leg.mark_from_e8 + mul_div(leg.mark_to_e8 - leg.mark_from_e8, progress, WHOLE_LEG)


def _time_at(leg: Leg, progress: int) -> int:
    return leg.start_us + (leg.end_us - leg.start_us) * progress // WHOLE_LEG


def _liquidation_touch(executor: Executor, position: Position, leg: Leg, here: Touch) -> Touch | None:
    """Where the mark makes the position due: now, on the way (margin is monotone in the mark), or not on this
    leg.
    """
    if position.qty_e8 == 0:
        return None
    account = executor.account
    if account.is_underwater(position):
        return Touch(here.progress, _LIQUIDATION, -1, here.last_e8, here.mark_e8, None)
    if not account.is_due_at(position, leg.mark_to_e8):
        return None
    level_e8 = account.liquidation_price_e8(position)
    return _price_touch(
        leg,
        here,
        None,
        level_e8=level_e8,
        rising=position.qty_e8 < 0,
        uses_mark=True,
        rank=_LIQUIDATION,
    )


def _act(executor: Executor, position: Position, leg: Leg, touch: Touch) -> None:
    order = touch.order
    if order is None:
        executor.liquidate(position)
    elif touch.rank == _CANCEL:
        executor.cancel(order, CancelReason.REQUESTED)
    elif touch.rank == _ARRIVAL:
        _arrive(executor, position, order)
    elif touch.rank == _MARKET:
        price_e8 = executor.fill_model.taker_price(position.spec, order.request.side, position.last_e8)
        executor.execute(order, price_e8, Liquidity.TAKER)
    elif order.request.type is OrderType.LIMIT:
        executor.execute(order, _maker_price(position, order, gap=leg.is_open), Liquidity.MAKER)
    else:
        uses_mark = order.request.working_type is WorkingType.MARK
        executor.trigger(order, position.mark_e8 if uses_mark else position.last_e8)


def _maker_price(position: Position, order: Order, *, gap: bool) -> int:
    """A resting limit fills at its price, or at a better open when the market gapped over it."""
    price_e8, tick_e8 = order.request.price_e8, position.spec.tick_e8
    if not gap:
        return price_e8
    if order.request.side is Side.BUY:
        return min(price_e8, ceil_to(position.last_e8, tick_e8))
    return max(price_e8, floor_to(position.last_e8, tick_e8))


def _arrive(executor: Executor, position: Position, order: Order) -> None:
    """An order reaches the venue: trailing stops note the price, limits take or rest as their time in force
    says.
    """
    order.arrived = True
    request = order.request
    if request.type is OrderType.TRAILING_STOP_MARKET:
        uses_mark = request.working_type is WorkingType.MARK
        order.extreme_e8 = position.mark_e8 if uses_mark else position.last_e8
    if request.type is not OrderType.LIMIT:
        return
    buys = request.side is Side.BUY
    crosses = position.last_e8 <= request.price_e8 if buys else position.last_e8 >= request.price_e8
    if crosses and request.time_in_force is TimeInForce.GTX:
        executor.expire(order, ExpireReason.POST_ONLY_WOULD_CROSS)
        return
    if request.time_in_force is TimeInForce.FOK and not (crosses and executor.available(order) == order.leaves_e8):
        executor.expire(order, ExpireReason.FILL_OR_KILL)
        return
    if crosses:
        taken_e8 = executor.fill_model.taker_price(position.spec, request.side, position.last_e8)
        price_e8 = min(request.price_e8, taken_e8) if buys else max(request.price_e8, taken_e8)
        executor.execute(order, price_e8, Liquidity.TAKER)
    if request.time_in_force is TimeInForce.IOC and not order.status.is_closed:
        executor.expire(order, ExpireReason.IMMEDIATE_OR_CANCEL)
