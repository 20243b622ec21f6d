"""Recorded candles in the venue's time."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libs.venue.tests.venues import MINUTE_US, NOW_US, bar

from tradewire.trading.exchange import to_e8
from tradewire.venue.tape import Tape

TICK_E8 = to_e8(Decimal("0.10"))
prices = st.integers(1000, 2000).map(lambda ticks: f"{ticks / 10:.1f}")


@st.composite
def candles(draw: st.DrawFn) -> tuple[str, str, str, str]:
    open_, close, one, two = (draw(prices) for _ in range(4))
    low, *_, high = sorted((open_, close, one, two), key=Decimal)
    return open_, high, low, close


def tape(*rows: tuple[str, str, str, str]) -> Tape:
    return Tape([bar(minute, *row) for minute, row in enumerate(rows)], tick_e8=TICK_E8)


def test_a_rising_candle_goes_to_its_low_first() -> None:
    rising = tape(("100.0", "106.0", "97.0", "103.0"))
    assert [rising.price_at(NOW_US + MINUTE_US * third // 3) // TICK_E8 for third in range(4)] == [
        1000,
        970,
        1060,
        1030,
    ]


@given(st.lists(candles(), min_size=1, max_size=4), st.lists(st.integers(0, 4 * MINUTE_US), max_size=6))
def test_pieces_of_a_span_make_up_the_whole(rows: list[tuple[str, str, str, str]], cuts: list[int]) -> None:
    """However time is cut, the pieces join: each opens where the last closed, and their extremes are the whole's."""
    played = tape(*rows)
    end_us = len(rows) * MINUTE_US
    times = sorted({0, end_us, *(cut for cut in cuts if cut < end_us)})
    pieces = [played.candle(NOW_US + a, NOW_US + b) for a, b in pairwise(times)]
    whole = played.candle(NOW_US, NOW_US + end_us)
    assert whole is not None
    found = [piece for piece in pieces if piece is not None]
    assert len(found) == len(pieces)
    assert (found[0].open_e8, found[-1].close_e8) == (whole.open_e8, whole.close_e8)
    assert max(piece.high_e8 for piece in found) == whole.high_e8
    assert min(piece.low_e8 for piece in found) == whole.low_e8
    assert all(piece.low_e8 <= piece.open_e8 <= piece.high_e8 for piece in found)
    assert all(piece.low_e8 <= piece.close_e8 <= piece.high_e8 for piece in found)


def test_candles_are_moved_by_whole_intervals_and_history_has_closed() -> None:
    rows = [bar(minute, "100.0") for minute in range(10)]
    now_us = NOW_US + 7_000_000_000_000 + 12_345
    moved = Tape.moved(rows, tick_e8=TICK_E8, history=4, now_us=now_us)
    closed = [item for item in moved.bars if item.close_time_us <= now_us]
    assert len(closed) == 4
    assert (moved.first_us - NOW_US) % MINUTE_US == 0


def test_candles_that_are_all_history_are_refused() -> None:
    with pytest.raises(ValueError, match="found 3, allowed more than the 3 that are history"):
        Tape.moved([bar(minute, "100.0") for minute in range(3)], tick_e8=TICK_E8, history=3, now_us=NOW_US)


def test_after_the_last_candle_the_price_stands_still() -> None:
    played = tape(("100.0", "106.0", "97.0", "103.0"))
    assert played.price_at(NOW_US + 10 * MINUTE_US) == to_e8(Decimal("103.0"))
    assert played.candle(NOW_US + 2 * MINUTE_US, NOW_US + 3 * MINUTE_US) is None
