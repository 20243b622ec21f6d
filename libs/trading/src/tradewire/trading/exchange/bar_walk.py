"""Walks the bars of one step: all symbols in lockstep, opens first, then leg by leg in canonical order.

So the adverse extremes of all held symbols meet before any favourable one, which is the worst case for an
account whose cross positions share one wallet. Finer bars are walked in time order; those that open together
move together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradewire.trading.exchange.account import Position
from tradewire.trading.exchange.bars import (
    Bar,
    MarkBar,
    constant_mark,
    inner_legs,
    low_comes_first,
    open_leg,
)
from tradewire.trading.exchange.executor import Executor
from tradewire.trading.exchange.orders import Order, OrderStatus, OrderType, Side
from tradewire.trading.exchange.path_walk import level, walk_leg, works_on_mark


class Move(NamedTuple):
    """One symbol's bar with its mark prices; without them the mark follows the last price."""

    position: Position
    bar: Bar
    mark: MarkBar | None


def nothing_can_happen(executor: Executor, moves: Sequence[Move]) -> bool:
    """Whether no order can act within these bars and all positions are safe at their joint worst marks.

    A shortcut only: where it holds, walking the bars would change nothing but the last and mark prices.
    """
    by_symbol = executor.registry.by_symbol
    worst: list[tuple[Position, int]] = []
    for position, bar, mark in moves:
        for order in by_symbol.get(position.spec.symbol, ()):
            if _may_act(executor, position, order, bar=bar, mark=mark):
                return False
        if position.qty_e8:
            span = bar if mark is None else mark
            worst.append((position, span.low_e8 if position.qty_e8 > 0 else span.high_e8))
    return not worst or executor.account.is_safe_at(worst)


def _may_act(executor: Executor, position: Position, order: Order, *, bar: Bar, mark: MarkBar | None) -> bool:
    """Whether an order is on its way, at work, or rests at a level inside the bar; trailing stops always may."""
    if order.cancel_us >= 0:
        return True
    if order.status is OrderStatus.INACTIVE:
        return False
    if not order.arrived or order.acts_as_market or order.request.type is OrderType.TRAILING_STOP_MARKET:
        return True
    level_e8, rising = level(executor, position, order)
    span = mark if mark is not None and works_on_mark(order) else bar
    return span.high_e8 >= level_e8 if rising else span.low_e8 <= level_e8


def walk_bars(executor: Executor, moves: Sequence[Move]) -> None:
    """Let everything that these bars reach happen, in order, into the executor's events.

    Symbols without a position and without an order are passed over: nothing can happen to them inside the bar.
    """
    pieces: dict[int, list[Move]] = {}
    for move in moves:
        finer = _finer(move)
        if _is_idle(executor, move.position):
            continue
        for piece in finer:
            pieces.setdefault(piece.bar.open_time_us, []).append(piece)
    with executor.account.carrying_sums():
        for open_time_us in sorted(pieces):
            _walk_together(executor, pieces[open_time_us])
    executor.budgets.clear()


def _is_idle(executor: Executor, position: Position) -> bool:
    return position.qty_e8 == 0 and not executor.registry.of_symbol(position.spec.symbol)


def _finer(move: Move) -> list[Move]:
    """Pieces to walk: the bar itself, or its finer bars, each with its mark."""
    position, bar, mark = move
    if not bar.path:
        return [move]
    if mark is None:
        return [Move(position, inner, None) for inner in bar.path]
    if not mark.path and mark == constant_mark(mark.close_e8):
        return [Move(position, inner, mark) for inner in bar.path]
    if len(mark.path) != len(bar.path):
        raise ValueError(f"{len(bar.path)} finer bars need as many marks, found {len(mark.path)}")
    return [Move(position, *piece) for piece in zip(bar.path, mark.path, strict=True)]


def _walk_together(executor: Executor, moves: Sequence[Move]) -> None:
    legs = [open_leg(bar, mark) for _, bar, mark in moves]
    for (position, bar, _), leg in zip(moves, legs, strict=True):
        executor.account.about_to_change(position)
        position.last_e8, position.mark_e8 = leg.last_to_e8, leg.mark_to_e8
        budget_e8 = executor.fill_model.volume_budget(position.spec, bar.volume_e8)
        if budget_e8 >= 0:
            executor.budgets[position.spec.symbol] = budget_e8
    for move, leg in zip(moves, legs, strict=True):
        walk_leg(executor, move.position, leg)
    paths = [inner_legs(move.bar, move.mark, low_first=_low_first(executor, move)) for move in moves]
    for number in range(3):
        for move, path in zip(moves, paths, strict=True):
            walk_leg(executor, move.position, path[number])


def _low_first(executor: Executor, move: Move) -> bool:
    opening = {Side.BUY: 0, Side.SELL: 0}
    for order in executor.registry.of_symbol(move.position.spec.symbol):
        if not order.request.only_reduces and order.status is not OrderStatus.INACTIVE:
            opening[order.request.side] += order.leaves_e8
    return low_comes_first(
        move.bar,
        position_e8=move.position.qty_e8,
        opening_buys_e8=opening[Side.BUY],
        opening_sells_e8=opening[Side.SELL],
    )
