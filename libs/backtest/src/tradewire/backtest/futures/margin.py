"""The venue's margin arithmetic on an account in a compiled loop, and the account's equity at a close."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place, compiled_inside, compiled_on_borrowed
from tradewire.backtest.futures.arrays import (
    CLOSE,
    HIGH,
    LOW,
    PEAK,
    WALLET,
    Brackets,
    Held,
    Ints,
    MarketArrays,
)
from tradewire.backtest.loops.arithmetic import LARGEST_WORTH, notional

CARE = 1e-9
"""Share of the figures by which a margin computed in floats must be clear to count as safe."""


@compiled_in_place
def cross_wallet_of(held: Held, totals: Ints) -> int:
    """Wallet less what isolated positions hold."""
    wallet: int = totals[WALLET]
    for s in range(len(held.margin)):
        wallet -= held.margin[s]
    return wallet


@compiled_inside
def gain(s: int, held: Held) -> int:
    """Unrealized PnL at the mark."""
    if held.qty[s] == 0:
        return 0
    value = notional(held.qty[s], held.mark[s])
    gained: int = value - held.cost[s] if value > 0 else value + held.cost[s]
    return gained


@compiled_inside
def initial_margin(s: int, held: Held) -> int:
    """Initial margin at the mark."""
    margin: int = over(abs(notional(held.qty[s], held.mark[s])), held.leverage[s])
    return margin


@compiled_in_place
def over(value: int, leverage: int) -> int:
    """Value over leverage, up."""
    up: int = (value + leverage - 1) // leverage
    return up


@compiled_inside
def free_balance(own: int, held: Held, totals: Ints) -> int:
    """Balance that a symbol's initial margin can come from (`Account.free_balance_e8`)."""
    balance = cross_wallet_of(held, totals)
    for s in range(len(held.qty)):
        if held.qty[s] == 0:
            continue
        if held.cross[s]:
            balance += gain(s, held)
            if s != own:
                balance -= initial_margin(s, held)
        elif s == own:
            balance += held.margin[s] + gain(s, held)
    return balance


@compiled_inside
def allowed(s: int, exposure: int, held: Held, brackets: Brackets) -> bool:
    """Whether the brackets allow the symbol's leverage at this exposure."""
    tier = tier_of(brackets.caps, s, exposure)
    return bool(held.leverage[s] <= brackets.max_leverages[s, tier] and exposure <= brackets.caps[s, -1])


@compiled_in_place
def tier_of(caps: Ints, s: int, value: float) -> int:
    """Row of the bracket that holds an unsigned notional, the last beyond all caps; as `bracket_at`."""
    tier = 0
    while tier < caps.shape[1] - 1 and value >= caps[s, tier]:
        tier += 1
    return tier


@compiled_in_place
def safe_within(at: int, market: MarketArrays, held: Held, brackets: Brackets, totals: Ints, worst: Ints) -> bool:
    """Whether what is held is clear of liquidation all through the bar; ``worst`` is room to work in."""
    exposed = False
    for s in range(len(held.qty)):
        exposed = exposed or held.qty[s] != 0
        worst[s] = held.mark[s]
        if market.present[s, at]:
            highest = float(market.rows[market.mark_row + HIGH, s, at])
            if abs(float(held.qty[s])) * highest / 1e8 > LARGEST_WORTH:
                return False
            worst[s] = market.rows[market.mark_row + (LOW if held.qty[s] > 0 else HIGH), s, at]
    return not exposed or _clear(worst, held, brackets, cross_wallet_of(held, totals))


@compiled_inside
def safe_at(marks: Ints, held: Held, brackets: Brackets, cross_wallet: int) -> bool:
    """Whether all positions are clear of liquidation at these marks, in floats, with care."""
    return _clear(marks, held, brackets, cross_wallet)


@compiled_in_place
def _clear(marks: Ints, held: Held, brackets: Brackets, cross_wallet: int) -> bool:
    """`safe_at`, in place: on every bar, to hand over the fields of a dozen arrays costs more than the question."""
    balance, needed, size, crossed = float(cross_wallet), 0.0, abs(float(cross_wallet)), False
    for s in range(len(held.qty)):
        qty, cost = float(held.qty[s]), float(held.cost[s])
        if qty == 0.0:
            continue
        value = abs(qty) * float(marks[s]) / 1e8
        gained = value - cost if qty > 0.0 else cost - value
        tier = tier_of(brackets.caps, s, value)
        maintenance = value * float(brackets.rates[s, tier]) / 1e8 - float(brackets.amounts[s, tier])
        if held.cross[s]:
            crossed = True
            balance, needed, size = balance + gained, needed + maintenance, size + value + abs(cost)
        elif float(held.margin[s]) + gained <= maintenance + CARE * (value + abs(cost)) + 100.0:
            return False
    return not crossed or balance > needed + CARE * size + 100.0


@compiled_in_place
def book_close(at: int, market: MarketArrays, held: Held, totals: Ints, equity: Ints, positions: Ints) -> None:
    """Write the equity and the positions at a close: ``equity`` (t,), ``positions`` (s, t)."""
    unrealized = 0
    for s in range(len(held.qty)):
        if market.present[s, at]:
            held.last[s], held.mark[s] = market.rows[CLOSE, s, at], market.rows[market.mark_row + CLOSE, s, at]
        qty = held.qty[s]
        if qty == 0:
            continue
        value = notional(qty, held.mark[s])
        unrealized += value - held.cost[s] if qty > 0 else value + held.cost[s]
        positions[s, at] = qty
    equity[at] = totals[WALLET] + unrealized
    totals[PEAK] = max(totals[PEAK], equity[at])


@compiled_on_borrowed
def book_seen(at: int, market: MarketArrays, held: Held, totals: Ints, equity: Ints, positions: Ints) -> None:
    """As `book_close`, at a close that the exchange saw."""
    book_close(at, market, held, totals, equity, positions)
