"""Market streams of Binance USDⓈ-M futures over WebSocket: connections that are opened again whenever they end."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from tradewire.binance.streams import Route, stream_name
from tradewire.ingest.adapters.polling import Backoff, PollPolicy
from tradewire.runtime.bus.tasks import stopped

STREAMS_PER_CONNECTION = 200
"""Fewer than the venue's most, so that one cut touches a part of the symbols only."""
NAMES_PER_REQUEST = 100
"""Streams in one SUBSCRIBE."""
CONNECT_S = 10.0
PING_EVERY_S = 20.0
"""Our own pings find a connection whose other side is gone."""

CLOSED, SILENT, REFUSED, UNREADABLE, FAILED = CAUSES = ("closed", "silent", "refused", "unreadable", "failed")
"""Why a connection ended: by the venue, without a message for too long, a subscription was refused, a message was no
JSON object, the network.
"""
QUEUED_MAX = 10_000
"""Messages that wait to be taken. When there are more the connections are not read; what the venue then cuts off is
found missing by its time, like after any other cut."""

QUOTES_QUEUED_MAX = 2_000
"""Messages that wait to be taken when quotes begin to be dropped."""

_CLOSING = aiohttp.ClientWSTimeout(ws_close=1.0)
Take = Callable[[Mapping[str, Any]], Awaitable[None]]
_log = logging.getLogger(__name__)


class _EndedError(Exception):
    """A connection is over; the message says why, in a word."""


@dataclass(slots=True)
class StreamCounts:
    """What happened to the connections. ``open``: now; ``ends``: how often they ended, by cause; ``dropped``: quotes
    that nobody took in time.
    """

    open: int = 0
    dropped: int = 0
    ends: Counter[str] = field(default_factory=Counter)


class StreamConnection:
    """One connection and its streams. ``take`` gets each message, ``changed`` is told when it has opened or ended.

    ``names`` is asked at each opening and by `subscribe`, as symbols come and go; without any it waits.
    """

    def __init__(
        self,
        url: str,
        names: Callable[[], Sequence[str]],
        take: Take,
        changed: Callable[[], None],
        *,
        silent_s: float,
        counts: StreamCounts,
    ) -> None:
        self._url, self._names, self._take, self._changed = url, names, take, changed
        self._silent_s, self._counts = silent_s, counts
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._subscribed, self._listed = set[str](), asyncio.Event()
        self._asked = self._answers = 0
        self._backoff, self._failures = Backoff(PollPolicy(), random.Random()), 0  # noqa: S311

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Keep it open until cancelled."""
        while True:
            if not self._names():
                self._listed.clear()
                await self._listed.wait()
                continue
            try:
                await self._once(session)
            except (_EndedError, aiohttp.ClientError, OSError) as error:
                cause = str(error) if isinstance(error, _EndedError) else FAILED
                self._counts.ends[cause] += 1
                self._failures += 1
                wait_s = self._backoff.wait_s(self._failures)
                _log.warning("binance: market stream %s (%s), opened again in %.1f s", cause, error, wait_s)
                await asyncio.sleep(wait_s)

    async def _once(self, session: aiohttp.ClientSession) -> None:
        """Open, subscribe and read until it ends. Raises _EndedError or what the library raises."""
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(self._url, heartbeat=PING_EVERY_S, timeout=_CLOSING, max_msg_size=0)
        self._counts.open += 1
        self._socket, self._answers = socket, 0
        self._subscribed.clear()
        try:
            await self.subscribe()
            await self._read(socket)
        finally:
            self._socket = None
            self._counts.open -= 1
            self._changed()
            await socket.close()

    async def subscribe(self) -> None:
        """Ask for the streams that there are now and that this connection does not have."""
        self._listed.set()
        names, socket = list(self._names()), self._socket
        if socket is None:
            return
        self._subscribed.intersection_update(names)
        new = [name for name in names if name not in self._subscribed]
        for first in range(0, len(new), NAMES_PER_REQUEST):
            part = new[first : first + NAMES_PER_REQUEST]
            self._subscribed.update(part)
            self._asked, self._answers = self._asked + 1, self._answers + 1
            with suppress(aiohttp.ClientError, ConnectionError):  # who reads finds out, and opens another
                await socket.send_str(json.dumps({"method": "SUBSCRIBE", "params": part, "id": self._asked}))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Hand on messages; when all subscriptions are answered, say so."""
        while True:
            try:
                async with asyncio.timeout(self._silent_s):
                    message = await socket.receive()
            except TimeoutError:
                raise _EndedError(SILENT) from None
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise _EndedError(CLOSED)
            data = _json(message.data)
            if "id" not in data:
                await self._take(data)
                continue
            if "error" in data:
                raise _EndedError(REFUSED) from ValueError(str(data["error"])[:200])
            self._answers -= 1
            if self._answers == 0:
                self._failures = 0
                self._changed()


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _EndedError(UNREADABLE)
    return found


def _names(symbols: Callable[[], Sequence[str]], mine: frozenset[str], kinds: Sequence[str]) -> list[str]:
    """Streams of those of ``mine`` that there are now."""
    return [f"{symbol.lower()}@{kind}" for symbol in symbols() if symbol in mine for kind in kinds]


class MarketStreams:
    """Streams of many symbols over as many connections as they need; what they bring, in order of arrival."""

    def __init__(self, url: str, *, silent_s: float) -> None:
        self._url, self._silent_s = url.rstrip("/"), silent_s
        self._arrived: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(QUEUED_MAX)
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: list[StreamConnection] = []
        self.counts = StreamCounts()
        self.changed = False
        """Whether a connection opened or ended since this was last set to False."""

    def open(
        self,
        session: aiohttp.ClientSession,
        symbols: Sequence[str],
        listed: Callable[[], Sequence[str]],
        kinds: Sequence[str],
    ) -> None:
        """Begin to read streams of ``kinds``, e.g. kline_1m, of each symbol, as far as it is ``listed``."""
        routes: dict[Route, list[str]] = {}
        for kind in kinds:
            routes.setdefault(stream_name(f"x@{kind}").route, []).append(kind)
        for route, served in routes.items():
            share = max(1, STREAMS_PER_CONNECTION // len(served))
            for first in range(0, len(symbols), share):
                mine = frozenset(symbols[first : first + share])
                self._connect(session, route, partial(_names, listed, mine, served))

    async def subscribe(self) -> None:
        """Ask for streams of symbols that came onto the list, on the connections that are open."""
        for connection in self._connections:
            await connection.subscribe()

    def _connect(self, session: aiohttp.ClientSession, route: Route, names: Callable[[], Sequence[str]]) -> None:
        take = self._take_quote if route is Route.PUBLIC else self._arrived.put
        url = f"{self._url}/{route}/stream"
        connection = StreamConnection(url, names, take, self._note_change, silent_s=self._silent_s, counts=self.counts)
        self._connections.append(connection)
        self._tasks.append(asyncio.create_task(connection.run(session)))

    async def _take_quote(self, message: Mapping[str, Any]) -> None:
        """Quotes alone may be dropped: the next one says all that counts."""
        if self._arrived.qsize() >= QUOTES_QUEUED_MAX:
            self.counts.dropped += 1
        else:
            await self._arrived.put(message)

    def _note_change(self) -> None:
        self.changed = True

    async def next(self, patience_s: float) -> list[Mapping[str, Any]]:
        """All that has arrived; waits for something at most ``patience_s``. Raises what a connection failed with."""
        for task in self._tasks:
            if task.done():
                task.result()
        found: list[Mapping[str, Any]] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                found.append(await self._arrived.get())
        while not self._arrived.empty():
            found.append(self._arrived.get_nowait())
        return found

    async def close(self) -> None:
        """End all connections."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await stopped(task)
