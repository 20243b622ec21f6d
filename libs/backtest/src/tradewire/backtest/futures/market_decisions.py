"""Decisions at market for the compiled loop: what `assess` and the venue's admission do, where that is plain."""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled_on_borrowed
from tradewire.backtest.futures.arithmetic import SCALE_E8, mul_div_ceil, notional
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

CARE = 1e-14
"""Relative distance within which a float is not trusted to be on one side of a bound: a quantity is the outcome of
eight roundings at most, all of products and quotients, which come to 9e-16."""
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
    counts: Ints,
) -> bool:
    """Orders of a close: signed exits in ``orders[0]``, entries in ``orders[1]``; False when it is not plain."""
    orders[:] = 0
    equity = totals[WALLET]
    for s in range(len(held.quantity)):
        equity += gain(s, held)
    for s in range(len(held.quantity)):
        quantity, signal = held.quantity[s], market.signal[s, at]
        if not market.present[s, at] or not answers(signal, quantity):
            continue
        if quantity != 0:
            orders[0, s] = -quantity
            counts[ORDERS] += 1
        if signal in (ENTER_LONG, ENTER_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT):
            size = _sized(at, s, equity, market, asked, terms, held)
            buys = signal in (ENTER_LONG, REVERSE_TO_LONG)
            if size == 0 or not _admitted(at, s, size, buys, market, terms, held, brackets, totals, orders):
                return False
            orders[1, s] = size if buys else -size
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
        entry = orders[1, other]
        if entry != 0:
            now = notional(held.quantity[other], held.mark[other])
            reach = max(abs(now), abs(now + notional(entry, market.close[other, at])))
            free -= max(0, over(reach, held.leverage[other]) - initial_margin(other, held))
    needed = over(after, held.leverage[s]) + mul_div_ceil(value, terms.taker_fee[s], SCALE_E8)
    return allowed(s, after, held, brackets) and needed <= free
