"""What the loop's log of fills adds up to: fills by time, trades from flat to flat, funding, as columns of integers.

Money in quote 1e-8, quantities in base 1e-8. An entry fills whole from flat, and what closes it fills whole, so that
each trade is made of one fill, or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.loops.arithmetic import notional
from tradewire.backtest.loops.path import LEG_ENTRY, LEG_EXIT, times_within
from tradewire.backtest.vectorized.market import Markets
from tradewire.trading.exchange.fixed_point import SCALE, mul_div

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

CLOSE, SYMBOL, LEG, SIGN, QTY, PRICE, SHOWN, FEE, REALIZED, _, PART, START, END = range(13)
"""Columns of the loop's log, as `state` tells."""
OPEN = -1
"""In place of the fill that closes a trade: none does."""


class Payments(NamedTuple):
    """Funding by close and symbol, shape (p,) each: both by number, what the wallet received, and what was held."""

    close: IntArray
    symbol: IntArray
    amount: IntArray
    held: IntArray


class Booked(NamedTuple):
    """Fills of shape (f,), in the order of the log, and trades of shape (k,), by time and symbol of their entry.

    ``time_us``, ``slippage`` and ``decided`` (the fill whose order it is, or protects) of each fill; ``by_time``: their
    order by time and symbol. ``entry`` and ``exit`` (OPEN for none): numbers of a trade's fills; the others as in
    `tradewire.ports.backtest.Trade`.
    """

    time_us: IntArray
    slippage: IntArray
    decided: IntArray
    by_time: IntArray
    entry: IntArray
    exit: IntArray
    exit_price: IntArray
    fees: IntArray
    funding: IntArray
    trade_slippage: IntArray
    pnl: IntArray


def payments_of(markets: Markets, held_e8: IntArray) -> Payments:
    """Funding on positions of shape (t, m)."""
    if not markets.tape.funding.size:
        return Payments(*(np.empty(0, dtype=np.int64) for _ in range(4)))
    rates, marks = markets.at_closes(markets.tape.funding, 0), markets.at_closes(markets.marks_e8(), 0)
    close, symbol = np.nonzero((rates != 0) & (held_e8 != 0))
    held = held_e8[close, symbol]
    return Payments(close, symbol, _funding(held, marks[close, symbol], rates[close, symbol]), held)


@compiled
def _funding(held: IntArray, marks: IntArray, rates: IntArray) -> IntArray:
    """As `tradewire.trading.exchange.margin.funding_amount`."""
    amounts = np.empty(len(held), dtype=np.int64)
    for row in range(len(held)):
        amounts[row] = -notional(notional(held[row], marks[row]), rates[row])
    return amounts


def booked(markets: Markets, log: IntArray, paid: Payments) -> Booked:
    """Everything that a log of shape (f, FILL_COLUMNS) adds up to."""
    time_us = _times_us(markets, log)
    slippage, decided, entry, left = _paired(log, len(markets.columns))
    closed = left != OPEN
    last = np.where(closed, left, 0)  # of open trades any fill: what is read of it is not used
    exit_price, realized = log[last, PRICE], log[last, REALIZED]
    for trade in np.flatnonzero(~closed).tolist():
        exit_price[trade], realized[trade] = _marked(markets, log[entry[trade]])
    fees = log[entry, FEE] + np.where(closed, log[last, FEE], 0)
    lost = slippage[entry] + np.where(closed, slippage[last], 0)
    funding = _funding_of(log[entry], np.where(closed, log[last, CLOSE], len(markets.time_us)), paid)
    by_time = np.lexsort((log[:, SYMBOL], time_us))
    pnl = realized - fees + funding
    return Booked(time_us, slippage, decided, by_time, entry, left, exit_price, fees, funding, lost, pnl)


@compiled
def _paired(log: IntArray, symbols: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Slippage and deciding fill of each fill; entry and exit of each trade."""
    slippage, decided = np.empty(len(log), dtype=np.int64), np.empty(len(log), dtype=np.int64)
    entry, left = np.empty(len(log), dtype=np.int64), np.empty(len(log), dtype=np.int64)
    trades, working = 0, np.zeros(symbols, dtype=np.int64)
    for row in range(len(log)):
        symbol, leg = log[row, SYMBOL], log[row, LEG]
        slippage[row] = notional(log[row, QTY], abs(log[row, PRICE] - log[row, SHOWN]))
        if leg == LEG_ENTRY:
            working[symbol] = trades
            entry[trades], left[trades] = row, OPEN
            trades += 1
        else:
            left[working[symbol]] = row
        decided[row] = row if leg in (LEG_ENTRY, LEG_EXIT) else entry[working[symbol]]
    return slippage, decided, entry[:trades], left[:trades]


def _times_us(markets: Markets, log: IntArray) -> IntArray:
    """Modelled time of each fill: the open, or where on the third of the bar its price lies."""
    span_us = markets.interval_us
    within = times_within(log[:, PART], log[:, SHOWN], log[:, START], log[:, END], span_us)
    times: IntArray = markets.time_us[log[:, CLOSE]] - span_us + within
    return times


def _marked(markets: Markets, entry: IntArray) -> tuple[int, int]:
    """Mark of a trade still open at the end, and its gain at that."""
    symbol, sign, qty, price = entry[[SYMBOL, SIGN, QTY, PRICE]].tolist()
    mark = int(np.rint(markets.tape.mark[symbol, len(markets.columns[symbol]) - 1] * SCALE))  # as `units`
    return mark, sign * (mul_div(qty, mark, SCALE) - mul_div(qty, price, SCALE))  # rounded each, as in the account


def _funding_of(entries: IntArray, until: IntArray, paid: Payments) -> IntArray:
    """What was paid on trades from the close of their entry to before the close ``until``."""
    found = np.zeros(len(entries), dtype=np.int64)
    for symbol in np.unique(paid.symbol).tolist():
        trades, own = np.flatnonzero(entries[:, SYMBOL] == symbol), paid.symbol == symbol
        total = np.concatenate([[0], np.cumsum(paid.amount[own])])
        ends = np.searchsorted(paid.close[own], until[trades])
        found[trades] = total[ends] - total[np.searchsorted(paid.close[own], entries[trades, CLOSE])]
    return found
