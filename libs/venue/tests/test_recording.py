"""Recorded sessions played by the venue over a socket: our book equals the recorded best bid and ask."""

from __future__ import annotations

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from libs.venue.tests.venues import NOW_US, instrument

from tradewire.binance.depth import DepthSnapshot, OrderBook, Resync
from tradewire.binance.market_streams import BookTicker, DepthUpdate
from tradewire.binance.streams import read_event
from tradewire.ports.errors import FatalError
from tradewire.testkit.manual_clock import ManualClock
from tradewire.venue.faults import FaultPlan, ScriptedFault
from tradewire.venue.loading import load_recording
from tradewire.venue.recording import read_recording
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import Venue, VenueOptions

SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
SESSIONS = SHARED / "messages" / "sessions"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)
COMMON = {"BTCUSDT": 108, "SUSHIUSDT": 12, "AKROUSDT": 7}
STEP_S = 0.5


class Follower:
    """Keeps a book from the venue's streams and REST snapshots, and compares it with the best bid and ask."""

    def __init__(self, symbol: str, server: VenueServer, clock: ManualClock, session: aiohttp.ClientSession) -> None:
        self.symbol, self.server, self.clock, self.session = symbol, server, clock, session
        self.book, self.tops = OrderBook(), dict[int, BookTicker]()
        self.equal: set[int] = set()
        self.resyncs: list[Resync] = []

    async def follow(self, seconds: float) -> None:
        name = self.symbol.lower()
        url = f"{self.server.ws}/public/stream?streams={name}@depth@100ms/{name}@bookTicker"
        socket = await self.session.ws_connect(url)
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance(seconds=STEP_S)
            await self.server.tick()
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            while "id" not in (message := await socket.receive_json()):
                await self.take(read_event(message["data"]))
            if not self.book.is_synced:
                await self.resync()
        await socket.close()

    async def take(self, event: Any) -> None:
        if isinstance(event, BookTicker):
            self.tops[event.update_id] = event
        elif isinstance(event, DepthUpdate):
            broken = self.book.take(event)
            if broken not in (None, Resync.NO_SNAPSHOT):
                self.resyncs.append(broken)
        self.compare()

    async def resync(self) -> None:
        url = f"{self.server.rest}/fapi/v1/depth?symbol={self.symbol}&limit=1000"
        async with self.session.get(url) as reply:
            self.book.start(DepthSnapshot.read(await reply.json()))
        self.compare()

    def compare(self) -> None:
        top = self.tops.get(self.book.update_id)
        if top is not None and self.book.is_synced:
            best = (self.book.best_bid(), self.book.best_ask())
            assert best == ((top.bid, top.bid_qty), (top.ask, top.ask_qty))
            self.equal.add(top.update_id)


async def followed(symbol: str, *faults: ScriptedFault) -> Follower:
    (path,) = [path for path in SESSIONS.glob("*.gz") if symbol.removesuffix("USDT") in path.name]
    clock = ManualClock(NOW_US)
    markets, recording = load_recording(path, instrument().brackets, now_us=NOW_US)
    server = VenueServer(Venue(markets, clock, VenueOptions(faults=FaultPlan(faults)), recording))
    await server.start(keep=False)
    try:
        async with aiohttp.ClientSession() as session:
            follower = Follower(symbol, server, clock, session)
            await follower.follow(recording.lines[-1].offset_us / 1e6 + STEP_S)
    finally:
        await server.stop()
    return follower


@needs_shared
@pytest.mark.parametrize("symbol", COMMON)
async def test_our_book_equals_the_recorded_best_bid_and_ask_at_common_updates(symbol: str) -> None:
    follower = await followed(symbol)
    assert follower.resyncs == []
    assert len(follower.equal) >= COMMON[symbol] - 1  # what was heard before the first snapshot can't be compared


@needs_shared
@pytest.mark.parametrize("symbol", COMMON)
async def test_one_dropped_change_is_found_and_the_books_are_equal_again(symbol: str) -> None:
    follower = await followed(symbol, ScriptedFault("depth_dropped", probability=0.05, times=1, symbol=symbol))
    assert follower.resyncs == [Resync.UPDATE_MISSING]
    assert len(follower.equal) > COMMON[symbol] // 2
    assert follower.book.is_synced


def write(folder: Path, *lines: object) -> Path:
    path = folder / "session.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    return path


def trade(at_us: int, price: str) -> dict[str, Any]:
    body = {"e": "trade", "E": 1, "T": 1, "s": "BTCUSDT", "t": 1, "p": price, "q": "1", "X": "MARKET", "m": False}
    return {"recv_ns": at_us * 1000, "kind": "ws", "msg": body}


def depth(at_us: int) -> dict[str, Any]:
    body = {
        "e": "depthUpdate",
        "E": 1,
        "T": 1,
        "s": "BTCUSDT",
        "U": 1,
        "u": 2,
        "pu": 0,
        "b": [["9.5", "1.25"]],
        "a": [],
    }
    return {"recv_ns": at_us * 1000, "kind": "ws", "msg": body}


def test_orders_meet_the_recorded_trades(tmp_path: Path) -> None:
    path = write(tmp_path, depth(0), trade(100, "10.0"), trade(2_500_000, "12.0"), trade(2_600_000, "11.0"))
    markets, recording = load_recording(path, instrument().brackets, now_us=NOW_US)
    ((listing, tape),) = markets
    assert (listing.filters.tick_size, listing.filters.step_size) == (Decimal("0.1"), Decimal("0.01"))
    assert [bar.close_e8 // 10**7 for bar in tape.bars] == [100, 100, 110]
    assert [bar.high_e8 // 10**7 for bar in tape.bars] == [100, 100, 120]
    assert len(list(recording.due(NOW_US + 2_500_000))) == 3


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{}"], "line 1: found"),
        ([], "found no recorded message"),
        ([{"recv_ns": 1, "kind": "rest_depth", "msg": {"lastUpdateId": 1, "bids": [], "asks": []}}], "without symbol"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_in_words(lines: list[object], said: str, tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"session\.jsonl\.gz") as refused:
        read_recording(write(tmp_path, *lines), now_us=NOW_US)
    assert said in str(refused.value)
