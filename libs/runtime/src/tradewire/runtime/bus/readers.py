"""Readers that keep one poll under way, so that several can be awaited at once and none is ever cut short."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from tradewire.ports.bus import EventBusPort, Place, Record, SubscriptionPort, TailPort
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.ports.message import Emit
from tradewire.runtime.bus.tasks import stopped
from tradewire.runtime.observe.progress import Progress

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5


async def read_to_end(bus: EventBusPort, topic: str) -> AsyncGenerator[Record]:
    """Every record of a topic as it stands now, in offset order per partition."""
    places = [Place(topic, p) for p in range(await bus.partitions(topic))]
    async for record in read_between(bus, await bus.begin_offsets(places), await bus.end_offsets(places)):
        yield record


async def read_between(
    bus: EventBusPort, starts: Mapping[Place, int], ends: Mapping[Place, int]
) -> AsyncGenerator[Record]:
    """Records from ``starts`` (no lower than what is kept) to before ``ends``, in offset order per partition."""
    waiting = {place: start for place, start in starts.items() if ends[place] > start}
    if not waiting:
        return
    tail = await bus.tail(waiting)
    try:
        while waiting:
            records = await tail.poll(max_records=1000, timeout_s=POLL_SECONDS)
            for record in records:
                if (place := record.place) in waiting:
                    waiting[place] = record.offset + 1
                    if record.offset < ends[place]:
                        yield record
            if not records:
                waiting |= await bus.next_offsets(waiting)  # the last offsets may have no record
            done = [place for place, position in waiting.items() if position >= ends[place]]
            tail.pause(done)
            waiting = {place: position for place, position in waiting.items() if place not in done}
    finally:
        await tail.close()


class Reader:
    """One subscription or tail. ``generation`` tells whether an assignment changed since a poll returned."""

    def __init__(
        self, source: SubscriptionPort | TailPort, records_max: int, generation: Callable[[], int] = lambda: 0
    ) -> None:
        self._port, self._records_max, self._generation = source, records_max, generation
        self._task: asyncio.Task[tuple[int, list[Record]]] | None = None

    async def _poll(self) -> tuple[int, list[Record]]:
        records = await self._port.poll(max_records=self._records_max, timeout_s=POLL_SECONDS)
        return self._generation(), records

    def pending(self) -> asyncio.Task[tuple[int, list[Record]]]:
        """The poll under way."""
        if self._task is None:
            self._task = asyncio.create_task(self._poll())
        return self._task

    def take(self) -> list[Record]:
        """What the poll brought, if it is done; nothing if partitions moved since. Raises what the poll raised."""
        if self._task is None or not self._task.done():
            return []
        task, self._task = self._task, None
        generation, records = task.result()
        return records if generation == self._generation() else []

    def pause(self, places: Iterable[Place]) -> None:
        """Deliver nothing from these."""
        if chosen := list(places):
            self._port.pause(chosen)

    def resume(self, places: Iterable[Place]) -> None:
        """Deliver from these again."""
        if chosen := list(places):
            self._port.resume(chosen)

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        """Store offsets, for a subscription. Raises RetryableError."""
        commit = getattr(self._port, "commit", None)
        if commit is not None and offsets:
            await commit(offsets)

    def assignment(self) -> frozenset[Place]:
        """Partitions owned now; none of a tail."""
        assignment = getattr(self._port, "assignment", None)
        return frozenset() if assignment is None else assignment()

    @property
    def joined(self) -> bool:
        """Has the group said which partitions are ours, be it none?"""
        return bool(self.assignment()) or bool(getattr(self._port, "joined", False))

    def owns(self, place: Place) -> bool:
        """Does the subscription own a partition now? What a tail reads is never owned."""
        return place in self.assignment()

    def holds(self) -> bool:
        """Is what a subscription owns ours for certain? See ``SubscriptionPort.holds``."""
        holds = getattr(self._port, "holds", None)
        return holds is None or holds()

    def failed(self) -> bool:
        """Did the poll under way end in an error, which ``take`` raises?"""
        return self._task is not None and self._task.done() and self._task.exception() is not None

    async def close(self) -> None:
        """End the poll and the reader. What the poll raised says nothing to whoever stops reading."""
        try:
            if self._task is not None:
                with suppress(TradewireError):
                    await stopped(self._task)
        finally:
            await self._port.close()


class SourceReader:
    """Reads the batches of a source, one ahead."""

    def __init__(self, source: AsyncIterator[Sequence[Emit]]) -> None:
        self._source = source
        self._task: asyncio.Task[Sequence[Emit] | None] | None = None
        self.exhausted = False

    async def _next(self) -> Sequence[Emit] | None:
        return await anext(self._source, None)

    def pending(self) -> asyncio.Task[Sequence[Emit] | None]:
        """The batch under way."""
        if self._task is None:
            self._task = asyncio.create_task(self._next())
        return self._task

    def take(self) -> Sequence[Emit]:
        """The batch, if it is there."""
        if self._task is None or not self._task.done():
            return ()
        task, self._task = self._task, None
        batch = task.result()
        self.exhausted = batch is None
        return batch or ()

    async def close(self) -> None:
        """Stop the source."""
        if self._task is not None:
            await stopped(self._task)


def taken(reader: Reader, progress: Progress) -> list[Record]:
    """What a reader brought; nothing, and a line in the log, when reading failed: it is tried again."""
    try:
        return reader.take()
    except RetryableError as error:
        progress.last_error = str(error)
        log.warning("reading failed, trying again: %s", error, extra={"event": "poll_failed"})
        return []
