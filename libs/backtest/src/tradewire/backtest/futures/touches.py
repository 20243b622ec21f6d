"""Where on a leg an order of a compiled loop acts: as `tradewire.trading.exchange.path_walk` finds it."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import Held, Ints
from tradewire.backtest.futures.fills import available
from tradewire.backtest.futures.open_orders import (
    ARRIVE,
    ARRIVED,
    CANCEL,
    EXTREME,
    INACTIVE,
    LEVEL,
    NEVER,
    NONE,
    PLACES,
    SEQUENCE,
    SIGN,
    STATUS,
    STOP,
    TAKE,
    TRAIL,
    TRIGGERED,
    kind_of,
)
from tradewire.backtest.futures.pieces import Way
from tradewire.backtest.loops.arithmetic import mul_div, mul_div_ceil
from tradewire.trading.exchange.path_walk import WHOLE_LEG

NOWHERE = -1
CANCELS, ARRIVES, FILLS, STOPS, TAKES = 0, 2, 3, 4, 6
"""Ranks of what happens at one place of a leg, as `path_walk` has them."""


@compiled_in_place
def quote(s: int, last: int, mark: int, held: Held, book: Ints) -> None:
    """Set the symbol's prices; trailing stops that have arrived remember the best they saw."""
    held.last[s], held.mark[s] = last, mark
    for place in range(STOP, PLACES):
        order = book[s, place]
        if order[STATUS] != NONE and kind_of(place) == TRAIL and order[EXTREME] != 0:
            order[EXTREME] = max(order[EXTREME], last) if order[SIGN] < 0 else min(order[EXTREME], last)


@compiled_in_place
def next_touch(
    s: int,
    way: Way,
    follows: bool,
    progress: int,
    held: Held,
    book: Ints,
    budget: int,
) -> tuple[int, int, int, int, int]:
    """What happens next on a leg: the order's place (or `NOWHERE`), progress, rank, last and mark price there."""
    here = (progress, held.last[s], held.mark[s])
    found, found_rank, found_sequence = (WHOLE_LEG + 1, 0, 0), 0, 0
    found_place = NOWHERE
    for place in range(PLACES):
        order = book[s, place]
        if order[STATUS] == NONE:
            continue
        rank, touch = _acts(order, kind_of(place), way, follows, here, budget)
        if order[CANCEL] != NEVER:
            cancel = _at_time(order[CANCEL], way, follows, here)
            if cancel[0] != NOWHERE and (touch[0] == NOWHERE or cancel[0] <= touch[0]):
                rank, touch = CANCELS, cancel
        if touch[0] == NOWHERE:
            continue
        sooner = touch[0] < found[0] or (
            touch[0] == found[0] and (rank < found_rank or (rank == found_rank and order[SEQUENCE] < found_sequence))
        )
        if found_place == NOWHERE or sooner:
            found, found_rank, found_sequence, found_place = touch, rank, order[SEQUENCE], place
    return found_place, found[0], found_rank, found[1], found[2]


@compiled_inside
def _acts(
    order: Ints,
    kind: int,
    way: Way,
    follows: bool,
    here: tuple[int, int, int],
    budget: int,
) -> tuple[int, tuple[int, int, int]]:
    """Rank of what an order does next, and where: progress (`NOWHERE`), last and mark price."""
    nowhere = (NOWHERE, 0, 0)
    if order[STATUS] == INACTIVE:
        return ARRIVES, nowhere
    if not order[ARRIVED]:
        return ARRIVES, _at_time(order[ARRIVE], way, follows, here)
    if kind < STOP or order[STATUS] >= TRIGGERED:
        return FILLS, (here if available(order, budget) > 0 else nowhere)
    level, rising = order[LEVEL], order[SIGN] > 0
    if kind == TAKE:
        rising = not rising
    elif kind == TRAIL:
        level = order[EXTREME] + order[SIGN] * level
    return (TAKES if kind == TAKE else STOPS), _at_price(level, rising, way, follows, here)


@compiled_inside
def _at_price(level: int, rising: bool, way: Way, follows: bool, here: tuple[int, int, int]) -> tuple[int, int, int]:
    """Where the last price reaches a level: at once if it is there already, else on the way."""
    now, end = here[1], way[3]
    if (rising and now >= level) or (not rising and now <= level):
        return here
    if (rising and end < level) or (not rising and end > level):
        return NOWHERE, 0, 0
    progress = max(here[0], mul_div_ceil(abs(level - way[2]), WHOLE_LEG, abs(end - way[2])))
    if follows:
        return progress, level, level
    return progress, level, way[4] + mul_div(way[5] - way[4], progress, WHOLE_LEG)


@compiled_inside
def _at_time(time_us: int, way: Way, follows: bool, here: tuple[int, int, int]) -> tuple[int, int, int]:
    """Where modelled time reaches ``time_us``, if it does on this leg."""
    begin_us, end_us = way[0], way[1]
    if time_us > end_us:
        return NOWHERE, 0, 0
    progress = here[0]
    if time_us > begin_us:
        progress = max(progress, mul_div_ceil(time_us - begin_us, WHOLE_LEG, end_us - begin_us))
    if progress == here[0]:
        return here
    last = way[2] + mul_div(way[3] - way[2], progress, WHOLE_LEG)
    if follows:
        return progress, last, last
    return progress, last, way[4] + mul_div(way[5] - way[4], progress, WHOLE_LEG)
