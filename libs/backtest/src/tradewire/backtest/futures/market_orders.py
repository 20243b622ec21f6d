"""Accounts that trade by market orders and what guards these, in one compiled loop from decision to booked state.

The loop does what `assess` and the exchange do, in the same integers, as long as that is plain: orders that pass every
check and fill whole at the next open, protective orders that close what they guard, funding, marks. Before a bar where
it is not plain (a refusal, a quantity too close to a step to be told in floats, a margin too thin, a market without the
next bar) it stops, with nothing of that bar done, and the exchange itself takes the bar.
"""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_in_place, compiled_on_borrowed
from tradewire.backtest.futures.guards import (
    DECIDED,
    EXTREME,
    NUMBER,
    STOP,
    TAKE,
    TRAIL,
    guarded,
    reached,
    trail_along,
)
from tradewire.backtest.futures.margin import (
    FEES,
    FILLS,
    FUNDING,
    PAYMENTS,
    REALISED,
    WALLET,
    Asked,
    Tape,
    Terms,
    copied,
    cross_wallet_of,
    put,
)
from tradewire.backtest.futures.market_decisions import ENTRY, EXIT, LEVELS, SENT, decide
from tradewire.backtest.futures.market_fills import execute
from tradewire.backtest.futures.quiet import Brackets, Held, Ints, Market, answers, book, safe_at, worst_marks
from tradewire.backtest.loops.arithmetic import (
    SCALE,
    mul_div,
    notional,
)
from tradewire.backtest.loops.path import LEG_ENTRY, LEG_EXIT, first_reached


@compiled
def trade(
    start: int,
    stop: int,
    market: Market,
    asked: Asked,
    terms: Terms,
    held: Held,
    guards: Ints,
    brackets: Brackets,
    totals: Ints,
    tape: Tape,
    states: Ints,
    positions: Ints,
) -> tuple[int, bool]:
    """Trade bars from ``start`` on; the first that was not, and whether the signals at the close before it are due.

    No order but ``guards`` may be open at ``start``. ``held``, ``guards``, ``totals``, ``tape``, ``states`` and
    ``positions`` are carried along.
    """
    orders = np.zeros((SENT + 1, len(held.quantity)), dtype=np.int64)
    worst, before, guarded_before = held.mark.copy(), copied(held), guards.copy()
    money, counted = totals.copy(), tape.counts.copy()
    for at in range(start, stop):
        due = at > start and _signalled(at - 1, market, held)
        if due or _settles(at, market) or reached(at, market, held.quantity, guards):
            put(held, before)
            guarded_before[:], money[:], counted[:] = guards, totals, tape.counts
            plain = not due or decide(at - 1, market, asked, terms, held, brackets, totals, orders, guards, tape.counts)
            if not (plain and _happen(at, due, market, terms, held, guards, brackets, totals, orders, tape, worst)):
                put(before, held)
                guards[:], totals[:], tape.counts[:] = guarded_before, money, counted
                return at, due
        elif not _safe_within(at, market, held, brackets, totals, worst):
            return at, due
        else:
            trail_along(at, market, held.quantity, guards)
        sums = (totals[WALLET], totals[REALISED], totals[FEES], -totals[FUNDING])
        book(at, at + 1, market, held, brackets, sums, states, positions)
    return stop, False


@compiled_on_borrowed
def _happen(
    at: int,
    due: bool,
    market: Market,
    terms: Terms,
    held: Held,
    guards: Ints,
    brackets: Brackets,
    totals: Ints,
    orders: Ints,
    tape: Tape,
    worst: Ints,
) -> bool:
    """Let a bar happen: what was decided, if that is due, what guards, funding; False when it is not plain."""
    fills_before = tape.counts[FILLS]
    return (
        (not due or _fill(at, market, terms, held, guards, brackets, totals, orders, tape))
        and _safe_within(at, market, held, brackets, totals, worst)
        and _protect(at, market, terms, held, guards, brackets, totals, tape, fills_before, worst)
        and _fund(at, market, held, brackets, totals, tape)
    )


@compiled_in_place
def _settles(at: int, market: Market) -> bool:
    """Whether funding is due at the close."""
    settles = False
    for s in range(len(market.rate)):
        settles = settles or market.rate[s, at] != 0
    return settles


@compiled_in_place
def _safe_within(at: int, market: Market, held: Held, brackets: Brackets, totals: Ints, worst: Ints) -> bool:
    """Whether what is held is clear of liquidation all through the bar; ``worst`` is room to work in."""
    for s in range(len(held.quantity)):
        if held.quantity[s] != 0:
            worst_marks(at, market, held, held.mark, worst)
            return safe_at(worst, held, brackets, cross_wallet_of(held, totals))
    return True


@compiled_in_place
def _signalled(at: int, market: Market, held: Held) -> bool:
    for s in range(len(held.quantity)):
        if market.present[s, at] and answers(market.signal[s, at], held.quantity[s]):
            return True
    return False


@compiled_on_borrowed
def _fill(
    at: int,
    market: Market,
    terms: Terms,
    held: Held,
    guards: Ints,
    brackets: Brackets,
    totals: Ints,
    orders: Ints,
    tape: Tape,
) -> bool:
    """Fill the orders at the bar's open, symbols by name, exits first; False when it is not plain."""
    for s in range(len(held.quantity)):
        if market.present[s, at]:
            held.mark[s] = market.mark_open[s, at]
        elif orders[EXIT, s] != 0 or orders[ENTRY, s] != 0:
            return False
    if not safe_at(held.mark, held, brackets, cross_wallet_of(held, totals)):
        return False
    for s in range(len(held.quantity)):
        for row in range(2):
            signed = orders[row, s]
            if signed != 0:
                leg, opened = (LEG_ENTRY if row == ENTRY else LEG_EXIT), market.open[s, at]
                way = (opened, 0, opened, opened)
                if not execute(at, s, signed, leg, way, at - 1, terms, held, brackets, totals, tape):
                    return False
                cross_wallet = cross_wallet_of(held, totals)
                if cross_wallet < 0 or not safe_at(held.mark, held, brackets, cross_wallet):
                    return False
        if orders[ENTRY, s] != 0:
            for kind in range(SENT - LEVELS):
                guards[s, kind] = orders[LEVELS + kind, s]
            guards[s, EXTREME], guards[s, DECIDED], guards[s, NUMBER] = market.open[s, at], at - 1, orders[SENT, s]
    return True


@compiled_on_borrowed
def _protect(
    at: int,
    market: Market,
    terms: Terms,
    held: Held,
    guards: Ints,
    brackets: Brackets,
    totals: Ints,
    tape: Tape,
    fills_before: int,
    worst: Ints,
) -> bool:
    """Let the bar's path meet what guards the positions; False when it is not plain.

    It is where one position at most is closed, and not at an open at which others trade: else their order counts.
    """
    acted = False
    for s in range(len(held.quantity)):
        if not guarded(s, guards) or not market.present[s, at]:
            continue
        prices = (market.open[s, at], market.high[s, at], market.low[s, at], market.close[s, at])
        levels = (guards[s, STOP], guards[s, TAKE], guards[s, TRAIL], guards[s, EXTREME])
        leg, shown, part, begin, end, extreme = first_reached(1 if held.quantity[s] > 0 else -1, prices, levels)
        guards[s, EXTREME] = extreme
        if leg == LEG_ENTRY:
            continue
        traded = tape.counts[FILLS] > fills_before and len(held.quantity) > 1
        if acted or (part == 0 and traded):
            return False
        acted = True
        way = (shown, part, begin, end)
        if not execute(at, s, -held.quantity[s], leg, way, guards[s, DECIDED], terms, held, brackets, totals, tape):
            return False
        guards[s, STOP] = guards[s, TAKE] = guards[s, TRAIL] = 0
    return not acted or (cross_wallet_of(held, totals) >= 0 and _safe_within(at, market, held, brackets, totals, worst))


@compiled_on_borrowed
def _fund(at: int, market: Market, held: Held, brackets: Brackets, totals: Ints, tape: Tape) -> bool:
    """Pay funding on what is held at the close; False when a position is not clear of liquidation after it."""
    paid = False
    for s in range(len(held.quantity)):
        rate, quantity = market.rate[s, at], held.quantity[s]
        if not market.present[s, at]:
            continue
        held.mark[s] = market.mark_close[s, at]
        if rate != 0 and quantity != 0:
            amount = -mul_div(notional(quantity, held.mark[s]), rate, SCALE)
            totals[WALLET] += amount
            totals[FUNDING] += amount
            held.margin[s] += 0 if held.cross[s] else amount
            row = tape.funding[tape.counts[PAYMENTS]]
            row[0], row[1], row[2], row[3], row[4], row[5] = at, s, rate, held.mark[s], quantity, amount
            tape.counts[PAYMENTS] += 1
            paid = True
    return not paid or safe_at(held.mark, held, brackets, cross_wallet_of(held, totals))
