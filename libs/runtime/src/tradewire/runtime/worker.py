"""The loop of one service: poll, decode, trace, call, publish, checkpoint, commit; dead letters and back-pressure.

Delivery is at least once with deterministic ids: outputs acknowledged → state → commit (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.codec import Codec, UnknownSchemaIdError
from tradewire.runtime.dead_letters import PARKED, dead_letter
from tradewire.runtime.lag import LagGauges
from tradewire.runtime.logs import CURRENT_TRACEPARENT
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.parking import Parking
from tradewire.runtime.publisher import Draft, Publisher, event_time_us
from tradewire.runtime.readers import Reader, SourceReader, read_to_end
from tradewire.runtime.service import Input, Service, StoreContext
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.tracing import Tracing, traceparent_of

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0
AHEAD_SECONDS_MAX = 60.0
"""Most that a producer's clock may be ahead of ours."""


def _text_key(record: Record) -> str:
    try:
        return (record.key or b"").decode()
    except UnicodeDecodeError as error:
        raise ContractViolationError(f"key: {error}; allowed: UTF-8", stage="decode") from error


@dataclass
class Progress:
    """What a worker has done; read by /health."""

    phase: str = "starting"
    last_success_us: int | None = None
    handled: int = 0
    published: int = 0
    dead_letters: int = 0
    last_error: str | None = None
    positions: dict[Place, int] = field(default_factory=dict)


class Worker:
    """Runs one service on one bus until stopped."""

    def __init__(
        self,
        service: Service,
        bus: EventBusPort,
        codec: Codec,
        *,
        clock: ClockPort,
        tracing: Tracing,
        metrics: Metrics,
        settings: RuntimeSettings,
        version: str,
    ) -> None:
        self.service, self.progress = service, Progress()
        self._bus, self._codec, self._clock, self._tracing, self._metrics = (
            bus,
            codec,
            clock,
            tracing,
            metrics,
        )
        self._settings, self._version = settings, version
        self._publisher = Publisher(
            service.name,
            version,
            bus,
            codec,
            store=service.store,
            tracing=tracing,
            metrics=metrics,
            retry_seconds_max=settings.retry_seconds_max,
        )
        self._inputs: dict[str, Input] = {item.topic: item for item in service.inputs}
        self._group_topics = [t for t, i in self._inputs.items() if not TOPICS[t].broadcast and not i.fanout]
        self._fanout_topics = [t for t, i in self._inputs.items() if i.fanout]
        self._broadcast: Reader | None = None
        self._group: Reader | None = None
        self._fanout: Reader | None = None
        self._source: SourceReader | None = None
        self._generation = 0
        self._fanout_stale = bool(self._fanout_topics)
        self._lock = asyncio.Lock()
        self._positions: dict[Place, int] = {}
        self._dirty = 0
        self._checkpoint_at_s = 0.0
        self._backlog_max = settings.backlog_records_max
        self._paused: set[Place] = set()
        self._parking = Parking(service.name)
        self._unanswered = False
        self._lag = LagGauges(service.name, metrics, clock, every_s=TICK_SECONDS)

    # ---- life cycle ----

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``, then flush for ``drain_seconds`` at most.

        Raises FatalError, and RetryableError when the bus can't be reached at the start.
        """
        stopping = asyncio.create_task(stop.wait())
        limit = asyncio.timeout(None)
        stopping.add_done_callback(lambda task: self._limit_drain(task, limit))
        try:
            async with limit:
                await self._open()
                while not stop.is_set():
                    await self._round(stopping)
                await self._flush()
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("stopped with work left to do again", extra={"event": "drain_timeout"})
        finally:
            stopping.cancel()
            await self._close()
            self.progress.phase = "stopped"

    def _limit_drain(self, stopping: asyncio.Task[bool], limit: asyncio.Timeout) -> None:
        if stopping.cancelled():
            return
        self.progress.phase = "stopping"
        with suppress(RuntimeError):  # it is over already
            limit.reschedule(asyncio.get_running_loop().time() + self._settings.drain_seconds)

    async def _open(self) -> None:
        service = self.service
        if service.opened is not None:
            await service.opened()
        await service.store.open(StoreContext(self._bus, self._codec, service.name))
        self.progress.phase = "reading broadcast topics"
        starts = await self._parking.restore(self._bus)
        for topic in (t for t in self._inputs if TOPICS[t].broadcast):
            starts |= {Place(topic, p): 0 for p in range(await self._bus.partitions(topic))}
            async for record in read_to_end(self._bus, topic):
                await self._publisher.publish(await self._answer([record]))
                starts[record.place] = record.offset + 1
        if starts:
            self._broadcast = Reader(await self._bus.tail(starts), self._settings.poll_records_max)
        if self._group_topics:
            self.progress.phase = "joining the group"
            subscription = await self._bus.subscribe(
                self._group_topics,
                service.name,
                on_assigned=self._on_assigned,
                on_revoked=self._on_revoked,
                member=self._settings.member,
            )
            self._group = Reader(subscription, self._settings.poll_records_max, generation=lambda: self._generation)
        if service.source is not None:
            self.progress.phase = "finding where to resume"
            self._source = SourceReader(service.source(await self._last_published()))
        self._checkpoint_at_s = self._clock.monotonic_s()
        self.progress.phase = "running"

    async def _flush(self) -> None:
        """The orderly end. After a failure nothing is written: state would include what nobody was told."""
        if self._source is not None:
            await self._source.close()
        async with self._lock:
            await self._checkpoint()

    async def _close(self) -> None:
        self.progress.phase = "stopping"
        if self._source is not None:
            await self._source.close()
        await self._lag.close()
        for reader in (self._group, self._broadcast, self._fanout):
            if reader is not None:
                await reader.close()
        await self.service.store.close()
        if self.service.closed is not None:
            await self.service.closed()

    async def _last_published(self) -> dict[str, int]:
        """Newest event time per key of the first output topic: where a source resumes."""
        last: dict[str, int] = {}
        now_us = self._clock.now_us() + round(AHEAD_SECONDS_MAX * 1e6)
        async for record in read_to_end(self._bus, BY_EVENT[self.service.outputs[0]].name):
            try:
                key, envelope = _text_key(record), self._codec.decode_headers(record)
            except ContractViolationError:
                continue  # not written by this service; its readers keep it as a dead letter
            if envelope.event_time_us <= now_us:
                last[key] = max(last.get(key, 0), envelope.event_time_us)
        return last

    async def _on_assigned(self, places: Sequence[Place]) -> None:
        async with self._lock:
            self._generation += 1
            self._fanout_stale = bool(self._fanout_topics)
            self._metrics.rebalances.labels(self.service.name).inc()
            partitions = sorted({place.partition for place in places})
            again = await self._publisher.until_done(lambda: self.service.store.acquire(partitions), "restore")
            if again:
                log.info(
                    "publishing what a stop left unpublished",
                    extra={"event": "outbox_recovered", "records": len(again)},
                )
                await self._publisher.until_done(lambda: self._bus.publish(again), "publish")
                await self._publisher.until_done(lambda: self.service.store.published(again), "confirm")

    async def _on_revoked(self, places: Sequence[Place]) -> None:
        async with self._lock:
            with suppress(RetryableError):
                await self._checkpoint()
            self._generation += 1
            await self.service.store.release(sorted({place.partition for place in places}))
            for place in places:
                self._positions.pop(place, None)
                self._metrics.forget_partition(self.service.name, place.topic, place.partition)
            self._paused -= set(places)

    # ---- one round ----

    async def _round(self, stopping: asyncio.Task[bool]) -> None:
        """Wait for input of any kind, answer it, publish, and checkpoint when due."""
        if self._fanout_stale:
            await self._reopen_fanout()
        readers = [reader for reader in (self._broadcast, self._group, self._fanout) if reader is not None]
        waits: set[asyncio.Task[Any]] = {stopping, *(reader.pending() for reader in readers)}
        if self._source is not None and not self._source.exhausted:
            waits.add(self._source.pending())
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=TICK_SECONDS)
        async with self._lock:
            records: list[Record] = []
            for reader in readers:
                records += self._parking.sort_out(self._taken(reader))
            self._unanswered = True
            drafts = await self._answer(records)
            if self._source is not None:
                drafts += [self._publisher.draft(emit) for emit in self._source.take()]
            drafts += [self._publisher.draft(emit) for emit in self.service.tick(self._clock.now_us())]
            await self._publisher.publish(drafts)
            self._unanswered = False
            self.progress.published += len(drafts)
            self._apply_back_pressure(idle=not records)
            await self._checkpoint_if_due(idle=not records)
            self._lag.observe(records, self._group)

    def _taken(self, reader: Reader) -> list[Record]:
        try:
            records = reader.take()
        except RetryableError as error:
            self.progress.last_error = str(error)
            log.warning("reading failed, trying again: %s", error, extra={"event": "poll_failed"})
            return []
        return records

    async def _answer(self, records: Sequence[Record]) -> list[Draft]:
        """Handle records in order; dead letters take their place among the outputs."""
        drafts: list[Draft] = []
        outcomes: Counter[tuple[str, str]] = Counter()
        for record in records:
            try:
                try:
                    drafts += self._handle(record)
                except UnknownSchemaIdError as unknown:
                    await self._learn(unknown.schema_id)
                    drafts += self._handle(record)
                outcome = "ok"
            except ContractViolationError as error:
                drafts.append(self._dead_letter(record, error))
                outcome = "dead_lettered"
            outcomes[record.topic, outcome] += 1
            self._positions[record.place] = record.offset + 1
        for (topic, outcome), count in outcomes.items():
            self._metrics.processed.labels(self.service.name, topic, outcome).inc(count)
        if records:
            self.progress.handled += len(records)
            self._dirty += len(records)
            self.progress.last_success_us = self._clock.now_us()
        return drafts

    async def _learn(self, schema_id: int) -> None:
        """Fetch a writer's schema that was not seen before. Raises ContractViolationError when nobody knows it."""
        await self._publisher.until_done(lambda: self._codec.ids.fetch(schema_id), "fetch a schema")

    def _handle(self, record: Record) -> list[Draft]:
        """One record through its handler. Raises ContractViolationError."""
        spec = self._inputs[record.topic]
        if self._parking.holds(record):
            raise ContractViolationError("an earlier record of this key waits in the dead-letter topic", stage=PARKED)
        envelope = self._codec.decode_headers(record)
        if record.value is None:
            emits: Iterable[Emit] = spec.deleted(_text_key(record), envelope) if spec.deleted is not None else ()
            return [self._publisher.draft(emit) for emit in emits]
        age_us = self._clock.now_us() - envelope.event_time_us
        self._metrics.event_age.labels(self.service.name).observe(age_us / 1e6)
        span = self._tracing.process(record, envelope.traceparent, self.service.name, age_us / 1e3)
        if span is not None:
            envelope = replace(envelope, process_context=traceparent_of(span))
        token = CURRENT_TRACEPARENT.set(envelope.child_context)
        try:
            event = self._codec.decode(record.topic, record.value)
            self._hold_past(event, envelope)
            drafts = [self._publisher.draft(emit) for emit in spec.handler(event, envelope)]
        except Exception as error:
            if span is not None:
                self._tracing.failed(span, error)
            raise
        finally:
            CURRENT_TRACEPARENT.reset(token)
        if span is not None:
            span.end()
        return drafts

    def _hold_past(self, event: Event, envelope: Envelope) -> None:
        """Nothing happened in the future: a watermark that followed it would shut out all that really comes."""
        ahead_s = (event_time_us(event, envelope) - self._clock.now_us()) / 1e6
        if ahead_s > AHEAD_SECONDS_MAX:
            raise ContractViolationError(
                f"event time is {ahead_s:.0f} s ahead of the clock; allowed: {AHEAD_SECONDS_MAX:.0f} s"
            )

    def _dead_letter(self, record: Record, error: ContractViolationError) -> Draft:
        """Where order matters (account keys) later records of the key follow the first into the dead-letter topic."""
        self._parking.park(record)
        self._metrics.parked_keys.labels(self.service.name).set(len(self._parking))
        self.progress.dead_letters += 1
        self._metrics.dead_letters.labels(self.service.name, record.topic, error.stage).inc()
        log.error(
            "dead letter: %s",
            error,
            extra={
                "event": "dead_letter",
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "stage": error.stage,
            },
        )
        return Draft(
            dead_letter(record, service=self.service.name, version=self._version, stage=error.stage, error=error)
        )

    # ---- flow ----

    async def _reopen_fanout(self) -> None:
        """(Re)open the group-less reader at the positions that the restored state asks for."""
        async with self._lock:
            if self._group_topics and not self._generation:
                return  # nothing is assigned yet, so nothing is known about where to start
            if self._fanout is not None:
                await self._fanout.close()
            await self._publisher.until_done(self._open_fanout, "open the fan-out reader")
            self._fanout_stale = False

    async def _open_fanout(self) -> None:
        places = [Place(t, p) for t in self._fanout_topics for p in range(await self._bus.partitions(t))]
        starts = await self._bus.begin_offsets(places) | dict(self.service.store.fanout_starts(places))
        self._fanout = Reader(await self._bus.tail(starts), self._settings.poll_records_max)
        self._paused -= set(places)

    def _apply_back_pressure(self, *, idle: bool) -> None:
        """Pause partitions whose records pile up unanswered; when that blocks all progress, give room instead."""
        backlog = self.service.backlog()
        if idle and self._paused and any(backlog.values()):
            self._backlog_max *= 2
            log.info(
                "buffer bound doubled: a stream lags far behind",
                extra={"event": "backlog_grown", "bound": self._backlog_max},
            )
        full = {place for place, count in backlog.items() if count > self._backlog_max}
        for reader in (self._group, self._fanout):
            if reader is not None:
                reader.pause(full - self._paused)
                reader.resume({p for p in self._paused - full if backlog.get(p, 0) <= self._backlog_max // 2})
        self._paused = full | {p for p in self._paused if backlog.get(p, 0) > self._backlog_max // 2}

    async def _checkpoint_if_due(self, *, idle: bool) -> None:
        if not self._dirty:
            return
        waited_s = self._clock.monotonic_s() - self._checkpoint_at_s
        if self._dirty >= self._settings.checkpoint_records or waited_s >= self._settings.checkpoint_seconds or idle:
            await self._checkpoint()

    async def _checkpoint(self) -> None:
        """State first, then offsets: what is committed is always covered by state, and state by what was published."""
        if self._unanswered:
            return  # a round broke off before its outputs were acknowledged
        await self._publisher.until_done(self.service.store.checkpoint, "checkpoint")
        held = self.service.held()
        if self._group is not None:
            offsets = {
                place: held.get(place, position)
                for place, position in self._positions.items()
                if place.topic in self._group_topics
            }
            await self._group.commit(offsets)
        self._metrics.checkpoints.labels(self.service.name).inc()
        self._dirty, self._checkpoint_at_s = 0, self._clock.monotonic_s()
        self.progress.positions = dict(self._positions)
