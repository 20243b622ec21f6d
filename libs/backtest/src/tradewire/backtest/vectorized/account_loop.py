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

from tradewire.backtest.compiled import ZERO, compiled, compiled_in_place, compiled_on_borrowed
from tradewire.backtest.loops.arithmetic import SCALE, ensure_fits, notional, units
from tradewire.backtest.vectorized.addresses import number_at
from tradewire.backtest.vectorized.entries import ACTS_FLAT, ACTS_LONG, ACTS_SHORT, decide
from tradewire.backtest.vectorized.kept import Blocks, RunRecord, no_record
from tradewire.backtest.vectorized.market import MarketColumns
from tradewire.backtest.vectorized.outcomes import ratio, returns_counted, weigh
from tradewire.backtest.vectorized.state import (
    BLOCK,
    BLOCK_END,
    COST,
    EQUITY,
    FALL,
    GAUGE_COLUMNS,
    LAST_MARK,
    PEAK,
    QTY,
    RUIN,
    STATE_COLUMNS,
    WALLET,
    WORTH,
)
from tradewire.backtest.vectorized.trading import enter_and_leave, has_orders, has_protection, protect

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray
    from tradewire.trading.language.evaluation import Int8Array


@compiled
def run_sets(
    tape: MarketColumns,
    filters: IntArray,
    signal: Int8Array,
    table: IntArray,
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
    record = no_record()
    for k in range(len(signal)):
        own = Blocks(blocks.closes, blocks.total[k], blocks.square[k])
        how = (method, sizing[k, 0], sizing[k, 1])
        state, gauge = np.zeros((signal.shape[1], STATE_COLUMNS), dtype=np.int64), np.zeros(GAUGE_COLUMNS)
        run_account(tape, filters, signal[k], table, guards[k], how, purse, state, books[k], gauge, own, record)
        last_e8[k] = books[k, EQUITY]
        fall[k] = gauge[FALL]
        sharpe[k] = ratio(own.total.sum(), own.square.sum(), returns_counted(books[k], signal.shape[2]))


@compiled_on_borrowed
def run_account(
    tape: MarketColumns,
    filters: IntArray,
    signal: Int8Array,
    table: IntArray,
    guards: IntArray,
    sizing: tuple[int, float, float],
    purse: tuple[int, int],
    state: IntArray,
    book: IntArray,
    gauge: FloatArray,
    blocks: Blocks,
    record: RunRecord,
) -> None:
    """Run one account from its first close to its last.

    Parameters: filters: as in `Markets`; signal: int8 codes, 0 for no bar and HOLD, shape (m, t); table:
    addresses of series by symbol and row; guards: rows of the stop, take-profit and trailing distance and of the
    volatility, -1 where not asked for, shape (4,); sizing: method code, amount, cap on leverage (infinity for none);
    purse: capital and slippage, 1e-8; state, book, gauge and blocks' sums: zeros. Fills these and the record.
    """
    opened, high, low, close, mark, funding, bar = tape  # in the loop a field of a tuple costs more than a variable
    closes, totals, squares = blocks
    symbols, last = signal.shape
    equity, held, log = record
    _open(purse[0], closes, book, gauge)
    t = ZERO
    while t < last:
        if bar.shape[1] == 0 and not has_orders(state, 0):
            t = _coast(t, mark, funding, signal, state, book, gauge, closes, totals, squares, equity, held)
            if t == last:
                break
        for j in range(symbols):
            i = bar[j, t] if bar.shape[1] else t
            if i >= 0 and has_orders(state, j):
                enter_and_leave(t, j, units(opened[j, i]), filters, state, book, log, purse[1], len(equity) > 0)
                if has_protection(state, j):
                    prices = (units(opened[j, i]), units(high[j, i]), units(low[j, i]), units(close[j, i]))
                    protect(t, j, prices, filters, state, book, log, purse[1], len(equity) > 0)
            if i >= 0:
                _mark(j, units(mark[j, i]), funding[j, i] if funding.shape[1] else 0, state, book)
        worth = book[WALLET] + _unrealized(state)
        weigh(t, worth, book, gauge, closes, totals, squares)
        _judge(t, worth, signal, bar, close, mark, table, guards, filters, state, book, sizing)
        _note(t, worth, state, equity, held)
        t += 1
    book[EQUITY] = book[WALLET] + _unrealized(state)


@compiled_in_place
def _open(capital_e8: int, closes: IntArray, book: IntArray, gauge: FloatArray) -> None:
    """Begin an account, before its first close."""
    gauge[WORTH] = gauge[PEAK] = float(capital_e8)
    book[WALLET], book[BLOCK_END] = capital_e8, 1 + closes[0] if len(closes) else 0


@compiled_in_place
def _note(t: int, worth: int, state: IntArray, equity: IntArray, held: IntArray) -> None:
    """Keep the account of a close, where anything is kept."""
    if not len(equity):
        return
    equity[t] = worth
    for j in range(len(state)):
        held[t, j] = state[j, QTY]


@compiled_in_place
def _judge(
    t: int,
    worth: int,
    signal: Int8Array,
    bar: IntArray,
    close: FloatArray,
    mark: FloatArray,
    table: IntArray,
    guards: IntArray,
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    sizing: tuple[int, float, float],
) -> None:
    """Assess what the strategy says of every symbol at a close."""
    for j in range(len(signal)):
        i = bar[j, t] if bar.shape[1] else t
        if i >= 0 and signal[j, t]:
            measures = _measures(table, guards, j, i)
            prices = units(close[j, i]), units(mark[j, i])
            decide(j, signal[j, t], worth, prices, filters, state, book, measures, sizing)


@compiled_in_place
def _measures(table: IntArray, guards: IntArray, j: int, i: int) -> tuple[float, float, float, float]:
    """Distances and volatility at a symbol's bar."""
    stop, take, trail, volatility = guards[0], guards[1], guards[2], guards[3]
    return (
        number_at(table[j, stop], i) if stop >= 0 else np.nan,
        number_at(table[j, take], i) if take >= 0 else np.nan,
        number_at(table[j, trail], i) if trail >= 0 else np.nan,
        number_at(table[j, volatility], i) if volatility >= 0 else np.nan,
    )


@compiled_in_place
def _coast(
    t: int,
    mark: FloatArray,
    funding: IntArray,
    signal: Int8Array,
    state: IntArray,
    book: IntArray,
    gauge: FloatArray,
    closes: IntArray,
    totals: FloatArray,
    squares: FloatArray,
    equity: IntArray,
    held: IntArray,
) -> int:
    """Pass the closes at which a lone symbol without orders has no signal that counts, nor funding; the next one."""
    qty, start = state[0, QTY], t
    acts = ACTS_FLAT if qty == 0 else ACTS_LONG if qty > 0 else ACTS_SHORT
    paid = qty != 0 and funding.shape[1] > 0
    while t < signal.shape[1] and not (acts >> signal[0, t]) & 1 and not (paid and funding[0, t]):
        t += 1
    base = book[WALLET] - state[0, COST] if qty > 0 else book[WALLET] + state[0, COST]
    if qty and t > start:
        if len(closes):
            _weigh_held(start, t, mark, qty, base, book, gauge, closes, totals, squares)
        state[0, LAST_MARK] = units(mark[0, t - 1])
    if len(equity):
        for at in range(start, t):
            ensure_fits(qty, mark[0, at])
            equity[at], held[at, 0] = base + notional(qty, units(mark[0, at])), qty
    return t


@compiled_in_place
def _weigh_held(
    t: int,
    end: int,
    mark: FloatArray,
    qty: int,
    base: int,
    book: IntArray,
    gauge: FloatArray,
    closes: IntArray,
    totals: FloatArray,
    squares: FloatArray,
) -> None:
    """`weigh` the closes from t up to ``end`` of an account worth ``base`` and the notional of what it holds."""
    at, before, peak, fall = t, gauge[WORTH], gauge[PEAK], gauge[FALL]
    while t < end:
        while t >= book[BLOCK_END]:
            book[BLOCK] += 1
            book[BLOCK_END] += closes[book[BLOCK]]
        total, square = totals[book[BLOCK]], squares[book[BLOCK]]
        stop = min(end, book[BLOCK_END])
        while t < stop:
            ensure_fits(qty, mark[0, t])
            now = float(base + notional(qty, units(mark[0, t])))
            change = now / before - 1.0 if before > 0.0 else 0.0
            total += change
            square += change * change
            if now > peak:
                peak = now
            elif now < peak * (1.0 - fall):
                fall = 1.0 - now / peak
            before = now if before > 0.0 else 0.0  # nothing comes after ruin
            t += 1
        totals[book[BLOCK]], squares[book[BLOCK]] = total, square
    if before <= 0.0 and gauge[WORTH] > 0.0:
        while base + notional(qty, units(mark[0, at])) > 0:
            at += 1
        book[RUIN], before = at, 0.0
    gauge[WORTH], gauge[PEAK], gauge[FALL] = before, peak, fall


@compiled_in_place
def _mark(j: int, mark_e8: int, rate_e8: int, state: IntArray, book: IntArray) -> None:
    """End a symbol's bar: take its mark, and pay funding on what is held."""
    state[j, LAST_MARK] = mark_e8
    if rate_e8 and state[j, QTY]:
        book[WALLET] -= notional(notional(state[j, QTY], mark_e8), rate_e8)


@compiled_in_place
def _gain(qty: int, cost: int, mark: int) -> int:
    """Profit of a position at its mark."""
    ensure_fits(qty, mark / SCALE)
    if qty > 0:
        return notional(qty, mark) - cost
    return notional(qty, mark) + cost if qty < 0 else 0


@compiled_in_place
def _unrealized(state: IntArray) -> int:
    """Profit of all positions at their marks."""
    total = 0
    for j in range(state.shape[0]):
        total += _gain(state[j, QTY], state[j, COST], state[j, LAST_MARK])
    return total
