"""Where the path of a price inside a bar reaches the first of the orders that guard a position.

The path is that of `tradewire.trading.exchange.bars` for a position that is held: open, adverse extreme, favourable
extreme, close. An order that the open has passed already acts at the open.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.compiled import compiled, compiled_in_place
from tradewire.backtest.loops.arithmetic import mul_div_ceil, mul_div_floor
from tradewire.ports.events import OrderLeg
from tradewire.trading.exchange.path_walk import WHOLE_LEG

Ints = NDArray[np.int64]
LEG_ENTRY, LEG_EXIT, LEG_STOP, LEG_TAKE, LEG_TRAIL = range(5)
"""Codes of a fill's leg."""
LEGS = (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.STOP_LOSS, OrderLeg.TAKE_PROFIT, OrderLeg.TRAILING_STOP)
"""By their codes."""


@compiled_in_place
def first_reached(
    sign: int, prices: tuple[int, int, int, int], levels: tuple[int, int, int, int]
) -> tuple[int, int, int, int, int, int]:
    """The first protective order of a position of this sign that the path of a bar reaches.

    ``prices``: open, high, low, close; ``levels``: of its stop and its take profit, distance of its
    trailing stop and the best price that this saw, 0 for an order that is not there; all 1e-8. Returns: its leg
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
