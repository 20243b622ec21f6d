"""The compiled loop: one account over all closes, fills by the path rule of the exchange, money in exact integers.

What it does at each close, as the services do:
1. every symbol's bar happens: pending exits, then entries, at the open; then protective orders along the path that
   `tradewire.trading.exchange.bars` takes a price to follow, worst case first (a held position visits its adverse
   extreme, then its favourable one, then the close); an order that the open has passed already fills at the open;
2. funding is paid on what is held, at the mark of the close;
3. equity is taken, and every signal is assessed against it: exits leave, entries are sized and judged. What is
   decided acts at the symbol's next open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.vectorized.arithmetic import notional, share_up, taker_price
from tradewire.backtest.vectorized.entries import decide
from tradewire.backtest.vectorized.market import CLOSE, FUNDING, HIGH, LOW, MARK, OPEN, PRESENT, TAKER_FEE, TICK
from tradewire.backtest.vectorized.state import (
    BOOK_COLUMNS,
    COST,
    ENTRIES,
    EXTREME,
    FEES,
    FILL_COLUMNS,
    FILLS,
    LAST_MARK,
    LEG_ENTRY,
    LEG_EXIT,
    LEG_STOP,
    LEG_TAKE,
    LEG_TRAIL,
    PENDING_EXIT,
    PENDING_QTY,
    PENDING_SIDE,
    PENDING_STOP,
    PENDING_TAKE,
    PENDING_TRAIL,
    QTY,
    STATE_COLUMNS,
    STOP,
    TAKE,
    TRAIL,
    WALLET,
)

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray
    from tradewire.trading.language.evaluation import Int8Array


@compiled
def run_account(
    bars: IntArray,
    filters: IntArray,
    signal: Int8Array,
    measures: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    sizing: tuple[int, float, float],
    capital_e8: int,
    slippage_e8: int,
    keep: bool,
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Run one account from its first close to its last.

    Parameters: bars, filters: as in `Markets`; signal: int8 codes, 0 where the strategy is not ready, shape (m, t);
    measures: stop, take-profit and trailing distance and volatility, float64, shape (m, t) each or (m, 0) where not
    asked for; sizing: method code, amount, cap on leverage (infinity for none); keep: whether fills and positions
    are wanted.
    Returns: equity 1e-8, shape (t,); positions, shape (t, m) or (0, m); fills, shape (f, FILL_COLUMNS); the book.
    """
    closes, symbols = bars.shape[0], bars.shape[1]
    state = np.zeros((symbols, STATE_COLUMNS), dtype=np.int64)
    book = np.zeros(BOOK_COLUMNS, dtype=np.int64)
    book[WALLET] = capital_e8
    equity = np.empty(closes, dtype=np.int64)
    held = np.empty((closes if keep else 0, symbols), dtype=np.int64)
    log = np.empty((64 if keep else 0, FILL_COLUMNS), dtype=np.int64)
    t = 0
    while t < closes:
        if symbols == 1 and not _has_orders(state, 0):
            t = _coast(t, bars, signal, state, book[WALLET], equity, held, keep)
            if t == closes:
                break
        if keep and book[FILLS] + 3 * symbols > log.shape[0]:
            log = _grown(log, 2 * log.shape[0] + 3 * symbols)
        for j in range(symbols):
            if bars[t, j, PRESENT]:
                _live_bar(t, j, bars, filters, state, book, log, slippage_e8, keep)
        worth = book[WALLET] + _unrealised(state)
        equity[t] = worth
        for j in range(symbols):
            if signal[j, t] and bars[t, j, PRESENT]:
                decide(t, j, signal[j, t], worth, bars, filters, state, measures, sizing)
        if keep:
            held[t, :] = state[:, QTY]
        t += 1
    return equity, held, log[: book[FILLS] if keep else 0], book


@compiled
def _coast(
    t: int,
    bars: IntArray,
    signal: Int8Array,
    state: IntArray,
    wallet: int,
    equity: IntArray,
    held: IntArray,
    keep: bool,
) -> int:
    """Pass the closes at which a single symbol without orders has neither a signal nor funding; return the next one."""
    qty, cost = state[0, QTY], state[0, COST]
    base = wallet - cost if qty > 0 else wallet + cost
    while t < bars.shape[0] and not signal[0, t] and not (qty and bars[t, 0, FUNDING]):
        equity[t] = base + notional(qty, bars[t, 0, MARK]) if qty else wallet
        if keep:
            held[t, 0] = qty
        t += 1
    return t


@compiled
def _has_orders(state: IntArray, j: int) -> bool:
    """Whether an order of the symbol acts at the open or rests at a level."""
    return bool(
        state[j, PENDING_EXIT] | state[j, PENDING_SIDE] | state[j, STOP] | state[j, TAKE] | state[j, TRAIL]
    )  # no view of the row: in the hot path its reference count would cost more than the question


@compiled
def _grown(log: IntArray, rows: int) -> IntArray:
    larger = np.empty((rows, log.shape[1]), dtype=np.int64)
    larger[: log.shape[0]] = log
    return larger


@compiled
def _unrealised(state: IntArray) -> int:
    """Profit of all positions at their marks."""
    total = 0
    for j in range(state.shape[0]):
        qty = state[j, QTY]
        if qty > 0:
            total += notional(qty, state[j, LAST_MARK]) - state[j, COST]
        elif qty < 0:
            total += notional(qty, state[j, LAST_MARK]) + state[j, COST]
    return total


@compiled
def _live_bar(
    t: int,
    j: int,
    bars: IntArray,
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    log: IntArray,
    slippage_e8: int,
    keep: bool,
) -> None:
    """Let one symbol's bar happen."""
    if _has_orders(state, j):
        _trade(t, j, bars, filters, state, book, log, slippage_e8, keep)
    state[j, LAST_MARK] = bars[t, j, MARK]
    if bars[t, j, FUNDING] and state[j, QTY]:
        book[WALLET] -= notional(notional(state[j, QTY], bars[t, j, MARK]), bars[t, j, FUNDING])


@compiled
def _trade(
    t: int,
    j: int,
    bars: IntArray,
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    log: IntArray,
    slippage_e8: int,
    keep: bool,
) -> None:
    """Let what one symbol has ordered meet its bar."""
    opened = bars[t, j, OPEN]
    if state[j, PENDING_EXIT]:
        state[j, PENDING_EXIT] = 0
        _fill(t, j, LEG_EXIT, opened, 0, opened, opened, filters, state, book, log, slippage_e8, keep)
    if state[j, PENDING_SIDE]:
        _fill(t, j, LEG_ENTRY, opened, 0, opened, opened, filters, state, book, log, slippage_e8, keep)
        state[j, PENDING_SIDE] = 0
        state[j, EXTREME] = opened
    if state[j, STOP] or state[j, TAKE] or state[j, TRAIL]:
        leg, shown, part, start, end = _protected(bars[t, j], state[j])
        if leg:
            _fill(t, j, leg, shown, part, start, end, filters, state, book, log, slippage_e8, keep)


@compiled
def _protected(bar: IntArray, own: IntArray) -> tuple[int, int, int, int, int]:
    """The first protective order that the bar's path reaches.

    Returns: its leg (0 for none), the price that the market shows there, the part of the path (0 the open, 1 to 3),
    and the prices between which that part runs.
    """
    sign = 1 if own[QTY] > 0 else -1
    opened, closed = bar[OPEN], bar[CLOSE]
    worst, best = (bar[LOW], bar[HIGH]) if sign > 0 else (bar[HIGH], bar[LOW])
    stop, take, trail = own[STOP], own[TAKE], own[TRAIL]
    if trail and sign * opened > sign * own[EXTREME]:
        own[EXTREME] = opened
    trailing = own[EXTREME] - sign * trail
    leg, level = LEG_ENTRY, 0
    if stop and sign * worst <= sign * stop:
        leg, level = LEG_STOP, stop
    if trail and sign * worst <= sign * trailing and (leg == LEG_ENTRY or sign * trailing > sign * level):
        leg, level = LEG_TRAIL, trailing
    if leg != LEG_ENTRY and sign * opened <= sign * level:
        if stop and sign * opened <= sign * stop:
            leg = LEG_STOP
        return leg, opened, 0, opened, opened
    if take and sign * opened >= sign * take:
        return LEG_TAKE, opened, 0, opened, opened
    if leg != LEG_ENTRY:
        return leg, level, 1, opened, worst
    if take and sign * best >= sign * take:
        return LEG_TAKE, take, 2, worst, best
    if trail:
        if sign * best > sign * own[EXTREME]:
            own[EXTREME] = best
        trailing = own[EXTREME] - sign * trail
        if sign * closed <= sign * trailing:
            return LEG_TRAIL, trailing, 3, best, closed
    return LEG_ENTRY, 0, 0, 0, 0


@compiled
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
    own = state[j]
    enters = leg == LEG_ENTRY
    signed = own[PENDING_SIDE] * own[PENDING_QTY] if enters else -own[QTY]
    sign = 1 if signed > 0 else -1
    price = taker_price(shown, sign, slippage_e8, filters[j, TICK])
    value = notional(abs(signed), price)
    fee = share_up(value, filters[j, TAKER_FEE])
    realised = 0
    if enters:
        own[QTY], own[COST] = signed, value
        own[STOP], own[TAKE], own[TRAIL] = own[PENDING_STOP], own[PENDING_TAKE], own[PENDING_TRAIL]
        book[ENTRIES] += 1
    else:
        realised = -sign * (value - own[COST])
        own[QTY] = own[COST] = own[STOP] = own[TAKE] = own[TRAIL] = 0
    book[WALLET] += realised - fee
    book[FEES] += fee
    if keep:
        row = log[book[FILLS]]
        row[0], row[1], row[2], row[3], row[4], row[5], row[6] = t, j, leg, sign, abs(signed), price, shown
        row[7], row[8], row[9], row[10], row[11], row[12] = fee, realised, own[QTY], part, start, end
    book[FILLS] += 1
