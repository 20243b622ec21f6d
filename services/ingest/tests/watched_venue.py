"""A simulated venue whose time the test moves, and what ingest's source publishes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from libs.venue.tests.venues import NOW_US, Client, bar, market

from tradewire.binance.signatures import Credentials, HmacKey
from tradewire.ingest.adapters.binance_live import BinanceLive, LiveMarket
from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.binance_streams import MarketStreams
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.events import (
    CandleClosed,
    GapDetected,
    GapKind,
    InstrumentChanged,
)
from tradewire.ports.message import Event
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.venue.faults import FaultPlan, ScriptedFault
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import VenueOptions

MINUTE_US = 60_000_000
HISTORY = 20
SYMBOLS = ("BTCUSDT", "ETHUSDT")
POLICY = PollPolicy(page_bars=8, history_bars=HISTORY, attempts=3, settle_s=0.01, backoff_first_s=0.01)
MARKET = LiveMarket(SYMBOLS, "1m", late_s=20.0, instruments_s=10.0)
WITHIN_S = 60.0


def tape(base: str) -> Any:
    """A symbol's minutes, each with prices of its own, from before the venue starts to a day and more behind it."""
    bars = [bar(n, *(f"{1000 + n % 50 + step}.0" for step in (0, 7, -3, 2))) for n in range(-HISTORY - 5, 26 * 60)]
    return market(*bars, base=base)


@dataclass(slots=True)
class Watched:
    """A venue whose time the test moves, and what a source published of it."""

    client: Client
    server: VenueServer
    resume: dict[tuple[str, str], int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    source: BinanceLive = field(init=False)
    extra: tuple[str, ...] = ()
    keys: bool = False
    silent_s: float = 0.5
    held: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read, as after a crash: from what was published last."""
        self.source = live(self)
        self.held.set()
        self.events += await self.source.instruments()
        self._reading = asyncio.create_task(self._read())

    async def kill(self) -> None:
        """End it without a word to the venue."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self.source.close()

    async def _read(self) -> None:
        async for event in self.source.events(dict(self.resume)):
            await self.held.wait()
            self.events.append(event)
            if isinstance(event, CandleClosed):
                self.resume["binance", event.symbol] = event.close_time_us

    async def pass_minutes(self, minutes: int, step_s: float = 1.0) -> None:
        """Let the venue's time pass, its server as busy as it is."""
        for _ in range(round(minutes * 60 / step_s)):
            self.client.clock.advance(seconds=step_s)
            await self.server.tick()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the venue's time pass slowly until something holds; in the end TimeoutError."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                if self._reading is not None and self._reading.done():
                    self._reading.result()
                self.client.clock.advance(seconds=1.0)
                await self.server.tick()
                await asyncio.sleep(0.002)  # gives the loop away; the condition itself is what is asked

    async def until_minute(self, minute: int, symbols: tuple[str, ...] = SYMBOLS) -> None:
        """Until the bars of a minute are there."""
        await self.until(lambda: all(minute in self.minutes(symbol) for symbol in symbols))

    def candles(self, symbol: str = "BTCUSDT") -> list[CandleClosed]:
        return [event for event in self.events if isinstance(event, CandleClosed) and event.symbol == symbol]

    def minutes(self, symbol: str = "BTCUSDT") -> list[int]:
        """Minutes of the bars in their order."""
        return [(candle.open_time_us - NOW_US) // MINUTE_US for candle in self.candles(symbol)]

    def backfilled(self, symbol: str = "BTCUSDT") -> list[int]:
        """Those of them that are marked."""
        marks = [candle.backfilled for candle in self.candles(symbol)]
        return [minute for minute, marked in zip(self.minutes(symbol), marks, strict=True) if marked]

    def gaps(self, *kinds: GapKind) -> list[tuple[str, int]]:
        return [(e.kind.value, e.missing) for e in self.events if isinstance(e, GapDetected) and e.kind in kinds]

    def instruments(self, symbol: str = "BTCUSDT") -> list[InstrumentChanged]:
        return [event for event in self.events if isinstance(event, InstrumentChanged) and event.symbol == symbol]


def live(watched: Watched) -> BinanceLive:
    spent = MemorySpent(SystemClock())
    budget, keys = RateBudget(watched.server.rest, spent, spent), watched.client.venue.keys
    signs = Credentials(keys.api_key, HmacKey(keys.secret)) if watched.keys else None
    rest = BinancePublic(watched.server.rest, "1m", policy=POLICY, budget=budget, credentials=signs)
    streams = MarketStreams(watched.server.ws, silent_s=watched.silent_s)
    return BinanceLive(rest, streams, replace(MARKET, extra=watched.extra), watched.client.clock, policy=POLICY)


@asynccontextmanager
async def watching(*faults: ScriptedFault) -> AsyncIterator[Watched]:
    client = Client(tape("BTC"), tape("ETH"), options=VenueOptions(faults=FaultPlan(faults)))
    server = VenueServer(client.venue)
    await server.start(keep=False)
    watched = Watched(client, server)
    try:
        yield watched
    finally:
        if watched._reading is not None:
            await watched.kill()
        await server.stop()


def check_whole(watched: Watched, last: int, *, without: range = range(0)) -> None:
    """No hole, no double, each bar as the venue's own candles have it."""
    for symbol in SYMBOLS:
        first = watched.minutes(symbol)[0]
        gone = set(without) if symbol == "BTCUSDT" else set()
        assert watched.minutes(symbol) == [n for n in range(first, last + 1) if n not in gone]
        venue = watched.client.venue
        rows = venue.markets[symbol].klines("1m", 0, None, 10_000, venue.books.time_us)
        shown = {row[0] * 1000: row[1:6] for row in rows}
        for candle in watched.candles(symbol):
            told = [format(x, "f") for x in (candle.open, candle.high, candle.low, candle.close, candle.volume)]
            assert [float(x) for x in told] == [float(x) for x in shown[candle.open_time_us]]
            assert candle.mark_close == candle.close
