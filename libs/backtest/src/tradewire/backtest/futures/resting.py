"""The protective orders of an account, between the exchange that keeps them and the loop that carries them along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tradewire.backtest.futures.decisions import Answers, Decider
from tradewire.backtest.futures.grid import Grid, IntMatrix
from tradewire.backtest.futures.guards import DECIDED, EXTREME, GUARD_COLUMNS, KNOWN, NUMBER, STOP, TAKE, TRAIL
from tradewire.trading.exchange import SimulatedExchange, from_e8
from tradewire.trading.exchange.orders import Order, OrderStatus, OrderType, WorkingType, venue_order_id
from tradewire.trading.wire import order_of

_KINDS = {
    OrderType.STOP_MARKET: STOP,
    OrderType.TAKE_PROFIT_MARKET: TAKE,
    OrderType.TRAILING_STOP_MARKET: TRAIL,
}


def guards_of(grid: Grid, exchange: SimulatedExchange) -> IntMatrix | None:
    """The open orders as guards, shape (s, 6); None when one is more than that: on its way, at work, or not whole."""
    guards = np.zeros((len(grid.symbols), GUARD_COLUMNS), dtype=np.int64)
    guards[:, NUMBER] = KNOWN
    groups: dict[int, str] = {}
    for order in exchange.orders:
        request = order.request
        s, kind = grid.symbols.index(request.symbol), _KINDS.get(request.type)
        held_e8 = exchange.account.positions[request.symbol].quantity_e8
        known = groups.setdefault(s, request.oco_group) == request.oco_group != ""
        if kind is None or guards[s, kind] or not known or not _rests(order, held_e8):
            return None
        guards[s, kind] = request.stop_price_e8 or request.callback_distance_e8
        guards[s, DECIDED] = np.searchsorted(grid.close_time_us, order.arrive_us)
        if kind == TRAIL:
            guards[s, EXTREME] = order.extreme_e8
    return guards


def _rests(order: Order, held_e8: int) -> bool:
    """Whether an order waits for the last price, to close the whole position."""
    request = order.request
    at_rest = order.arrived and order.status is OrderStatus.WORKING and order.cancel_us < 0 and not order.filled_e8
    closes = request.reduce_only and order.quantity_e8 * request.side.sign == -held_e8
    return at_rest and closes and request.working_type is WorkingType.LAST and not request.callback_rate_e8


def orders_of(
    guards: IntMatrix,
    held_e8: IntMatrix,
    grid: Grid,
    exchange: SimulatedExchange,
    answers: Sequence[Answers],
    decider: Decider,
) -> list[Order]:
    """The open orders that guards and the positions ``held_e8`` (s,) of the loop stand for, oldest first.

    ``exchange`` is as it was when the loop began.
    """
    known = list(exchange.orders)
    open_now: list[Order] = []
    for s, symbol in enumerate(grid.symbols):
        if not guards[s, : TRAIL + 1].any():
            continue
        if guards[s, NUMBER] == KNOWN:
            orders = [order for order in known if order.request.symbol == symbol]
        else:
            orders = list(_sent(s, guards[s], int(held_e8[s]), grid, exchange.taken, answers[s], decider))
        for order in orders:
            if order.request.type is OrderType.TRAILING_STOP_MARKET:
                order.extreme_e8 = int(guards[s, EXTREME])
        open_now += orders
    return sorted(open_now, key=lambda order: order.sequence)


def _sent(
    s: int,
    guard: IntMatrix,
    held_e8: int,
    grid: Grid,
    sent_before: int,
    answers: Answers,
    decider: Decider,
) -> Iterator[Order]:
    """What an entry's decision sent beside the entry, as the venue keeps it once that has filled."""
    symbol, at = grid.symbols[s], int(guard[DECIDED])
    time_us, close = int(grid.close_time_us[at]), from_e8(int(grid.close[s, at]))
    bar = int(answers.index[at])
    intents = decider.protection_of(symbol, bar, time_us, answers.arrays, close, from_e8(held_e8))
    for sequence, intent in enumerate(intents, sent_before + int(guard[NUMBER]) + 2):
        request = order_of(intent, symbol, decider.strategy.id)
        yield Order(
            request=request,
            venue_order_id=venue_order_id(decider.strategy.account, sequence),
            sequence=sequence,
            arrive_us=time_us,
            quantity_e8=request.quantity_e8,
            status=OrderStatus.WORKING,
            arrived=True,
        )
