"""Live updates as Server-Sent Events that a reader can resume: whoever misses something is told.

Source: WHATWG HTML Living Standard, "Server-sent events". Decision: docs/adr/0046-updates-that-resume.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query, Response
from fastapi.responses import StreamingResponse

from tradewire.ports.clock import ClockPort
from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api.examples import STREAM
from tradewire.telemetry.adapters.api.models import Beat
from tradewire.telemetry.adapters.api.paging import item
from tradewire.telemetry.domain.seen import Seen
from tradewire.telemetry.domain.updates import (
    Key,
    ReaderQueue,
    Reset,
    ResetReason,
    Update,
    Updates,
    position_from,
    state_key,
)

READERS_MAX = 100
STATE_SECONDS = 0.25
"""State of one key is sent at most once in this time."""
BEAT_SECONDS = 5.0
TOGETHER_MAX = 50
"""Updates that are sent in one piece."""
RETRY_MS = 1000
"""After a cut an EventSource waits this long."""
AT_HEADER = "Tradewire-At"


def _no_event_time() -> int | None:
    return None


@dataclass(eq=False)
class _UpdateReader:
    account_id: str | None
    kinds: frozenset[str]
    queue: ReaderQueue = field(default_factory=ReaderQueue)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, update: Update) -> None:
        if self._wants(update):
            self.queue.put(update)
            self.woken.set()

    def reset(self, reset: Reset) -> None:
        self.queue.reset(reset)
        self.woken.set()

    def _wants(self, update: Update) -> bool:
        """Whoever watches an account also hears each fact that concerns all accounts, such as a gap in the market."""
        event = update.seen.event
        account_id = getattr(event, "account_id", None)
        if self.account_id is not None and account_id is None and update.key is None:
            return True
        if self.kinds and type(event).__name__ not in self.kinds:
            return False
        return self.account_id is None or account_id in (None, self.account_id)


class UpdateStream:
    """Hands every update to those who listen, from ``open`` to ``close``.

    ``event_time``: newest event time (µs) that was read, for the beat.
    """

    def __init__(self, clock: ClockPort, event_time: Callable[[], int | None] = _no_event_time) -> None:
        self._clock, self._event_time = clock, event_time
        self._updates = Updates(self._epoch(0))
        self._staged: dict[Key, Seen[Event]] = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._readers: set[_UpdateReader] = set()
        self._serving = False
        self.router = APIRouter(tags=["stream"])
        self.router.get("/stream", summary="Live updates (Server-Sent Events)", responses=STREAM)(self.updates)

    @property
    def at(self) -> str:
        """The position that a snapshot taken now has."""
        return str(self._updates.at)

    async def tell_position(self, response: Response) -> None:
        """A dependency of routes: the position of what they show, in a header."""
        response.headers[AT_HEADER] = self.at

    def open(self) -> None:
        """Accept readers."""
        self._serving = True

    def close(self) -> None:
        """End every reader's stream after what is queued."""
        self._serving = False
        self._flush()
        for reader in list(self._readers):
            reader.woken.set()

    def begin_anew(self) -> None:
        """The books were read again: what came meanwhile was not published, so each reader is to read them again."""
        self._staged.clear()
        self._updates.begin(self._epoch(int(self._updates.epoch, 16)))
        for reader in self._readers:
            reader.reset(Reset(0, ResetReason.RESTART))

    def publish(self, seen: Seen[Event]) -> None:
        """Queue a fact for each reader that wants it; state at the next flush."""
        key = state_key(seen.event)
        if key is None:
            self._send(self._updates.add(seen, None))
            return
        self._staged[key] = seen
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(STATE_SECONDS, self._flush)

    async def updates(
        self,
        account_id: str | None = None,
        kind: Annotated[
            list[str] | None,
            Query(
                description="Event types, e.g. OrderFilled; none: all. With an account, facts of all accounts come too."
            ),
        ] = None,
        from_: Annotated[
            str | None, Query(alias="from", description="A position (`at`): continue behind it.", examples=["64a3f-17"])
        ] = None,
        last_event_id: Annotated[
            str | None, Header(description="The same, as an EventSource sends it; it wins.")
        ] = None,
    ) -> StreamingResponse:
        """Every change, as it is seen: `event:` is its type, `id:` its position, `data:` as in pages.

        Facts come each and in order; state (account states, marks, quotes, candles) as the newest of its key, at most
        four times a second. `reset` says that something is not told one by one: read the state again. `beat` comes
        every 5 s. Behind a position: `from`, or the header Last-Event-ID.
        """
        if not self._serving:
            raise HTTPException(503, "the service is starting or stopping; try again")
        if len(self._readers) >= READERS_MAX:
            raise HTTPException(503, f"{len(self._readers)} readers; allowed: {READERS_MAX}")
        reader = _UpdateReader(account_id, frozenset(kind or ()))
        given = last_event_id if last_event_id is not None else from_
        if given is not None:
            self._resume(reader, given)
        self._readers.add(reader)
        return StreamingResponse(
            self._texts(reader), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def _resume(self, reader: _UpdateReader, given: str) -> None:
        reset, rest = self._updates.after(position_from(given))
        if reset is not None:
            reader.reset(reset)
        reader.queue.facts_max += len(rest)
        for update in rest:
            reader.put(update)

    async def _texts(self, reader: _UpdateReader) -> AsyncIterator[str]:
        try:
            yield f"retry: {RETRY_MS}\n{self._beat(reader)}"
            beat_at = self._clock.monotonic_s() + BEAT_SECONDS
            while True:
                if self._clock.monotonic_s() >= beat_at:
                    beat_at = self._clock.monotonic_s() + BEAT_SECONDS
                    yield self._beat(reader)
                elif text := self._texts_queued(reader):
                    yield text
                    # The service and other readers get their turn, and a reader that is gone is noticed.
                    await asyncio.sleep(0)
                elif not self._serving:
                    return
                else:
                    reader.woken.clear()
                    await _woken(reader.woken, beat_at - self._clock.monotonic_s())
        finally:
            self._readers.discard(reader)

    def _texts_queued(self, reader: _UpdateReader) -> str:
        """The next of what is queued, together up to a bound."""
        texts: list[str] = []
        while len(texts) < TOGETHER_MAX and (found := reader.queue.take()) is not None:
            texts.append(self._text(found))
        return "".join(texts)

    def _text(self, found: Reset | Update) -> str:
        id_ = f"{self._updates.epoch}-{found.number}"
        if isinstance(found, Reset):
            return f'event: reset\nid: {id_}\ndata: {{"reason": "{found.reason.value}", "at": "{self.at}"}}\n\n'
        return f"event: {type(found.seen.event).__name__}\nid: {id_}\ndata: {item(found.seen).model_dump_json()}\n\n"

    def _beat(self, reader: _UpdateReader) -> str:
        """With an id only when the reader has all up to it."""
        queued = len(reader.queue)
        beat = Beat(now_us=self._clock.now_us(), event_time_us=self._event_time(), at=self.at, queued=queued)
        id_ = "" if queued else f"id: {self.at}\n"
        return f"event: beat\n{id_}data: {beat.model_dump_json()}\n\n"

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        staged, self._staged = self._staged, {}
        for key, seen in staged.items():
            self._send(self._updates.add(seen, key))

    def _send(self, update: Update) -> None:
        for reader in self._readers:
            reader.put(update)

    def _epoch(self, last: int) -> str:
        """Hex digits of the time of the start, so that two starts differ."""
        return f"{max(self._clock.now_us(), last + 1):x}"


async def _woken(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0.0))
    except TimeoutError:
        return
