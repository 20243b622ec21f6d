"""Trades of a run whose every fill opens a position from flat or closes it whole, as columns of integers.

What `tradewire.backtest.trades.trades_of` does for fills of any kind, in Python's integers, as these sums may be wider
than 64 bits where a position is built up or let go in parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.futures.log import (
    AMOUNT,
    FEE,
    HELD,
    MAKER,
    PAID_SYMBOL,
    PAID_TIME,
    POSITION,
    PRICE,
    QTY,
    REALIZED,
    SHOWN,
    SIGN,
    SYMBOL,
    TIME,
)
from tradewire.backtest.loops.arithmetic import notional
from tradewire.backtest.loops.units import IntMatrix

OPEN = -1
"""In place of the fill that closes a trade, and of the trade that follows: there is none."""


class RoundTrips(NamedTuple):
    """Trades by time and symbol of their entry, shape (k,): their fills' numbers (OPEN for none), then 1e-8 units."""

    entry: IntMatrix
    exit: IntMatrix
    exit_price: IntMatrix
    fees: IntMatrix
    funding: IntMatrix
    slippage: IntMatrix
    pnl: IntMatrix


@compiled
def slippages(fills: IntMatrix) -> IntMatrix:
    """What each fill cost against the price that the market showed, shape (f,), quote 1e-8; 0 for makers."""
    found = np.zeros(len(fills), dtype=np.int64)
    for row in range(len(fills)):
        if fills[row, MAKER] == 0:
            beyond = (fills[row, PRICE] - fills[row, SHOWN]) * fills[row, SIGN]
            found[row] = notional(fills[row, QTY], beyond)
    return found


def round_trips(fills: IntMatrix, payments: IntMatrix, slippage: IntMatrix, marks: IntMatrix) -> RoundTrips | None:
    """The trades; None when a fill does not open a position from flat, or close it whole.

    ``slippage`` by fill and ``marks`` by symbol (as of the end), 1e-8; else as in `Log`.
    """
    symbols = len(marks)
    whole, entry, left, following, first = _paired(fills, symbols)
    if not whole:
        return None
    funding = _funding(fills, payments, entry, left, following, first)
    by_entry = np.lexsort((fills[entry, SYMBOL], fills[entry, TIME]))
    entry, left, funding = entry[by_entry], left[by_entry], funding[by_entry]
    closed = left != OPEN
    last = np.where(closed, left, 0)  # of open trades any fill: what is read of it is not used
    exit_price, realized = _ended(fills, entry, left, marks)
    fees = fills[entry, FEE] + np.where(closed, fills[last, FEE], 0)
    lost = slippage[entry] + np.where(closed, slippage[last], 0)
    return RoundTrips(entry, left, exit_price, fees, funding, lost, realized - fees + funding)


@compiled
def _paired(fills: IntMatrix, symbols: int) -> tuple[bool, IntMatrix, IntMatrix, IntMatrix, IntMatrix]:
    """Whether all fills are whole; each trade's entry, exit, and the next of its symbol; each symbol's first."""
    entry, left = np.empty(len(fills), dtype=np.int64), np.empty(len(fills), dtype=np.int64)
    following, trades = np.empty(len(fills), dtype=np.int64), 0
    newest, first = np.full(symbols, OPEN, dtype=np.int64), np.full(symbols, OPEN, dtype=np.int64)
    whole = True
    for row in range(len(fills)):
        s = fills[row, SYMBOL]
        trade = newest[s]
        if trade == OPEN or left[trade] != OPEN:
            whole = whole and fills[row, POSITION] == fills[row, SIGN] * fills[row, QTY]
            entry[trades], left[trades], following[trades] = row, OPEN, OPEN
            if trade == OPEN:
                first[s] = trades
            else:
                following[trade] = trades
            newest[s] = trades
            trades += 1
        else:
            whole = whole and fills[row, POSITION] == 0
            left[trade] = row
    return whole, entry[:trades], left[:trades], following[:trades], first


@compiled
def _funding(
    fills: IntMatrix, payments: IntMatrix, entry: IntMatrix, left: IntMatrix, following: IntMatrix, first: IntMatrix
) -> IntMatrix:
    """Funding of each trade: at the very time of a fill a payment belongs to the trade it was paid on."""
    found, at = np.zeros(len(entry), dtype=np.int64), first.copy()
    for row in range(len(payments)):
        s, time_us, held = payments[row, PAID_SYMBOL], payments[row, PAID_TIME], payments[row, HELD]
        while at[s] != OPEN:
            trade = at[s]
            opened, closed = entry[trade], left[trade]
            if time_us < fills[opened, TIME]:
                break
            own = fills[opened, POSITION] == held
            if closed == OPEN or time_us < fills[closed, TIME] or (time_us == fills[closed, TIME] and own):
                found[trade] += payments[row, AMOUNT]
                break
            at[s] = following[trade]
    return found


@compiled
def _ended(fills: IntMatrix, entry: IntMatrix, left: IntMatrix, marks: IntMatrix) -> tuple[IntMatrix, IntMatrix]:
    """Exit price and price gain of each trade; of one that is still open, at the mark."""
    prices, gains = np.empty(len(entry), dtype=np.int64), np.empty(len(entry), dtype=np.int64)
    for trade in range(len(entry)):
        opened, closed = entry[trade], left[trade]
        if closed == OPEN:
            mark = marks[fills[opened, SYMBOL]]
            prices[trade] = mark
            held = fills[opened, POSITION]  # worth and cost are rounded each, as in the account
            gains[trade] = notional(held, mark) - notional(held, fills[opened, PRICE])
        else:
            prices[trade], gains[trade] = fills[closed, PRICE], fills[closed, REALIZED]
    return prices, gains
