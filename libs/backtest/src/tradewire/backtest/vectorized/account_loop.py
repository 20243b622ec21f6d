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

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.vectorized.arithmetic import notional, units
from tradewire.backtest.vectorized.entries import ACTS_FLAT, ACTS_LONG, ACTS_SHORT, decide
from tradewire.backtest.vectorized.market import Tape
from tradewire.backtest.vectorized.outcomes import ratio, weigh
from tradewire.backtest.vectorized.state import (
    BLOCK,
    BLOCK_END,
    COST,
    EQUITY,
    FALL,
    FILL_COLUMNS,
    FILLS,
    GAUGE_COLUMNS,
    LAST_MARK,
    PEAK,
    QTY,
    STATE_COLUMNS,
    WALLET,
    WORTH,
)
from tradewire.backtest.vectorized.trading import has_orders, trade

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray
    from tradewire.trading.language.evaluation import Int8Array


class Blocks(NamedTuple):
    """The blocks of an account's returns, shape (b,) each: closes, sum of returns and of their squares."""

    closes: IntArray
    total: FloatArray
    square: FloatArray


class Record(NamedTuple):
    """What is kept of one run beside its outcome: equity 1e-8, shape (t,), and positions, shape (t, m); or (0,)."""

    equity: IntArray
    held: IntArray


@compiled
def run_sets(
    tape: Tape,
    filters: IntArray,
    signal: Int8Array,
    table: FloatArray,
    guards: IntArray,
    method: int,
    sizing: FloatArray,
    purse: tuple[int, int],
    outcome: tuple[IntArray, IntArray, FloatArray, FloatArray],
    blocks: Blocks,
) -> None:
    """Run k accounts of the same markets, each by its own signals, shape (k, m, t); see `run_account`.

    Parameters: guards: shape (k, 4); sizing: amount and cap, shape (k, 2); blocks: sums of shape (k, b). Writes to
    ``outcome``: last equity 1e-8, shape (k,), books, shape (k, BOOK_COLUMNS), largest fall and Sharpe ratio, (k,).
    """
    last_e8, books, fall, sharpe = outcome
    record = Record(np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.int64))
    for k in range(len(signal)):
        own = Blocks(blocks.closes, blocks.total[k], blocks.square[k])
        how = (method, sizing[k, 0], sizing[k, 1])
        gauge, _ = run_account(tape, filters, signal[k], table, guards[k], how, purse, books[k], own, record, False)
        last_e8[k] = books[k, EQUITY]
        fall[k] = gauge[FALL]
        sharpe[k] = ratio(own.total.sum(), own.square.sum(), signal.shape[2])


@compiled
def run_account(
    tape: Tape,
    filters: IntArray,
    signal: Int8Array,
    table: FloatArray,
    guards: IntArray,
    sizing: tuple[int, float, float],
    purse: tuple[int, int],
    book: IntArray,
    blocks: Blocks,
    record: Record,
    keep: bool,
) -> tuple[FloatArray, IntArray]:
    """Run one account from its first close to its last.

    Parameters: filters: as in `Markets`; signal: int8 codes, 0 where the strategy is not ready, shape (m, t); table:
    series by symbol, row and the symbol's own bar; guards: rows of the stop, take-profit and trailing distance and of
    the volatility, -1 where not asked for, shape (4,); sizing: method code, amount, cap on leverage (infinity for
    none); purse: capital and slippage, 1e-8; book: zeros; keep: whether fills and the record are wanted.
    Returns: the gauge; fills, shape (f, FILL_COLUMNS). Fills the book, the blocks' sums (from 0) and the record.
    """
    opened, high, low, close, mark, funding, bar = tape  # in the loop a field of a tuple costs more than a variable
    closes, totals, squares = blocks
    symbols, last = signal.shape
    state, gauge = np.zeros((symbols, STATE_COLUMNS), dtype=np.int64), np.zeros(GAUGE_COLUMNS)
    gauge[WORTH] = gauge[PEAK] = float(purse[0])
    book[WALLET], book[BLOCK_END] = purse[0], closes[0]
    log = np.empty((0, FILL_COLUMNS), dtype=np.int64)
    t = 0
    while t < last:
        if bar.shape[1] == 0 and not has_orders(state, 0):
            t = _coast(t, mark, funding, signal, state, book, gauge, closes, totals, squares, record, keep)
            if t == last:
                break
        if keep and book[FILLS] + 3 * symbols > log.shape[0]:
            log = _grown(log, 2 * log.shape[0] + 3 * symbols)
        for j in range(symbols):
            i = bar[j, t] if bar.shape[1] else t
            if i >= 0 and has_orders(state, j):
                prices = (units(opened[j, i]), units(high[j, i]), units(low[j, i]), units(close[j, i]))
                trade(t, j, prices, filters, state, book, log, purse[1], keep)
            if i >= 0:
                _mark(j, mark[j, i], funding[j, i] if funding.shape[1] else 0, state, book)
        worth = book[WALLET] + _unrealised(state)
        weigh(t, worth, book, gauge, closes, totals, squares)
        _judge(t, worth, signal, bar, close, mark, table, guards, filters, state, sizing)
        if keep:
            record.equity[t] = worth
            record.held[t, :] = state[:, QTY]
        t += 1
    book[EQUITY] = book[WALLET] + _unrealised(state)
    return gauge, log[: book[FILLS] if keep else 0]


@compiled
def _judge(
    t: int,
    worth: int,
    signal: Int8Array,
    bar: IntArray,
    close: FloatArray,
    mark: IntArray,
    table: FloatArray,
    guards: IntArray,
    filters: IntArray,
    state: IntArray,
    sizing: tuple[int, float, float],
) -> None:
    """Assess what the strategy says of every symbol at a close."""
    for j in range(len(signal)):
        i = bar[j, t] if bar.shape[1] else t
        if i >= 0 and signal[j, t]:
            measures = _measures(table, guards, j, i)
            decide(j, signal[j, t], worth, units(close[j, i]), mark[j, i], filters, state, measures, sizing)


@compiled
def _measures(table: FloatArray, guards: IntArray, j: int, i: int) -> tuple[float, float, float, float]:
    """Distances and volatility at a symbol's bar."""
    stop = table[j, guards[0], i] if guards[0] >= 0 else np.nan
    take = table[j, guards[1], i] if guards[1] >= 0 else np.nan
    trail = table[j, guards[2], i] if guards[2] >= 0 else np.nan
    return stop, take, trail, table[j, guards[3], i] if guards[3] >= 0 else np.nan


@compiled
def _coast(
    t: int,
    mark: IntArray,
    funding: IntArray,
    signal: Int8Array,
    state: IntArray,
    book: IntArray,
    gauge: FloatArray,
    closes: IntArray,
    totals: FloatArray,
    squares: FloatArray,
    record: Record,
    keep: bool,
) -> int:
    """Pass the closes at which a single symbol without orders has no signal that means anything, nor funding.

    Returns: the next close that does.
    """
    qty, start = state[0, QTY], t
    acts = ACTS_FLAT if qty == 0 else ACTS_LONG if qty > 0 else ACTS_SHORT
    paid = qty != 0 and funding.shape[1] > 0
    while t < signal.shape[1] and not (acts >> signal[0, t]) & 1 and not (paid and funding[0, t]):
        t += 1
    base = book[WALLET] - state[0, COST] if qty > 0 else book[WALLET] + state[0, COST]
    if qty and t > start:
        _weigh_held(start, t, mark, qty, base, book, gauge, closes, totals, squares)
        state[0, LAST_MARK] = mark[0, t - 1]
    if keep:
        for at in range(start, t):
            record.equity[at] = base + notional(qty, mark[0, at])
        record.held[start:t, 0] = qty
    return t


@compiled
def _weigh_held(
    t: int,
    end: int,
    mark: IntArray,
    qty: int,
    base: int,
    book: IntArray,
    gauge: FloatArray,
    closes: IntArray,
    totals: FloatArray,
    squares: FloatArray,
) -> None:
    """`weigh` the closes from t up to ``end`` of an account worth ``base`` and the notional of what it holds."""
    before, peak, fall = gauge[WORTH], gauge[PEAK], gauge[FALL]
    while t < end:
        while t >= book[BLOCK_END]:
            book[BLOCK] += 1
            book[BLOCK_END] += closes[book[BLOCK]]
        total, square = totals[book[BLOCK]], squares[book[BLOCK]]
        stop = min(end, book[BLOCK_END])
        while t < stop:
            now = float(base + notional(qty, mark[0, t]))
            change = now / before - 1.0 if before > 0.0 else 0.0
            total += change
            square += change * change
            if now > peak:
                peak = now
            elif now < peak * (1.0 - fall):
                fall = 1.0 - now / peak
            before = now
            t += 1
        totals[book[BLOCK]], squares[book[BLOCK]] = total, square
    gauge[WORTH], gauge[PEAK], gauge[FALL] = before, peak, fall


@compiled
def _mark(j: int, mark_e8: int, rate_e8: int, state: IntArray, book: IntArray) -> None:
    """End a symbol's bar: take its mark, and pay funding on what is held."""
    state[j, LAST_MARK] = mark_e8
    if rate_e8 and state[j, QTY]:
        book[WALLET] -= notional(notional(state[j, QTY], mark_e8), rate_e8)


@compiled
def _grown(log: IntArray, rows: int) -> IntArray:
    larger = np.empty((rows, log.shape[1]), dtype=np.int64)
    larger[: log.shape[0]] = log
    return larger


@compiled
def _gain(qty: int, cost: int, mark: int) -> int:
    """Profit of a position at its mark."""
    if qty > 0:
        return notional(qty, mark) - cost
    return notional(qty, mark) + cost if qty < 0 else 0


@compiled
def _unrealised(state: IntArray) -> int:
    """Profit of all positions at their marks."""
    total = 0
    for j in range(state.shape[0]):
        total += _gain(state[j, QTY], state[j, COST], state[j, LAST_MARK])
    return total
