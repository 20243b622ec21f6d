"""The path of a bar in a compiled loop: as `tradewire.trading.exchange.bar_walk` and `path_walk` walk it.

The same legs, the same touches in the same order, the same integers. Only what cannot be plain is missing: before
anything may be liquidated or refused, the walk gives up, and its caller undoes the bar and gives it to the exchange.
"""

from __future__ import annotations

from tradewire.backtest.compiled import ZERO, compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import (
    CLOSE,
    HIGH,
    LOW,
    MARKS,
    OPEN,
    VOLUME,
    Brackets,
    Held,
    Inside,
    InstrumentArrays,
    Ints,
    LogArrays,
    MarketArrays,
    Model,
    Room,
    Terms,
)
from tradewire.backtest.futures.fills import UNBOUNDED, execute
from tradewire.backtest.futures.margin import cross_wallet_of, safe_at
from tradewire.backtest.futures.open_orders import (
    ARRIVED,
    ENTRY,
    EXTREME,
    FILLED,
    NONE,
    QTY,
    SIGN,
    STATUS,
    TRAIL,
    TRIGGERED,
    kind_of,
)
from tradewire.backtest.futures.pieces import FOLLOWS, LOW_FIRST, NO_PIECE, PASSED, WALKS, lay, opens, way_of
from tradewire.backtest.futures.touches import ARRIVES, CANCELS, FILLS, NOWHERE, next_touch, quote
from tradewire.backtest.loops.arithmetic import SCALE, mul_div_floor, whole_steps
from tradewire.trading.exchange.path_walk import WHOLE_LEG


@compiled_in_place
def walk(
    at: int,
    market: MarketArrays,
    inside: Inside,
    venue: InstrumentArrays,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    room: Room,
) -> bool:
    """Let all that the bars of one close reach happen; False when that is not plain."""
    for s in range(len(held.qty)):
        room.piece[s, PASSED] = 0
    while True:
        first_us = NO_PIECE
        for s in range(len(held.qty)):
            open_us = opens(at, s, room.piece[s, PASSED], market, inside)
            if open_us != NO_PIECE and (first_us == NO_PIECE or open_us < first_us):
                first_us = open_us
        if first_us == NO_PIECE:
            return True
        for s in range(len(held.qty)):
            piece = room.piece[s]
            piece[WALKS] = opens(at, s, piece[PASSED], market, inside) == first_us
            if piece[WALKS]:
                if not lay(at, s, market, inside, piece):
                    return False
                piece[PASSED] += 1
        if not _walk_together(
            market.close_us, venue.terms, venue.model, venue.brackets, held, totals, book, tape, room
        ):
            return False


@compiled_in_place
def _walk_together(
    close_us: Ints,
    terms: Terms,
    model: Model,
    brackets: Brackets,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    room: Room,
) -> bool:
    """Walk the pieces that open together: all opens, then leg by leg, symbols by name."""
    for s in range(len(held.qty)):
        piece = room.piece[s]
        if piece[WALKS]:
            held.last[s], held.mark[s] = piece[OPEN], piece[MARKS + OPEN]
            room.budget[s] = UNBOUNDED
            if model.volume_share:
                share = mul_div_floor(piece[VOLUME], model.volume_share, SCALE)
                room.budget[s] = whole_steps(share, terms.step[s]) * terms.step[s]
    for leg in range(4):
        if leg == 1:
            _choose_ways(held, book, room)
        if leg < 2 and not _safe(leg, brackets, held, totals, room):
            return False
        for s in range(len(held.qty)):
            if room.piece[s, WALKS] and not _walk_leg(
                leg, s, close_us, terms, model, brackets, held, totals, book, tape, room
            ):
                return False
    return True


@compiled_in_place
def _choose_ways(held: Held, book: Ints, room: Room) -> None:
    """Whether each symbol's low comes before its high (`bars.low_comes_first`)."""
    for s in range(len(held.qty)):
        piece, entry = room.piece[s], book[s, ENTRY]
        if held.qty[s] != 0:
            piece[LOW_FIRST] = held.qty[s] > 0
        elif entry[STATUS] != NONE and entry[QTY] > entry[FILLED]:
            piece[LOW_FIRST] = entry[SIGN] < 0
        else:
            piece[LOW_FIRST] = piece[CLOSE] >= piece[OPEN]


@compiled_inside
def _safe(leg: int, brackets: Brackets, held: Held, totals: Ints, room: Room) -> bool:
    """Whether what is held is clear of liquidation at the open, or all through the pieces."""
    exposed = False
    for s in range(len(held.qty)):
        qty = held.qty[s]
        exposed = exposed or qty != 0
        room.worst[s] = held.mark[s]
        if leg > 0 and room.piece[s, WALKS]:
            room.worst[s] = room.piece[s, MARKS + LOW] if qty > 0 else room.piece[s, MARKS + HIGH]
    return not exposed or safe_at(room.worst, held, brackets, cross_wallet_of(held, totals))


@compiled_in_place
def _walk_leg(
    leg: int,
    s: int,
    close_us: Ints,
    terms: Terms,
    model: Model,
    brackets: Brackets,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    room: Room,
) -> bool:
    """Move a symbol's prices along a leg, and let each order act where it is reached."""
    follows, progress = room.piece[s, FOLLOWS] != 0, ZERO
    way = way_of(leg, room.piece[s])
    quote(s, way[2], way[4], held, book)
    while True:
        place, progress, rank, last, mark = next_touch(s, way, follows, progress, held, book, room.budget[s])
        if place == NOWHERE:
            break
        quote(s, last, mark, held, book)
        if rank == CANCELS:
            book[s, place, STATUS] = NONE
        elif rank == ARRIVES:
            book[s, place, ARRIVED] = 1
            if kind_of(place) == TRAIL:
                book[s, place, EXTREME] = last
        elif rank == FILLS:
            now_us = way[0] + mul_div_floor(way[1] - way[0], progress, WHOLE_LEG)
            if not execute(
                now_us, s, place, terms, model, brackets, held, totals, book, room.budget, tape, close_us
            ) or not (cross_wallet_of(held, totals) >= 0 and _safe(leg, brackets, held, totals, room)):
                return False
        else:
            book[s, place, STATUS] = TRIGGERED
    quote(s, way[3], way[5], held, book)
    return True
