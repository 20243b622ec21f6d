"""Protective orders that the loop carries along: which a bar may reach, and what trailing stops have seen."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.futures.quiet import Ints, Market

STOP, TAKE, TRAIL, EXTREME, DECIDED, NUMBER = range(6)
"""Columns of the guards of a position, shape (s, 6): level of its stop and its take profit, distance of its trailing
stop and the best price that it saw (1e-8, 0 for an order that is not there); the bar that decided on them, and how many
orders had been sent before their entry, or `KNOWN` where the exchange has them."""
GUARD_COLUMNS = 6
KNOWN = -1


@compiled_in_place
def guarded(s: int, guards: Ints) -> bool:
    """Whether a protective order of the symbol is open."""
    return bool(guards[s, STOP] | guards[s, TAKE] | guards[s, TRAIL])


@compiled_in_place
def reached(at: int, market: Market, quantities: Ints, guards: Ints) -> bool:
    """Whether a protective order acts within the bar."""
    for s in range(len(guards)):
        if not guarded(s, guards) or not market.present[s, at]:
            continue
        sign = 1 if quantities[s] > 0 else -1
        best, worst = market.high[s, at], market.low[s, at]
        if sign < 0:
            best, worst = worst, best
        stop, take, trail = guards[s, STOP], guards[s, TAKE], guards[s, TRAIL]
        extreme = best if sign * best > sign * guards[s, EXTREME] else guards[s, EXTREME]
        if (
            (stop and sign * worst <= sign * stop)
            or (take and sign * best >= sign * take)
            or (trail and sign * worst <= sign * extreme - trail)
        ):
            return True
    return False


@compiled_in_place
def trail_along(at: int, market: Market, quantities: Ints, guards: Ints) -> None:
    """Let trailing stops see the best prices of a bar in which they don't act."""
    for s in range(len(guards)):
        if guards[s, TRAIL] and market.present[s, at]:
            if quantities[s] > 0:
                guards[s, EXTREME] = max(guards[s, EXTREME], market.high[s, at])
            else:
                guards[s, EXTREME] = min(guards[s, EXTREME], market.low[s, at])
