"""A worker on a memory bus whose every step can be watched, and failed on purpose: see ``testkit.watched``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Envelope, Event, root_id
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service, on
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.testkit.summing import Summing
from tradewire.testkit.watched import Journal, WatchedBus, WatchedStore

PARTITIONS = 2
WITHIN_SECONDS = 120.0


class WorkerRig:
    """A bus with every topic, and workers of any service on it."""

    def __init__(self, *, clock: ClockPort | None = None) -> None:
        self.journal = Journal()
        topics = {n: 1 if s.broadcast else PARTITIONS for n, s in TOPICS.items()}
        self.bus = WatchedBus(topics | dict.fromkeys(DEAD_LETTERS.values(), PARTITIONS), self.journal)
        self.codec, self.clock = Codec(SchemaIds.static()), clock or SystemClock()
        self.metrics = Metrics(CollectorRegistry())
        self.settings = RuntimeSettings(bus_url="memory:", retry_seconds_max=0.01, drain_seconds=5.0)

    def summing(self) -> Service:
        """A summing service with a state of its own."""
        desk = Summing()
        store = ChangelogStore(IndicatorStateSaved, changed=desk.changed, restored=desk.restore, forgotten=desk.forget)
        return Service(
            name="indicator",
            inputs=(on(CandleClosed, desk.on_candle),),
            outputs=(IndicatorsUpdated,),
            store=WatchedStore(store, self.journal),
        )

    def worker(self, service: Service, **settings: object) -> Worker:
        """A worker that has not begun."""
        return Worker(
            service,
            self.bus,
            self.codec,
            clock=self.clock,
            tracing=Tracing(service.name, "0"),
            metrics=self.metrics,
            settings=self.settings.model_copy(update=settings),
            version="0",
        )

    @asynccontextmanager
    async def running(self, service: Service, **settings: object) -> AsyncIterator[Worker]:
        """A worker at work; stopped in order afterwards. Raises what it raised."""
        worker, stop = self.worker(service, **settings), asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            async with asyncio.timeout(WITHIN_SECONDS):
                await task

    async def until(self, holds: Callable[[], bool], *tasks: asyncio.Task[None]) -> None:
        """Let everything run until ``holds``. Raises what a task raised first; in the end TimeoutError."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds():
                for task in tasks:
                    if task.done():
                        await task
                await asyncio.sleep(0.001)  # gives the loop away; the condition itself is what is asked

    async def say(self, *events: Event, partition: int | None = None) -> list[Outgoing]:
        """Publish events as their producer would, with ids that follow from them."""
        records = [replace(self.record(event), partition=partition) for event in events]
        await MemoryBus.publish(self.bus, records)
        return records

    def record(self, event: Event) -> Outgoing:
        """A record of one event."""
        spec = BY_EVENT[type(event)]
        time_us = getattr(event, "close_time_us", getattr(event, "event_time_us", 0))
        key = spec.key_of(event)
        envelope = Envelope(event_id=root_id("sim", key, spec.name, time_us), event_time_us=time_us, producer="test")
        return Outgoing(spec.name, key.encode(), self.codec.encode(event), self.codec.encode_headers(envelope))

    async def put(self, *records: Outgoing) -> None:
        """Publish raw records, unseen by the journal."""
        await MemoryBus.publish(self.bus, records)

    async def read(self, topic: str) -> list[Record]:
        """All records of a topic, in order per partition."""
        return [record async for record in read_to_end(self.bus, topic)]

    async def said(self, kind: type[Event]) -> list[tuple[str, Event]]:
        """(event id, event) of everything published of a type."""
        records = await self.read(BY_EVENT[kind].name)
        return [
            (self.codec.decode_headers(r).event_id, self.codec.decode(r.topic, r.value))
            for r in records
            if r.value is not None
        ]

    def place(self, topic: str, event: Event) -> Place:
        """Where an event's key puts it."""
        spec = BY_EVENT[type(event)]
        record = Outgoing(topic, spec.key_of(event).encode(), None)
        return self.bus._log_for(record).place

    @staticmethod
    def topics() -> tuple[str, ...]:
        """Names of the topic map."""
        return tuple(TOPICS)

    def count(self, topic: str) -> int:
        """Records that a topic holds now."""
        return sum(log.end for log in self.bus._logs(topic))

    async def committed(self, topic: str, group: str) -> int:
        """Sum of the offsets that a group has stored."""
        return self.bus_committed(topic, group)

    def bus_committed(self, topic: str, group: str) -> int:
        """The same, for a condition to wait for."""
        stored = self.bus._groups[group].committed if group in self.bus._groups else {}
        return sum(offset for place, offset in stored.items() if place.topic == topic)


async def ended(task: asyncio.Task[None]) -> BaseException | None:
    """What a task ended with."""
    with suppress(asyncio.CancelledError):
        async with asyncio.timeout(WITHIN_SECONDS):
            await asyncio.wait({task})
    return None if task.cancelled() else task.exception()


class Lives:
    """Members of a service on one rig that begin, end in order or not, and die in the middle of a step."""

    def __init__(self) -> None:
        self.rig = WorkerRig()
        self._tasks: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}

    async def end(self, member: int, *, orderly: bool) -> None:
        """End a life; one that was not asked to writes nothing any more."""
        if (found := self._tasks.pop(member, None)) is not None:
            task, stop = found
            stop.set() if orderly else task.cancel()
            failure = await ended(task)
            assert failure is None or isinstance(failure, FatalError), failure

    def strike(self, after: int) -> None:
        """Whoever takes the n-th step from now on dies of it."""
        left = after

        async def hook(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise FatalError("struck")

        self.rig.journal.hook = hook
