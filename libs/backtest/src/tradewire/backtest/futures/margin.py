"""What the compiled loop over market orders knows of an account, and the venue's margin arithmetic on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.compiled import compiled, compiled_in_place, compiled_on_borrowed
from tradewire.backtest.futures.quiet import Brackets, Held, Ints, tier_of
from tradewire.backtest.loops.arithmetic import notional

Floats = NDArray[np.float64]

TAPE_FILLS = (
    *("bar", "symbol", "leg", "sign", "quantity", "price", "fee", "realised", "position", "shown"),
    *("part", "start", "end", "decided"),
)
TAPE_FUNDING = ("bar", "symbol", "rate", "mark", "position", "amount")
WALLET, REALISED, FEES, FUNDING = 0, 1, 2, 3
"""Places in ``totals``, quote 1e-8; funding as received."""
FILLS, PAYMENTS, ORDERS = 0, 1, 2
"""Places in ``counts``."""


class Asked(NamedTuple):
    """What an entry would ask for, base units of a step, shape (s, t): per 1e-8 of equity, and beside it.

    ``capped``: the most per 1e-8 of equity; infinite without a cap. ``fixed`` (s,): a quantity that is always the same,
    1e-8, 0 for none. ``distances`` (3, s, t): of the stop, the take profit and the trailing stop from the close, quote
    per base, NaN for none; without any where nothing is ever guarded.
    """

    per_equity: Floats
    beside: Floats
    capped: Floats
    fixed: Ints
    distances: Floats


class Terms(NamedTuple):
    """Filters and fees by symbol, shape (s,), 1e-8 units; ``slippage`` is the same for all."""

    tick: Ints
    step: Ints
    min_quantity: Ints
    max_quantity: Ints
    min_notional: Ints
    taker_fee: Ints
    collar: Ints
    slippage: Ints


class Tape(NamedTuple):
    """What happened, one row each: columns of `TAPE_FILLS` and `TAPE_FUNDING`; ``counts`` says how many."""

    fills: Ints
    funding: Ints
    counts: Ints


@compiled
def copied(held: Held) -> Held:
    """A copy of its own."""
    return Held(
        held.quantity.copy(),
        held.cost.copy(),
        held.entry_price.copy(),
        held.cross.copy(),
        held.margin.copy(),
        held.leverage.copy(),
        held.mark.copy(),
    )


@compiled_on_borrowed
def put(source: Held, target: Held) -> None:
    """Copy what bars change."""
    for s in range(len(source.quantity)):
        target.quantity[s], target.cost[s], target.margin[s] = source.quantity[s], source.cost[s], source.margin[s]
        target.entry_price[s], target.mark[s] = source.entry_price[s], source.mark[s]


@compiled_in_place
def cross_wallet_of(held: Held, totals: Ints) -> int:
    """Wallet less what isolated positions hold."""
    wallet: int = totals[WALLET]
    for s in range(len(held.margin)):
        wallet -= held.margin[s]
    return wallet


@compiled_on_borrowed
def gain(s: int, held: Held) -> int:
    """Unrealised PnL at the mark."""
    if held.quantity[s] == 0:
        return 0
    value = notional(held.quantity[s], held.mark[s])
    gained: int = value - held.cost[s] if value > 0 else value + held.cost[s]
    return gained


@compiled_on_borrowed
def initial_margin(s: int, held: Held) -> int:
    """Initial margin at the mark."""
    margin: int = over(abs(notional(held.quantity[s], held.mark[s])), held.leverage[s])
    return margin


@compiled_in_place
def over(value: int, leverage: int) -> int:
    """Value over leverage, up."""
    up: int = (value + leverage - 1) // leverage
    return up


@compiled_on_borrowed
def free_balance(own: int, held: Held, totals: Ints) -> int:
    """Balance that a symbol's initial margin can come from (`Account.free_balance_e8`)."""
    balance = cross_wallet_of(held, totals)
    for s in range(len(held.quantity)):
        if held.quantity[s] == 0:
            continue
        if held.cross[s]:
            balance += gain(s, held)
            if s != own:
                balance -= initial_margin(s, held)
        elif s == own:
            balance += held.margin[s] + gain(s, held)
    return balance


@compiled_on_borrowed
def allowed(s: int, exposure: int, held: Held, brackets: Brackets) -> bool:
    """Whether the brackets allow the symbol's leverage at this exposure."""
    tier = tier_of(brackets.caps, s, exposure)
    return bool(held.leverage[s] <= brackets.max_leverages[s, tier] and exposure <= brackets.caps[s, -1])
