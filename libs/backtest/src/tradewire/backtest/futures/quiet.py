"""Bars in which nothing can happen to an account, found and booked by compiled loops.

`first_eventful` is a filter that may only err to the careful side: where it says a bar is quiet, the exchange's `step`
would change nothing but prices. `book` writes the account's state at each close with the exchange's own arithmetic.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tradewire.backtest.futures.arithmetic import mul_div_ceil, notional

STOP_ABOVE, STOP_BELOW, TRAIL_SELL, TRAIL_BUY, BUSY = 0, 1, 2, 3, 4
"""What an order waits for: the last price to rise to a level, to fall to it, to fall a distance from its highest, to
rise a distance from its lowest; or it is under way and acts at once."""
ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT = 1, 2, 3, 4, 5, 6
"""Signal codes, as in `tradewire.trading.language.SIGNALS`."""
CARE = 1e-9
"""Share of the account's figures by which a margin computed in floats must be clear to count as safe."""


@njit(cache=True)
def first_eventful(start, stop, present, high, low, mark_high, mark_low, mark_close, rate, signal, quantity, cost,
                   cross, margin, last_mark, cross_wallet, order_symbol, order_kind, order_level, extreme, caps, mmr, cum):  # fmt: skip
    """Index of the first bar from ``start`` on in which something may happen, or ``stop``.

    Arrays by symbol (s, t): ``present`` … ``signal``; by symbol (s,): ``quantity`` … ``last_mark``; by order:
    ``order_symbol``, ``order_kind``, ``order_level`` (level, or distance of a trailing stop) and ``extreme``, which is
    carried along to the bar before the one returned. Brackets by symbol, padded: ``caps``, ``mmr``, ``cum``.
    """
    symbols, orders = quantity.shape[0], order_symbol.shape[0]
    held = False
    for s in range(symbols):
        held = held or quantity[s] != 0
    moved = extreme.copy()
    marks = last_mark.copy()
    for at in range(start, stop):
        for s in range(symbols):
            if present[s, at] and (_acts(signal[s, at], quantity[s]) or (rate[s, at] != 0 and quantity[s] != 0)):
                return at
        for order in range(orders):
            s, kind = order_symbol[order], order_kind[order]
            if not present[s, at]:
                continue
            if kind == BUSY:
                return at
            if kind == STOP_ABOVE and high[s, at] >= order_level[order]:
                return at
            if kind == STOP_BELOW and low[s, at] <= order_level[order]:
                return at
            if kind == TRAIL_SELL:
                moved[order] = max(moved[order], high[s, at])
                if low[s, at] <= moved[order] - order_level[order]:
                    return at
            if kind == TRAIL_BUY:
                moved[order] = min(moved[order], low[s, at])
                if high[s, at] >= moved[order] + order_level[order]:
                    return at
        if held and not _safe(at, present, mark_high, mark_low, quantity, cost, cross, margin, marks, cross_wallet,
                              caps, mmr, cum):  # fmt: skip
            return at
        for s in range(symbols):
            if present[s, at]:
                marks[s] = mark_close[s, at]
        for order in range(orders):
            extreme[order] = moved[order]
    return stop


@njit(cache=True, inline="always")
def _acts(signal, quantity):
    """Whether a decision on this signal can lead to anything."""
    if signal == 0:
        return False
    if quantity > 0:
        return signal == EXIT_LONG or signal == REVERSE_TO_SHORT
    if quantity < 0:
        return signal == EXIT_SHORT or signal == REVERSE_TO_LONG
    return signal != EXIT_LONG and signal != EXIT_SHORT


@njit(cache=True)
def _safe(at, present, mark_high, mark_low, quantity, cost, cross, margin, marks, cross_wallet, caps, mmr, cum):
    """Whether all positions are clear of liquidation at the joint worst marks of the bar, in floats, with care."""
    balance, needed, size = float(cross_wallet), 0.0, abs(float(cross_wallet))
    for s in range(quantity.shape[0]):
        if quantity[s] == 0:
            continue
        mark = marks[s]
        if present[s, at]:
            mark = mark_low[s, at] if quantity[s] > 0 else mark_high[s, at]
        value = abs(float(quantity[s])) * float(mark) / 1e8
        gain = value - float(cost[s]) if quantity[s] > 0 else float(cost[s]) - value
        tier = 0
        while tier < caps.shape[1] - 1 and value >= caps[s, tier]:
            tier += 1
        maintenance = value * float(mmr[s, tier]) / 1e8 - float(cum[s, tier])
        care = CARE * (value + abs(float(cost[s]))) + 100.0
        if cross[s]:
            balance, needed, size = balance + gain, needed + maintenance, size + value + abs(float(cost[s]))
        elif float(margin[s]) + gain <= maintenance + care:
            return False
    return needed == 0.0 or balance > needed + CARE * size + 100.0


@njit(cache=True)
def book(start, stop, present, mark_close, quantity, cost, entry_price, cross, margin, leverage, last_mark, totals,
         caps, mmr, cum, close_time, states, positions):  # fmt: skip
    """Write the account's state at each close of [start, stop) with positions and totals as they are.

    ``totals``: wallet, realised, fees, funding paid, quote 1e-8. ``states`` (t, 9) and ``positions`` (s, t, 4) have
    the columns of `tradewire.trading.fingerprint`. ``last_mark`` is carried along.
    """
    for at in range(start, stop):
        unrealised, initial, maintenance = 0, 0, 0
        for s in range(quantity.shape[0]):
            if present[s, at]:
                last_mark[s] = mark_close[s, at]
            if quantity[s] == 0:
                continue
            value = notional(quantity[s], last_mark[s])
            gain = value - cost[s] if quantity[s] > 0 else value + cost[s]
            size = abs(value)
            tier = 0
            while tier < caps.shape[1] - 1 and size >= caps[s, tier]:
                tier += 1
            unrealised += gain
            initial += (size + leverage[s] - 1) // leverage[s] if cross[s] else margin[s]
            maintenance += mul_div_ceil(size, mmr[s, tier], 100_000_000) - cum[s, tier]
            positions[s, at, 0] = quantity[s]
            positions[s, at, 1] = entry_price[s]
            positions[s, at, 2] = last_mark[s]
            positions[s, at, 3] = gain
        states[at, 0] = close_time[at]
        states[at, 1] = totals[0]
        states[at, 2] = unrealised
        states[at, 3] = totals[0] + unrealised
        states[at, 4] = initial
        states[at, 5] = maintenance
        states[at, 6] = totals[1]
        states[at, 7] = totals[2]
        states[at, 8] = totals[3]
