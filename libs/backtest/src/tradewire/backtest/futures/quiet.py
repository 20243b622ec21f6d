"""Bars in which nothing can happen to an account, found and booked by compiled loops.

`first_eventful` is a filter that may only err to the careful side: where it says a bar is quiet, the exchange's `step`
would change nothing but prices. `book` writes the account's state at each close with the exchange's own arithmetic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.compiled import compiled, compiled_in_place
from tradewire.backtest.loops.arithmetic import mul_div_ceil, notional

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

STOP_ABOVE, STOP_BELOW, TRAIL_SELL, TRAIL_BUY, BUSY = 0, 1, 2, 3, 4
"""What an order waits for: the last price to rise to a level, to fall to it, to fall a distance from its highest, to
rise a distance from its lowest; or it is under way and acts at once."""
ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT = 1, 2, 3, 4, 5, 6
"""Signal codes, as in `tradewire.trading.language.SIGNALS`."""
CARE = 1e-9
"""Share of the figures by which a margin computed in floats must be clear to count as safe."""


class Market(NamedTuple):
    """Bars of all symbols, shape (s, t), 1e-8 units; ``signal`` are the codes that may be acted on."""

    present: Flags
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    mark_open: Ints
    mark_high: Ints
    mark_low: Ints
    mark_close: Ints
    rate: Ints
    signal: NDArray[np.int8]


class Held(NamedTuple):
    """Positions, shape (s,), 1e-8 units. ``mark`` is the mark at the last close, carried along by the loops."""

    quantity: Ints
    cost: Ints
    entry_price: Ints
    cross: Flags
    margin: Ints
    leverage: Ints
    mark: Ints


class Resting(NamedTuple):
    """Open orders, shape (o,): row of the symbol, what the order waits for, its level or distance, its best price.

    ``extreme`` is carried along to the bar before the one found.
    """

    symbol: Ints
    kind: Ints
    level: Ints
    extreme: Ints


class Brackets(NamedTuple):
    """Maintenance brackets by symbol, shape (s, b), padded: caps, rates, amounts (1e-8 units), leverages."""

    caps: Ints
    rates: Ints
    amounts: Ints
    max_leverages: Ints


@compiled
def first_eventful(
    start: int, stop: int, market: Market, held: Held, resting: Resting, brackets: Brackets, cross_wallet: int
) -> int:
    """Index of the first bar from ``start`` on in which something may happen, or ``stop``."""
    exposed = False
    for s in range(len(held.quantity)):
        exposed = exposed or held.quantity[s] != 0
    moved = resting.extreme.copy()
    marks, worst = held.mark.copy(), held.mark.copy()
    for at in range(start, stop):
        if _decides(at, market, held) or _orders_act(at, market, resting, moved):
            return at
        if exposed:
            worst_marks(at, market, held, marks, worst)
            if not safe_at(worst, held, brackets, cross_wallet):
                return at
        for s in range(len(marks)):
            if market.present[s, at]:
                marks[s] = market.mark_close[s, at]
        resting.extreme[:] = moved
    return stop


@compiled_in_place
def _decides(at: int, market: Market, held: Held) -> bool:
    """Whether a signal can lead to anything, or funding is due on a position."""
    for s in range(len(held.quantity)):
        quantity = held.quantity[s]
        if market.present[s, at] and (
            answers(market.signal[s, at], quantity) or (quantity != 0 and market.rate[s, at] != 0)
        ):
            return True
    return False


@compiled_in_place
def answers(signal: int, quantity: int) -> bool:
    """Whether a signal asks for anything, a signed quantity being held."""
    if quantity > 0:
        return signal in (EXIT_LONG, REVERSE_TO_SHORT)
    if quantity < 0:
        return signal in (EXIT_SHORT, REVERSE_TO_LONG)
    return signal not in (0, EXIT_LONG, EXIT_SHORT)


@compiled_in_place
def _orders_act(at: int, market: Market, resting: Resting, moved: Ints) -> bool:
    """Whether an order may act within the bar; moves the best prices of trailing stops along."""
    for order in range(len(resting.kind)):
        s, kind, level = resting.symbol[order], resting.kind[order], resting.level[order]
        if not market.present[s, at]:
            continue
        high, low = market.high[s, at], market.low[s, at]
        if kind == BUSY or (kind == STOP_ABOVE and high >= level) or (kind == STOP_BELOW and low <= level):
            return True
        if kind == TRAIL_SELL:
            moved[order] = max(moved[order], high)
            if low <= moved[order] - level:
                return True
        if kind == TRAIL_BUY:
            moved[order] = min(moved[order], low)
            if high >= moved[order] + level:
                return True
    return False


@compiled_in_place
def worst_marks(at: int, market: Market, held: Held, marks: Ints, worst: Ints) -> None:
    """Write the joint worst marks of the bar for what is held into ``worst``; ``marks``: where there is no bar."""
    for s in range(len(held.quantity)):
        worst[s] = marks[s]
        if market.present[s, at]:
            worst[s] = market.mark_low[s, at] if held.quantity[s] > 0 else market.mark_high[s, at]


@compiled_in_place
def safe_at(marks: Ints, held: Held, brackets: Brackets, cross_wallet: int) -> bool:
    """Whether all positions are clear of liquidation at these marks, in floats, with care."""
    balance, needed, size, crossed = float(cross_wallet), 0.0, abs(float(cross_wallet)), False
    for s in range(len(held.quantity)):
        quantity, cost = float(held.quantity[s]), float(held.cost[s])
        if quantity == 0.0:
            continue
        value = abs(quantity) * float(marks[s]) / 1e8
        gain = value - cost if quantity > 0.0 else cost - value
        tier = tier_of(brackets.caps, s, value)
        maintenance = value * float(brackets.rates[s, tier]) / 1e8 - float(brackets.amounts[s, tier])
        if held.cross[s]:
            crossed = True
            balance, needed, size = balance + gain, needed + maintenance, size + value + abs(cost)
        elif float(held.margin[s]) + gain <= maintenance + CARE * (value + abs(cost)) + 100.0:
            return False
    return not crossed or balance > needed + CARE * size + 100.0


@compiled_in_place
def tier_of(caps: Ints, s: int, value: float) -> int:
    """Row of the bracket that holds an unsigned notional, the last beyond all caps; as `bracket_at`."""
    tier = 0
    while tier < caps.shape[1] - 1 and value >= caps[s, tier]:
        tier += 1
    return tier


@compiled_in_place
def book(
    start: int,
    stop: int,
    market: Market,
    held: Held,
    brackets: Brackets,
    totals: tuple[int, int, int, int],
    states: Ints,
    positions: Ints,
) -> None:
    """Write the account's state at each close of [start, stop), positions and totals being as they are.

    ``totals``: wallet, realised, fees, funding paid, quote 1e-8. ``states`` (t, 9) and ``positions`` (s, t, 4) have
    the columns of `tradewire.trading.fingerprint`; the first column, the time, is there already.
    """
    for at in range(start, stop):
        unrealised, initial, maintenance = 0, 0, 0
        for s in range(len(held.quantity)):
            if market.present[s, at]:
                held.mark[s] = market.mark_close[s, at]
            quantity = held.quantity[s]
            if quantity == 0:
                continue
            value = notional(quantity, held.mark[s])
            gain = value - held.cost[s] if quantity > 0 else value + held.cost[s]
            size = abs(value)
            tier = tier_of(brackets.caps, s, size)
            unrealised += gain
            leverage = held.leverage[s]
            initial += (size + leverage - 1) // leverage if held.cross[s] else held.margin[s]
            maintenance += mul_div_ceil(size, brackets.rates[s, tier], 100_000_000) - brackets.amounts[s, tier]
            line = positions[s, at]
            line[0], line[1], line[2], line[3] = quantity, held.entry_price[s], held.mark[s], gain
        state = states[at]
        state[1], state[2], state[3] = totals[0], unrealised, totals[0] + unrealised
        state[4], state[5] = initial, maintenance
        state[6], state[7], state[8] = totals[1], totals[2], totals[3]
