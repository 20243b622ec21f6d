"""Decisions at market for the compiled loop: what `assess` and the venue's admission do, where that is plain."""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled_on_borrowed
from tradewire.backtest.futures.guards import STOP, TAKE, TRAIL
from tradewire.backtest.futures.margin import (
    ORDERS,
    WALLET,
    Asked,
    Terms,
    allowed,
    free_balance,
    gain,
    initial_margin,
    over,
)
from tradewire.backtest.futures.quiet import (
    ENTER_LONG,
    ENTER_SHORT,
    REVERSE_TO_LONG,
    REVERSE_TO_SHORT,
    Brackets,
    Held,
    Ints,
    Market,
    answers,
)
from tradewire.backtest.loops.arithmetic import SCALE, mul_div_ceil, notional, tick_price

CARE = 1e-14
"""Relative distance within which a float is not trusted to be on one side of a bound: a quantity is the outcome of
eight roundings at most, all of products and quotients, which come to 9e-16."""
FARTHEST = 1e9
"""A distance below this, in quote per base, may be counted from any price."""
EXIT, ENTRY, LEVELS, SENT = 0, 1, 2, 5
"""Rows of orders, shape (6, s): signed exits, signed entries, levels of what guards these (the trailing stop's
distance) from row 2 on, and how many orders were sent before the entry."""
LARGEST = 9e18
"""A float below this is an int64."""


@compiled_on_borrowed
def decide(
    at: int,
    market: Market,
    asked: Asked,
    terms: Terms,
    held: Held,
    brackets: Brackets,
    totals: Ints,
    orders: Ints,
    guards: Ints,
    counts: Ints,
) -> bool:
    """Orders of a close, in the rows of ``orders``; False when it is not plain. An exit withdraws what guards."""
    orders[:] = 0
    equity = totals[WALLET]
    for s in range(len(held.quantity)):
        equity += gain(s, held)
    for s in range(len(held.quantity)):
        quantity, signal = held.quantity[s], market.signal[s, at]
        if not market.present[s, at] or not answers(signal, quantity):
            continue
        if quantity != 0:
            orders[EXIT, s] = -quantity
            counts[ORDERS] += 1
            guards[s, STOP] = guards[s, TAKE] = guards[s, TRAIL] = 0
        if signal in (ENTER_LONG, ENTER_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT):
            size = _sized(at, s, equity, market, asked, terms, held)
            buys = signal in (ENTER_LONG, REVERSE_TO_LONG)
            if size == 0 or not _admitted(at, s, size, buys, market, terms, held, brackets, totals, orders):
                return False
            orders[ENTRY, s], orders[SENT, s] = (size if buys else -size), counts[ORDERS]
            counts[ORDERS] += 1
            if not _guard(at, s, 1 if buys else -1, market, asked, terms, orders, counts):
                return False
    return True


@compiled_on_borrowed
def _guard(at: int, s: int, side: int, market: Market, asked: Asked, terms: Terms, orders: Ints, counts: Ints) -> bool:
    """Levels of an entry's protective orders, counted from the close; False for a distance beyond all sense."""
    close, tick = market.close[s, at], terms.tick[s]
    for kind in range(len(asked.distances)):
        distance = asked.distances[kind, s, at]
        if distance > 0.0:
            if distance >= FARTHEST:
                return False
            base, away = (0, 1) if kind == TRAIL else (close, side if kind == TAKE else -side)
            orders[LEVELS + kind, s] = tick_price(base, distance, away, tick)
            counts[ORDERS] += 1
    return True


@compiled_on_borrowed
def _sized(at: int, s: int, equity: int, market: Market, asked: Asked, terms: Terms, held: Held) -> int:
    """Quantity of an entry that every rule passes; 0 when a rule may refuse or floats can't tell the quantity."""
    step, fixed, close = terms.step[s], asked.fixed[s], market.close[s, at]
    wanted = asked.per_equity[s, at] * equity + asked.beside[s, at]
    if fixed > 0:
        wanted = float(fixed) / step
    cap = asked.capped[s, at] * equity
    if cap < wanted * (1.0 + CARE):
        if cap > wanted * (1.0 - CARE):
            return 0
        wanted, fixed = cap, 0
    if equity <= 0 or not 1.0 <= wanted < LARGEST / step / max(close / 1e8, 1.0):
        return 0
    if fixed == 0 and abs(wanted - np.rint(wanted)) <= CARE * wanted + 1e-9:
        return 0
    size: int = fixed if fixed > 0 else np.int64(np.floor(wanted)) * step
    if not terms.min_quantity[s] <= size <= terms.max_quantity[s]:
        return 0
    if notional(size, close) <= terms.min_notional[s]:
        return 0
    distance = abs(close / held.mark[s] - 1.0) if held.quantity[s] != 0 else 0.0
    if terms.collar[s] > 0 and distance * 1e8 >= terms.collar[s] * (1.0 - CARE):
        return 0
    return size


@compiled_on_borrowed
def _admitted(
    at: int,
    s: int,
    size: int,
    buys: bool,
    market: Market,
    terms: Terms,
    held: Held,
    brackets: Brackets,
    totals: Ints,
    orders: Ints,
) -> bool:
    """Whether the venue takes an entry (`admission`), the orders of symbols before it being there already."""
    close = market.close[s, at]
    value, now = notional(size, close), notional(held.quantity[s], held.mark[s])
    after = max(abs(now), abs(now + value) if buys else abs(now - value))
    if after <= abs(now):
        return True
    free = free_balance(s, held, totals)
    for other in range(s):
        entry = orders[ENTRY, other]
        if entry != 0:
            now = notional(held.quantity[other], held.mark[other])
            reach = max(abs(now), abs(now + notional(entry, market.close[other, at])))
            free -= max(0, over(reach, held.leverage[other]) - initial_margin(other, held))
    needed = over(after, held.leverage[s]) + mul_div_ceil(value, terms.taker_fee[s], SCALE)
    return allowed(s, after, held, brackets) and needed <= free
