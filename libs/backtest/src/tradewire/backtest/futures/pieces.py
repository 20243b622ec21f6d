"""The pieces of a bar that the compiled walk goes along: the bar itself, or its finer bars, leg by leg."""

from __future__ import annotations

from typing import TypeAlias

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.futures.arrays import (
    BAR_ROWS,
    CLOSE,
    HIGH,
    LOW,
    MARKS,
    OPEN,
    OPEN_US,
    VOLUME,
    Inside,
    Ints,
    MarketArrays,
)

BEGIN_US, END_US, PASSED, FOLLOWS, WALKS, LOW_FIRST = range(BAR_ROWS, BAR_ROWS + 6)
PIECE_COLUMNS = BAR_ROWS + 6
"""Columns of a symbol's piece of the bar, shape (s, 16): the rows of a bar, its times, how many went before, whether
its mark follows the last price, whether it is walked now, and whether its low comes first."""
NO_PIECE = -1
FARTHEST_MOVE = 1 << 50
"""A price below this, 1e-8, can be placed on a leg exactly."""
Way: TypeAlias = tuple[int, int, int, int, int, int]
"""A leg: its times, UTC µs, the last price and the mark at both ends."""


@compiled_in_place
def opens(at: int, s: int, passed: int, market: MarketArrays, inside: Inside) -> int:
    """When the next piece of a symbol's bar opens, UTC µs."""
    if not market.present[s, at]:
        return NO_PIECE
    if inside.any and inside.places[1, s, at] > inside.places[0, s, at]:
        place = inside.places[0, s, at] + passed
        return inside.rows[OPEN_US, place] if place < inside.places[1, s, at] else NO_PIECE
    return market.close_us[at] - market.span_us if passed == 0 else NO_PIECE


@compiled_in_place
def lay(at: int, s: int, market: MarketArrays, inside: Inside, piece: Ints) -> bool:
    """Copy the next piece of a symbol's bar; False for a price too high, or a mark that tells no way."""
    close_us = market.close_us[at]
    piece[FOLLOWS] = not market.has_mark[s, at]
    for price in range(4):
        piece[MARKS + price] = market.rows[market.mark_row + price, s, at]
    if inside.any and inside.places[1, s, at] > inside.places[0, s, at]:
        row = inside.places[0, s, at] + piece[PASSED]
        piece[BEGIN_US], piece[END_US] = inside.rows[OPEN_US, row], inside.rows[OPEN_US, row] + inside.span_us[s]
        for column in range(VOLUME + 1):
            piece[column] = inside.rows[column, row]
        if not piece[FOLLOWS] and not inside.told[s] and piece[MARKS + HIGH] != piece[MARKS + LOW]:
            return False
        for price in range(4):
            if piece[FOLLOWS]:
                piece[MARKS + price] = piece[price]
            elif inside.told[s]:
                piece[MARKS + price] = inside.rows[MARKS + price, row]
    else:
        piece[BEGIN_US], piece[END_US] = close_us - market.span_us, close_us
        for column in range(VOLUME + 1):
            piece[column] = market.rows[column, s, at]
    return bool(max(piece[HIGH], piece[MARKS + HIGH]) < FARTHEST_MOVE)


@compiled_in_place
def way_of(leg: int, piece: Ints) -> Way:
    """One of the four legs of a piece: its open, then over both extremes to its close, a third of its time each."""
    begin, end = _ends_of(leg, piece[LOW_FIRST], piece[OPEN], piece[HIGH], piece[LOW], piece[CLOSE])
    mark_begin, mark_end = _ends_of(
        leg, piece[LOW_FIRST], piece[MARKS + OPEN], piece[MARKS + HIGH], piece[MARKS + LOW], piece[MARKS + CLOSE]
    )
    span_us = piece[END_US] - piece[BEGIN_US]
    begin_us = piece[BEGIN_US] + span_us * max(leg - 1, 0) // 3
    return begin_us, piece[BEGIN_US] + span_us * leg // 3, begin, end, mark_begin, mark_end


@compiled_in_place
def _ends_of(leg: int, low_first: int, opened: int, high: int, low: int, closed: int) -> tuple[int, int]:
    """Prices between which a leg runs."""
    near, far = (low, high) if low_first else (high, low)
    if leg == 0:
        return opened, opened
    if leg == 1:
        return opened, near
    if leg == 2:
        return near, far
    return far, closed
