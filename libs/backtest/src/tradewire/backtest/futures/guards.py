"""Protective orders in compiled loops: where a bar's path reaches the first of those that guard a position.

The path is that of `tradewire.trading.exchange.bars` for a position that is held: open, adverse extreme, favourable
extreme, close. An order that the open has passed already acts at the open.
"""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_in_place
from tradewire.backtest.futures.arithmetic import mul_div_ceil, mul_div_floor
from tradewire.backtest.futures.quiet import Ints, Market
from tradewire.trading.exchange.path_walk import WHOLE_LEG

STOP, TAKE, TRAIL, EXTREME, DECIDED, NUMBER = range(6)
"""Columns of the guards of a position, shape (s, 6): level of its stop and its take profit, distance of its trailing
stop and the best price that it saw (1e-8, 0 for an order that is not there); the bar that decided on them, and how many
orders had been sent before their entry, or `KNOWN` where the exchange has them."""
GUARD_COLUMNS = 6
KNOWN = -1
LEG_ENTRY, LEG_EXIT, LEG_STOP, LEG_TAKE, LEG_TRAIL = range(5)
"""Codes of a fill's leg."""


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


@compiled_in_place
def first_reached(
    sign: int, prices: tuple[int, int, int, int], levels: tuple[int, int, int, int]
) -> tuple[int, int, int, int, int, int]:
    """The first protective order of a position of this sign that the path of a bar reaches.

    ``prices``: open, high, low, close; ``levels``: the first four columns of its guards; all 1e-8. Returns: its leg
    (LEG_ENTRY for none), the price that the market shows there, the part of the path (0 the open, 1 to 3), the prices
    between which that part runs, and the best price that a trailing stop has seen by then.
    """
    opened, high, low, closed = prices
    stop, take, trail, extreme = levels
    worst, best = (low, high) if sign > 0 else (high, low)
    if trail and sign * opened > sign * extreme:
        extreme = opened
    trailing = extreme - sign * trail
    leg, level = LEG_ENTRY, 0
    if stop and sign * worst <= sign * stop:
        leg, level = LEG_STOP, stop
    if trail and sign * worst <= sign * trailing and (leg == LEG_ENTRY or sign * trailing > sign * level):
        leg, level = LEG_TRAIL, trailing
    if leg != LEG_ENTRY and sign * opened <= sign * level:
        if stop and sign * opened <= sign * stop:
            leg = LEG_STOP
        return leg, opened, 0, opened, opened, extreme
    if take and sign * opened >= sign * take:
        return LEG_TAKE, opened, 0, opened, opened, extreme
    if leg != LEG_ENTRY:
        return leg, level, 1, opened, worst, extreme
    if take and sign * best >= sign * take:
        return LEG_TAKE, take, 2, worst, best, extreme
    if trail:
        if sign * best > sign * extreme:
            extreme = best
        trailing = extreme - sign * trail
        if sign * closed <= sign * trailing:
            return LEG_TRAIL, trailing, 3, best, closed, extreme
    return LEG_ENTRY, 0, 0, 0, 0, extreme


@compiled
def times_within(parts: Ints, shown: Ints, starts: Ints, ends: Ints, span_us: int) -> Ints:
    """Modelled time of fills after their bar's open, µs, shape (f,), from what `first_reached` returns of each.

    Each part of the path takes a third of the bar; a level is reached at its share of the way.
    """
    found = np.zeros(len(parts), dtype=np.int64)
    for row in range(len(parts)):
        part, way = parts[row], abs(ends[row] - starts[row])
        if part == 0:
            continue
        first_us, last_us = span_us * (part - 1) // 3, span_us * part // 3
        progress = mul_div_ceil(abs(shown[row] - starts[row]), WHOLE_LEG, way) if way else 0
        found[row] = first_us + mul_div_floor(last_us - first_us, progress, WHOLE_LEG)
    return found
