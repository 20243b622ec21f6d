"""What a symbol's orders do in a bar: the path that decides which of them fills, and the booking of a fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.loops.arithmetic import notional, share_up, taker_price
from tradewire.backtest.loops.path import LEG_ENTRY, LEG_EXIT, first_reached
from tradewire.backtest.vectorized.market import TAKER_FEE, TICK
from tradewire.backtest.vectorized.state import (
    COST,
    ENTRIES,
    EXTREME,
    FEES,
    FILLS,
    PENDING_EXIT,
    PENDING_QTY,
    PENDING_SIDE,
    PENDING_STOP,
    PENDING_TAKE,
    PENDING_TRAIL,
    QTY,
    STOP,
    TAKE,
    TRAIL,
    WALLET,
)

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


@compiled_in_place
def has_orders(state: IntArray, j: int) -> bool:
    """Whether an order of the symbol acts at the open or rests at a level."""
    return bool(
        state[j, PENDING_EXIT] | state[j, PENDING_SIDE] | state[j, STOP] | state[j, TAKE] | state[j, TRAIL]
    )  # no view of the row: in the hot path its reference count would cost more than the question


@compiled_in_place
def has_protection(state: IntArray, j: int) -> bool:
    """Whether a protective order of the symbol rests at a level."""
    return bool(state[j, STOP] | state[j, TAKE] | state[j, TRAIL])


@compiled_in_place
def enter_and_leave(
    t: int,
    j: int,
    opened: int,
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    log: IntArray,
    slippage_e8: int,
    keep: bool,
) -> None:
    """Let the orders of one symbol that act at an open meet it."""
    if state[j, PENDING_EXIT]:
        state[j, PENDING_EXIT] = 0
        _fill(t, j, LEG_EXIT, opened, 0, opened, opened, filters, state, book, log, slippage_e8, keep)
    if state[j, PENDING_SIDE]:
        _fill(t, j, LEG_ENTRY, opened, 0, opened, opened, filters, state, book, log, slippage_e8, keep)
        state[j, PENDING_SIDE] = 0
        state[j, EXTREME] = opened


@compiled_in_place
def protect(
    t: int,
    j: int,
    prices: tuple[int, int, int, int],
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    log: IntArray,
    slippage_e8: int,
    keep: bool,
) -> None:
    """Let the protective orders of one symbol meet its bar of these prices (open, high, low, close; 1e-8)."""
    levels = (state[j, STOP], state[j, TAKE], state[j, TRAIL], state[j, EXTREME])
    leg, shown, part, start, end, extreme = first_reached(1 if state[j, QTY] > 0 else -1, prices, levels)
    state[j, EXTREME] = extreme
    if leg:
        _fill(t, j, leg, shown, part, start, end, filters, state, book, log, slippage_e8, keep)


@compiled_in_place
def _fill(
    t: int,
    j: int,
    leg: int,
    shown: int,
    part: int,
    start: int,
    end: int,
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    log: IntArray,
    slippage_e8: int,
    keep: bool,
) -> None:
    """Fill an entry or a whole exit at what a taker gets, and book it."""
    enters = leg == LEG_ENTRY
    signed = state[j, PENDING_SIDE] * state[j, PENDING_QTY] if enters else -state[j, QTY]
    sign = 1 if signed > 0 else -1
    price = taker_price(shown, sign, slippage_e8, filters[j, TICK])
    value = notional(abs(signed), price)
    fee = share_up(value, filters[j, TAKER_FEE])
    realized = 0
    if enters:
        state[j, QTY], state[j, COST] = signed, value
        state[j, STOP], state[j, TAKE], state[j, TRAIL] = (
            state[j, PENDING_STOP],
            state[j, PENDING_TAKE],
            state[j, PENDING_TRAIL],
        )
        book[ENTRIES] += 1
    else:
        realized = -sign * (value - state[j, COST])
        state[j, QTY] = state[j, COST] = state[j, STOP] = state[j, TAKE] = state[j, TRAIL] = 0
    book[WALLET] += realized - fee
    book[FEES] += fee
    if keep:
        terms = (t, j, leg, sign, abs(signed), price, shown, fee, realized, state[j, QTY], part, start, end)
        for column in range(len(terms)):
            log[book[FILLS], column] = terms[column]
    book[FILLS] += 1
