"""The positions and open orders of an account, between the exchange that keeps them and the loop."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from tradewire.backtest.futures.arrays import Held, Ints
from tradewire.backtest.futures.coverage import place_of
from tradewire.backtest.futures.decisions import Decider
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.open_orders import (
    ARRIVE,
    ARRIVED,
    CANCEL,
    DECIDED,
    ENTRY,
    EXIT,
    EXTREME,
    FIELDS,
    FILLED,
    GUARDS,
    INACTIVE,
    LEFT,
    LEVEL,
    NONE,
    PART_FILLED,
    PLACES,
    QTY,
    REQUESTED,
    SEQUENCE,
    SIGN,
    STATUS,
    STOP,
    TAKE,
    TRAIL,
    TRIGGERED,
    WORKING,
)
from tradewire.backtest.loops.arithmetic import LARGEST_WORTH, SCALE, TOO_LARGE
from tradewire.ports.events import OrderLeg
from tradewire.trading.exchange import SimulatedExchange, from_e8
from tradewire.trading.exchange.orders import Order, OrderStatus, Side, venue_order_id
from tradewire.trading.wire import order_of

_LEGS = {
    ENTRY: OrderLeg.ENTRY,
    EXIT: OrderLeg.EXIT,
    STOP: OrderLeg.STOP_LOSS,
    TAKE: OrderLeg.TAKE_PROFIT,
    TRAIL: OrderLeg.TRAILING_STOP,
}
_STATUSES = {
    OrderStatus.INACTIVE: INACTIVE,
    OrderStatus.WORKING: WORKING,
    OrderStatus.TRIGGERED: TRIGGERED,
    OrderStatus.PARTIALLY_FILLED: PART_FILLED,
}
_STATUS_OF = {number: status for status, number in _STATUSES.items()}


def book_of(grid: Grid, exchange: SimulatedExchange, latency_us: int) -> Ints | None:
    """The exchange's open orders as the loop has them, shape (s, 8, 12).

    None where there is one of a kind that the loop does not know, or one more than it has a place for.
    """
    book = np.zeros((len(grid.symbols), PLACES, FIELDS), dtype=np.int64)
    numbers = {symbol: number for number, symbol in enumerate(grid.symbols)}
    for order in exchange.orders:
        request, place = order.request, place_of(order)
        if place is None:
            return None
        row = book[numbers[request.symbol], place]
        if row[STATUS] != NONE:
            return None
        row[STATUS], row[SIGN] = _STATUSES[order.status], request.side.sign
        row[REQUESTED], row[QTY], row[FILLED] = request.qty_e8, order.qty_e8, order.filled_e8
        row[LEVEL], row[EXTREME] = request.stop_price_e8 or request.callback_distance_e8, order.extreme_e8
        row[ARRIVED], row[ARRIVE], row[CANCEL] = order.arrived, order.arrive_us, order.cancel_us
        row[SEQUENCE] = order.sequence
        row[DECIDED] = np.searchsorted(grid.close_time_us, order.arrive_us - latency_us)
    return book


def held_of(grid: Grid, exchange: SimulatedExchange) -> Held:
    """The exchange's positions as the loop has them. Raises: ValueError for one worth more than 64 bits hold."""
    every = [exchange.account.positions[symbol] for symbol in grid.symbols]
    qty, cost, entry_price, margin = np.zeros((4, len(every)), dtype=np.int64)
    for p in exchange.account.open_positions():
        if max(abs(p.qty_e8) * p.mark_e8 // SCALE, p.cost_e8) > LARGEST_WORTH:
            raise ValueError(TOO_LARGE)
        row = bisect_left(grid.symbols, p.spec.symbol)
        qty[row], cost[row], entry_price[row], margin[row] = (
            p.qty_e8,
            p.cost_e8,
            p.entry_price_e8,
            p.margin_e8,
        )
    return Held(
        qty=qty,
        cost=cost,
        entry_price=entry_price,
        cross=np.array([p.is_cross for p in every], dtype=np.bool_),
        margin=margin,
        leverage=np.array([p.leverage for p in every], dtype=np.int64),
        last=np.array([p.last_e8 for p in every], dtype=np.int64),
        mark=np.array([p.mark_e8 for p in every], dtype=np.int64),
    )


def orders_of(book: Ints, grid: Grid, exchange: SimulatedExchange, decider: Decider) -> list[Order]:
    """The open orders that the loop left, oldest first; ``exchange`` is as it was when the loop began."""
    known = {order.sequence: order for order in exchange.orders}
    found = list(_orders(book, grid, known, decider))
    return sorted(found, key=lambda order: order.sequence)


def _orders(book: Ints, grid: Grid, known: dict[int, Order], decider: Decider) -> Iterator[Order]:
    for s, place in np.argwhere(book[:, :, STATUS] != NONE).tolist():
        line = book[s, place].tolist()
        order = known.get(line[SEQUENCE])
        if order is None:
            order = _sent(place if place < LEFT else place - GUARDS, line, s, grid, decider)
        order.status = _STATUS_OF[line[STATUS]]
        order.qty_e8, order.filled_e8, order.extreme_e8 = line[QTY], line[FILLED], line[EXTREME]
        order.arrived, order.cancel_us = bool(line[ARRIVED]), line[CANCEL]
        yield order


def _sent(kind: int, line: list[int], s: int, grid: Grid, decider: Decider) -> Order:
    """An order that the loop sent, as the venue keeps it."""
    side = Side.BUY if line[SIGN] > 0 else Side.SELL
    symbol, at = grid.symbols[s], line[DECIDED]
    decided = int(grid.close_time_us[at]), from_e8(int(grid.close[s, at]))
    intent = decider.intent_of(symbol, decided, _LEGS[kind], side.value, line[REQUESTED], line[LEVEL])
    strategy = decider.strategy
    return Order(
        request=order_of(intent, symbol, strategy.id),
        venue_order_id=venue_order_id(strategy.account, line[SEQUENCE]),
        sequence=line[SEQUENCE],
        arrive_us=line[ARRIVE],
        qty_e8=line[QTY],
    )
