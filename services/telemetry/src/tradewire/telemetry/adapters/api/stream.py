"""Live updates as Server-Sent Events, within bounds: a slow reader is cut off, never waited for.

Source: WHATWG HTML Living Standard, "Server-sent events".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse

from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api.examples import STREAM
from tradewire.telemetry.adapters.api.paging import item
from tradewire.telemetry.domain.seen import Seen

SUBSCRIBERS_MAX = 100
QUEUED_MAX = 1_000
"""Updates that wait for one reader; one that is further behind is cut off and reads the state again."""
SILENCE_SECONDS = 15.0
"""A comment is sent after this long without an update, so that proxies keep the connection."""


@dataclass(eq=False)
class _Subscriber:
    account_id: str | None
    kinds: frozenset[str]
    queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(QUEUED_MAX + 1))

    def wants(self, event: Event) -> bool:
        if self.kinds and type(event).__name__ not in self.kinds:
            return False
        return self.account_id is None or getattr(event, "account_id", None) == self.account_id


class UpdateStream:
    """Hands every update to those who listen, from ``open`` to ``close``."""

    def __init__(self) -> None:
        self._subscribers: set[_Subscriber] = set()
        self._serving = False
        self.router = APIRouter(tags=["stream"])
        self.router.get("/stream", summary="Live updates (Server-Sent Events)", responses=STREAM)(self.updates)

    def open(self) -> None:
        """Accept readers."""
        self._serving = True

    def close(self) -> None:
        """End every reader's stream."""
        self._serving = False
        for subscriber in list(self._subscribers):
            self._cut(subscriber)

    def publish(self, seen: Seen[Event]) -> None:
        """Queue an update for each reader that wants it; made into text once, if at all."""
        text: str | None = None
        for subscriber in list(self._subscribers):
            if not subscriber.wants(seen.event):
                continue
            text = text or update(seen)
            if subscriber.queue.qsize() >= QUEUED_MAX:
                self._cut(subscriber)
            else:
                subscriber.queue.put_nowait(text)

    async def updates(
        self,
        account_id: str | None = None,
        kind: Annotated[list[str] | None, Query(description="Event types, e.g. OrderFilled; none: all.")] = None,
    ) -> StreamingResponse:
        """Every change of the state, as it is seen. `event:` is the type, `id:` the event id, `data:` as in pages.

        A stream that ends was too slow, or the service stops: read the state again and reconnect.
        """
        if not self._serving:
            raise HTTPException(503, "the service is starting or stopping; try again")
        if len(self._subscribers) >= SUBSCRIBERS_MAX:
            raise HTTPException(503, f"{len(self._subscribers)} readers; allowed: {SUBSCRIBERS_MAX}")
        subscriber = _Subscriber(account_id, frozenset(kind or ()))
        self._subscribers.add(subscriber)
        return StreamingResponse(
            self._texts(subscriber), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _texts(self, subscriber: _Subscriber) -> AsyncIterator[str]:
        try:
            yield ": connected\n\n"
            while True:
                try:
                    text = await asyncio.wait_for(subscriber.queue.get(), SILENCE_SECONDS)
                except TimeoutError:
                    text = ": still here\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._subscribers.discard(subscriber)

    def _cut(self, subscriber: _Subscriber) -> None:
        """What is queued goes out, then the stream ends. The queue has room for one more than updates fill."""
        self._subscribers.discard(subscriber)
        subscriber.queue.put_nowait(None)


def update(seen: Seen[Event]) -> str:
    """One server-sent event."""
    return f"event: {type(seen.event).__name__}\nid: {seen.envelope.event_id}\ndata: {item(seen).model_dump_json()}\n\n"
