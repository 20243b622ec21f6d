"""A simulated Binance in a thread of its own, for tests whose clients are commands or processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from queue import Queue
from threading import Thread

from tradewire.runtime.clock import SystemClock
from tradewire.venue.loading import load_markets
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import Venue, VenueOptions

HISTORY = 50
STARTS_WITHIN_S = 60.0


@contextmanager
def running_venue(folder: Path) -> Iterator[VenueServer]:
    """Serve a folder's candle files, as ``tradewire venue --data`` does."""
    started: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, VenueServer]] = Queue()
    thread = Thread(target=lambda: asyncio.run(_serve(folder, started)), daemon=True)
    thread.start()
    loop, ended, server = started.get(timeout=STARTS_WITHIN_S)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _serve(folder: Path, started: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, VenueServer]]) -> None:
    clock, ended = SystemClock(), asyncio.Event()
    markets = load_markets(folder, now_us=clock.now_us(), history=HISTORY)
    server = VenueServer(Venue(markets, clock, VenueOptions(balance=Decimal(100_000))))
    await server.start()
    try:
        started.put((asyncio.get_running_loop(), ended, server))
        await ended.wait()
    finally:
        await server.stop()
