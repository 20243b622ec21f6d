"""The open orders of an account in a compiled loop: where they stand, and which a bar may stir."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.futures.arrays import HIGH, LOW, Ints, MarketArrays

ENTRY, EXIT, STOP, TAKE, TRAIL, LEFT = range(6)
"""Places of a symbol's orders, shape (s, 8, 12); from `LEFT` on those that guarded what an exit closes, in the same
order, while their cancels are on the way."""
PLACES = 8
GUARDS = 3
STATUS, SIGN, REQUESTED, QTY, FILLED, LEVEL, EXTREME, ARRIVED, ARRIVE, CANCEL, SEQUENCE, DECIDED = range(12)
"""Of an order: its status, side, quantity as asked for, as it is now and filled so far, its stop price or the distance
of a trailing stop, the best price that this saw (0 before it arrived), whether it reached the venue, when it does and
when its cancel does (UTC µs, `NEVER`), its number, and the bar that decided on it."""
FIELDS = 12
NONE, INACTIVE, WORKING, TRIGGERED, PART_FILLED = range(5)
"""An order's status; `NONE` where there is no order."""
NEVER = -1


@compiled_in_place
def kind_of(place: int) -> int:
    """Which leg an order at this place is."""
    return place if place < LEFT else place - GUARDS


@compiled_in_place
def any_open(book: Ints) -> bool:
    """Whether an order is open."""
    for s in range(len(book)):
        for place in range(PLACES):
            if book[s, place, STATUS] != NONE:
                return True
    return False


@compiled_in_place
def in_flight(s: int, book: Ints) -> bool:
    """Whether an entry or an exit is open: no decision is taken before it has ended."""
    return bool(book[s, ENTRY, STATUS] | book[s, EXIT, STATUS])


@compiled_in_place
def stirs(at: int, market: MarketArrays, book: Ints) -> bool:
    """Whether an order may act within the bar."""
    for s in range(len(book)):
        if not market.present[s, at]:
            continue
        for place in range(PLACES):
            order = book[s, place]
            status = order[STATUS]
            if status == NONE:
                continue
            if order[CANCEL] != NEVER:
                return True
            if status == INACTIVE:
                continue
            kind = kind_of(place)
            if kind < STOP or status >= TRIGGERED or not order[ARRIVED]:
                return True
            if _within(
                kind, order[SIGN], order[LEVEL], order[EXTREME], market.rows[HIGH, s, at], market.rows[LOW, s, at]
            ):
                return True
    return False


@compiled_in_place
def _within(kind: int, sign: int, level: int, extreme: int, high: int, low: int) -> bool:
    """Whether a bar reaches what a guard that trades with this sign waits for."""
    against, along = (high, low) if sign > 0 else (low, high)
    if kind == TAKE:
        return sign * along <= sign * level
    if kind == TRAIL:
        best = along if sign * along < sign * extreme else extreme
        return sign * against >= sign * best + level
    return sign * against >= sign * level


@compiled_in_place
def trail_along(at: int, market: MarketArrays, book: Ints) -> None:
    """Let trailing stops see the best prices of a bar in which no order acts."""
    for s in range(len(book)):
        order = book[s, TRAIL]
        if order[STATUS] > INACTIVE and market.present[s, at]:
            if order[SIGN] < 0:
                order[EXTREME] = max(order[EXTREME], market.rows[HIGH, s, at])
            else:
                order[EXTREME] = min(order[EXTREME], market.rows[LOW, s, at])
