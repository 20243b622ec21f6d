"""A worker on a memory bus whose every step can be watched, and failed on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Ack, OnPlaces, Outgoing, Place, Record, SubscriptionPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope, Event, root_id
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.changelog import ChangelogStore
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.readers import read_to_end
from tradewire.runtime.service import Service, Store, StoreContext, on
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.tracing import Tracing
from tradewire.runtime.worker import Worker

PARTITIONS = 2
WITHIN_SECONDS = 10.0
Step = str
Hook = Callable[[Step], Awaitable[None]]


async def _nothing(_: Step) -> None:
    return None


@dataclass
class Journal:
    """The steps of a worker in order. ``hook`` runs at each step, before and after, and may raise or wait."""

    steps: list[Step] = field(default_factory=list)
    hook: Hook = _nothing

    async def around(self, step: Step, work: Awaitable[object]) -> object:
        """Do one step; nothing of it when the hook before it raises."""
        try:
            await self.hook(f"before {step}")
        except BaseException:
            if asyncio.iscoroutine(work):
                work.close()
            raise
        done = await work
        self.steps.append(step)
        await self.hook(f"after {step}")
        return done


class WatchedSubscription(SubscriptionPort):
    """A subscription whose commits and pauses are written down."""

    def __init__(self, port: SubscriptionPort, journal: Journal) -> None:
        self._port, self._journal = port, journal
        self.paused: list[Place] = []
        self.resumed: list[Place] = []

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        return await self._port.poll(max_records=max_records, timeout_s=timeout_s)

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        await self._journal.around("commit", self._port.commit(offsets))

    def assignment(self) -> frozenset[Place]:
        return self._port.assignment()

    def pause(self, places: Sequence[Place]) -> None:
        self.paused += places
        self._port.pause(places)

    def resume(self, places: Sequence[Place]) -> None:
        self.resumed += places
        self._port.resume(places)

    async def lag(self) -> dict[Place, int]:
        return await self._port.lag()

    async def close(self) -> None:
        await self._port.close()


class WatchedBus(MemoryBus):
    """A memory bus that writes down publishes and commits; ``journal`` may be changed between workers."""

    def __init__(self, partitions: Mapping[str, int], journal: Journal) -> None:
        super().__init__(partitions)
        self.journal = journal
        self.subscriptions: list[WatchedSubscription] = []

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        kind = "write state" if all(r.topic == BY_EVENT[IndicatorStateSaved].name for r in records) else "publish"
        acks = await self.journal.around(kind, super().publish(records))
        assert isinstance(acks, list)
        return acks

    async def subscribe(  # type: ignore[override]  # a subscription, only a watched one
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> WatchedSubscription:
        port = await super().subscribe(topics, group, on_assigned=on_assigned, on_revoked=on_revoked, member=member)
        self.subscriptions.append(WatchedSubscription(port, self.journal))
        return self.subscriptions[-1]


class WatchedStore(Store):
    """Another store, with its steps written down."""

    def __init__(self, inner: Store, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    async def open(self, context: StoreContext) -> None:
        await self._inner.open(context)

    async def close(self) -> None:
        await self._inner.close()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        return await self._inner.acquire(partitions)

    async def release(self, partitions: Sequence[int]) -> None:
        await self._inner.release(partitions)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        await self._journal.around("persist", self._inner.persist(records))

    async def published(self, records: Sequence[Outgoing]) -> None:
        await self._journal.around("confirm", self._inner.published(records))

    async def checkpoint(self) -> None:
        await self._journal.around("checkpoint", self._inner.checkpoint())

    def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return self._inner.fanout_starts(places)


@dataclass
class Sum:
    """Volume of a symbol so far."""

    partition: int
    time_us: int = -1
    volume: float = 0.0
    changed: bool = False


class Summing:
    """The smallest service with state: answers each candle with the symbol's volume so far."""

    def __init__(self) -> None:
        self.sums: dict[str, Sum] = {}

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """One snapshot; a bar that the state includes is left alone."""
        found = self.sums.setdefault(event.symbol, Sum(envelope.partition))
        if event.close_time_us <= found.time_us:
            return
        found.time_us, found.volume, found.changed = event.close_time_us, found.volume + float(event.volume), True
        yield Emit(
            IndicatorsUpdated(
                venue=event.venue,
                symbol=event.symbol,
                interval=event.interval,
                open_time_us=event.open_time_us,
                event_time_us=event.close_time_us,
                close=event.close,
                values={"sum": found.volume},
                previous={},
                input_partition=envelope.partition,
                input_offset=envelope.offset,
            ),
            envelope,
        )

    def changed(self) -> Iterator[tuple[int, IndicatorStateSaved]]:
        """What the changelog keeps."""
        for symbol, found in self.sums.items():
            if found.changed:
                found.changed = False
                yield (
                    found.partition,
                    IndicatorStateSaved(
                        venue="sim",
                        symbol=symbol,
                        interval="1h",
                        event_time_us=found.time_us,
                        demands=(),
                        state=str(found.volume).encode(),
                        input_partition=found.partition,
                        input_offset=-1,
                    ),
                )

    def restore(self, partition: int, event: Event) -> None:
        """Take one saved sum back."""
        assert isinstance(event, IndicatorStateSaved)
        self.sums[event.symbol] = Sum(partition, event.event_time_us, float(event.state))

    def forget(self, partition: int) -> None:
        """Drop a partition's sums."""
        self.sums = {symbol: found for symbol, found in self.sums.items() if found.partition != partition}


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
        """Let everything run until ``holds``. Raises what a task raised first; TimeoutError after 10 s."""
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
