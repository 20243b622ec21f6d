"""The sequencing rule of the depth stream, on recorded sessions too."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewire.binance.depth import DepthSnapshot, OrderBook, Resync
from tradewire.binance.market_streams import BookTicker, DepthUpdate
from tradewire.binance.streams import read_event

SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
SESSIONS = SHARED / "messages" / "sessions"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)
COMMON = {"BTCUSDT": 108, "SUSHIUSDT": 12, "AKROUSDT": 7}
"""Update ids of the depth stream that a best bid and ask was recorded for as well."""


def update(first: int, last: int, previous: int, **levels: list[list[str]]) -> DepthUpdate:
    body = {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": first, "u": last, "pu": previous}
    return DepthUpdate.read(body | {"b": levels.get("bids", []), "a": levels.get("asks", [])})


def snapshot(last: int) -> DepthSnapshot:
    return DepthSnapshot.read({"lastUpdateId": last, "bids": [["10", "1"]], "asks": [["11", "2"]]})


def test_updates_before_the_snapshot_are_kept_and_older_ones_dropped() -> None:
    book = OrderBook()
    assert book.take(update(1, 4, 0, bids=[["9", "5"]])) is Resync.NO_SNAPSHOT
    assert book.take(update(5, 8, 4, bids=[["10", "0"], ["9", "7"]])) is Resync.NO_SNAPSHOT
    assert book.start(snapshot(6)) is None
    assert book.take(update(9, 9, 8, asks=[["10.5", "1"], ["77", "0"]])) is None
    assert (book.best_bid(), book.best_ask()) == ((Decimal(9), Decimal(7)), (Decimal("10.5"), Decimal(1)))
    assert book.update_id == 9


def test_a_missing_update_ends_the_book_and_a_new_snapshot_begins_it_again() -> None:
    book = OrderBook()
    book.start(snapshot(6))
    assert book.take(update(6, 8, 5)) is None
    assert book.take(update(12, 14, 11)) is Resync.UPDATE_MISSING
    assert not book.is_synced
    assert book.best_bid() is None
    assert book.start(snapshot(13)) is None
    assert book.update_id == 14


def test_a_snapshot_older_than_the_first_update_kept_is_not_enough() -> None:
    book = OrderBook()
    book.take(update(8, 9, 7))
    assert book.start(snapshot(5)) is Resync.SNAPSHOT_TOO_OLD
    assert book.start(snapshot(8)) is None
    assert book.update_id == 9


def test_an_update_that_follows_the_snapshot_directly_is_taken() -> None:
    book = OrderBook()
    book.start(snapshot(6))
    assert book.take(update(7, 9, 6)) is None


def recorded(path: Path) -> Iterator[tuple[str, Any]]:
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        item = json.loads(line)
        message = item["msg"]
        if item["kind"] == "rest_depth":
            yield item.get("symbol", "BTCUSDT"), DepthSnapshot.read(message)
        else:
            event = read_event(message.get("data", message))
            yield getattr(event, "symbol", ""), event


def compared(symbol: str, *, dropped: int | None = None) -> tuple[int, list[Resync]]:
    """Best bids and asks found equal at the same update id, and the reasons of resyncs, with one update left out.

    After a resync the book that kept everything gives the snapshot, as the venue would.
    """
    path = next(path for path in SESSIONS.glob("*.gz") if symbol[:4] in path.name)
    whole, book, equal, updates, resyncs = OrderBook(), OrderBook(), 0, 0, list[Resync]()
    tops: dict[int, BookTicker] = {}
    for name, event in recorded(path):
        if name != symbol:
            continue
        if isinstance(event, DepthSnapshot):
            whole.start(event)
            book.start(event)
        elif isinstance(event, BookTicker):
            tops[event.update_id] = event
            equal += _is_equal(book, event)
        elif isinstance(event, DepthUpdate):
            updates += 1
            whole.take(event)
            broken = book.take(event) if updates != dropped else None
            if broken and whole.is_synced:
                resyncs.append(broken)
                levels = {"bids": _rows(whole.bids), "asks": _rows(whole.asks)}
                assert book.start(DepthSnapshot.read({"lastUpdateId": whole.update_id} | levels)) is None
            if event.last_update_id in tops:
                equal += _is_equal(book, tops[event.last_update_id])
    return equal, resyncs


def _rows(side: dict[Decimal, Decimal]) -> list[list[str]]:
    return [[format(price, "f"), format(qty, "f")] for price, qty in side.items()]


def _is_equal(book: OrderBook, top: BookTicker) -> bool:
    if not book.is_synced or book.update_id != top.update_id:
        return False
    assert (book.best_bid(), book.best_ask()) == ((top.bid, top.bid_qty), (top.ask, top.ask_qty))
    return True


@needs_shared
@pytest.mark.parametrize("symbol", COMMON)
def test_a_recorded_book_equals_the_best_bid_and_ask_at_every_common_update(symbol: str) -> None:
    assert compared(symbol) == (COMMON[symbol], [])


@needs_shared
@pytest.mark.parametrize("symbol", COMMON)
def test_a_recorded_book_without_one_update_is_resynchronised_and_equal_again(symbol: str) -> None:
    equal, resyncs = compared(symbol, dropped=60)
    assert resyncs == [Resync.UPDATE_MISSING]
    assert COMMON[symbol] - 1 <= equal <= COMMON[symbol]
