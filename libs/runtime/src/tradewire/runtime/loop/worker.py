"""The loop of one service: poll, answer, publish, checkpoint, commit.

Delivery is at least once with deterministic ids: outputs acknowledged → state → commit (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.message import WaitReason
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import Reader, SourceReader, taken
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.dead_letters.draining import Draining
from tradewire.runtime.dead_letters.parking import Parking
from tradewire.runtime.dead_letters.shared import SharedLetters
from tradewire.runtime.loop.answering import Answering, Parts
from tradewire.runtime.loop.back_pressure import BackPressure
from tradewire.runtime.loop.broadcast import Broadcast, wait_for_first
from tradewire.runtime.loop.checkpoints import Checkpoints
from tradewire.runtime.loop.connecting import closed, limit_drain, unless_stopped
from tradewire.runtime.loop.continuity import Continuity
from tradewire.runtime.loop.effects import Effects
from tradewire.runtime.loop.failures import HandlerFailedError, leave_out_skipped
from tradewire.runtime.loop.fanout import Fanout
from tradewire.runtime.loop.heartbeat_records import HeartbeatRecords
from tradewire.runtime.loop.lease import LeaseLostError
from tradewire.runtime.loop.publisher import Draft, Publisher
from tradewire.runtime.loop.resuming import last_published
from tradewire.runtime.loop.standing_levels import standing_levels
from tradewire.runtime.loop.waiting import Waits, waiting_of
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.lag import LagWatch, positions
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.observe.traced_subscription import TracedSubscription
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service, StoreContext
from tradewire.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0
HURRIED_TICK_SECONDS = 0.02


class Worker:
    """Runs one service on one bus until stopped."""

    _is_open = False

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
        progress: Progress | None = None,
        alone: int = 0,
    ) -> None:
        """``progress`` goes on where another worker left it; ``alone``: so many records are handled one by one."""
        self.service, self.progress, self.version = service, progress or Progress(), version
        fixed: Any = {"clock": clock, "tracing": tracing, "metrics": metrics, "settings": settings, "version": version}
        self._another: Callable[..., Worker] = partial(Worker, bus=bus, codec=codec, **fixed)
        self._bus, self._codec, self._clock, self._metrics, self._settings = bus, codec, clock, metrics, settings
        self._audit, self._tracing = Audit(service, clock, settings.member or ""), tracing
        self._publisher = Publisher(service, version, bus, codec, tracing, metrics, settings, self._audit, clock)
        self._lease, self._parking = self._publisher.lease, Parking(service.name, service.topics()[-1])
        self._heartbeats = HeartbeatRecords(service, version, bus, clock, metrics, settings.heartbeat_seconds)
        self._shared = SharedLetters(service.topics()[-1], self._parking, clock, self.progress.unwritten_letters)
        parts = Parts(self._publisher, self._parking, self._audit, self._heartbeats, self._shared)
        self._answering = Answering(service, codec, parts, clock, tracing, metrics, self.progress, version)
        (_, fanout_topics, self._group_topics), skips = service.topics(), service.skips_answered()
        topics, progress, records_max = self._group_topics, self.progress, settings.poll_records_max
        self._checkpoints = Checkpoints(service, topics, self._publisher, clock, metrics, settings, progress)
        self._effects = Effects(service, self._answering, self._publisher, self._checkpoints, alone)
        self._continuity = Continuity(service, bus, self._audit, metrics, self.progress)
        self._broadcast = Broadcast(service, bus, self._continuity, self._checkpoints.position, records_max)
        self._fanout = Fanout(fanout_topics, bus, service.store, self._continuity, records_max)
        self._back_pressure = BackPressure(service.backlog, settings.backlog_records_max)
        handled_by = self._answering, self._checkpoints, self._back_pressure
        self._draining = Draining(service, topics, bus, parts, *handled_by, settings.poll_records_max)
        self._group: Reader | None = None
        self._source: SourceReader | None = None
        self._lock, self._moving_since_s, self._generation = asyncio.Lock(), clock.monotonic_s(), 0
        self.lag = LagWatch(service.name, bus, self._positions, self._checkpoints.held, metrics, clock, skips=skips)
        self._waiting = waiting_of(service, self.progress, settings, self.lag, self._parts(), codec.ids, metrics, clock)

    def _parts(self) -> tuple[Waits, ...]:
        return self._publisher, self._parking, self._back_pressure

    def renewed(self, alone: int) -> Worker:
        """A worker with the same task and an empty memory, to begin from what is stored: see ``failures``."""
        assert self.service.renew is not None, "a record fails only services that can begin anew"
        return self._another(self.service.renew(), progress=self.progress, alone=alone)

    def waits(self) -> list[WaitReason]:
        """What it can't go on without just now, the servers first; nothing while it is idle or at work."""
        return self._waiting.reasons()

    def _positions(self) -> dict[Place, int | None]:
        """Next offset of every partition that is read, None where nothing was handled since it came."""
        return positions(self._group, self._fanout.starts | self._broadcast.starts, self._checkpoints.position)

    # ---- life cycle ----

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``, then flush for ``drain_seconds`` at most. Raises FatalError, RetryableError; for
        ``failures.run_in_turn`` HandlerFailedError, when its dead letter is written, and its other errors.
        """
        stopping = asyncio.create_task(stop.wait())
        limit = asyncio.timeout(None)
        stopping.add_done_callback(lambda task: limit_drain(task, limit, self._settings.drain_seconds, self.progress))
        try:
            async with limit, self._waiting.watching():
                await unless_stopped(self._open(), stop)
                while self._is_open and not stop.is_set():
                    await self._round(stopping)
                    self.progress.turned_s = self._clock.monotonic_s()
                if self._is_open:
                    await self._flush()
        except HandlerFailedError as failed:
            answer = self._answering.failed(failed)  # past the store, whose state is not to be kept
            await self._publisher.until_written(lambda: self._bus.publish(answer), "publish a dead letter")
            raise
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("stopped with work left to do again", extra={"event": "drain_timeout"})
        finally:
            stopping.cancel()
            await closed(self._close(), f"what {self.service.name} reads and keeps")
            self.progress.phase = "stopped"

    async def _open(self) -> None:
        service = self.service
        if service.opened is not None:
            await service.opened()
        lost, passes_over = self._continuity.lost, self._parking.leaves_out
        position, refuse = self._checkpoints.position, self._refuse
        context = StoreContext(self._bus, self._codec, service.name, passes_over, lost, position, refuse)
        await service.store.open(context)
        await self._heartbeats.open()
        self.progress.phase = "reading broadcast topics"
        await self._read_broadcast()
        if self._group_topics:
            self.progress.phase = "joining the group"
            self._moving_since_s = self._clock.monotonic_s()
            subscription = await self._bus.subscribe(
                self._group_topics,
                service.name,
                on_assigned=self._on_assigned,
                on_revoked=self._on_revoked,
                member=self._settings.member,
            )
            traced = TracedSubscription(subscription, self._tracing, service.name)
            self._group = Reader(traced, self._settings.poll_records_max, generation=lambda: self._generation)
            self._waiting.group = self._lease.group = self._shared.group = self._group
        if service.source is not None:
            topic, read = BY_EVENT[service.outputs[0]].name, partial(read_record, self._codec)
            self._source = SourceReader(service.source(partial(last_published, self._bus, self._clock, read, topic)))
        self.progress.phase, self._is_open = "running", True
        self._audit.note("service_started", f"{service.name} {self.version} runs", version=self.version)

    async def _read_broadcast(self) -> None:
        """All that broadcast and dead-letter topics hold now, and a reader of what follows."""
        dead_letters = await self._parking.catch_up(self._bus)
        self._answering.count_parked()
        standing = () if self.service.levels is None else await standing_levels(self._bus, self._codec)
        async for record in self._broadcast.read(standing):
            await self._publisher.publish(await self._answering.answer([record]))
            self._checkpoints.note([record])
        await self._broadcast.follow(dead_letters)

    async def _flush(self) -> None:
        """The orderly end. After a failure nothing is written: state would include what nobody was told."""
        if self._source is not None:
            await self._source.close()
        async with self._lock:
            self._audit.note("service_stopped", f"{self.service.name} stopped when asked")
            letters = self._answering.say_letters(stopping=True)
            await self._publisher.publish([*letters, *self._answering.say(self._audit.take())])
            await self._checkpoints.write(self._group)

    async def _close(self) -> None:
        self.progress.phase = "stopping"
        if self._source is not None:
            await self._source.close()
        for reader in (self._group, self._broadcast, self._fanout):
            if reader is not None:
                await reader.close()
        await self.service.store.close()
        if self.service.closed is not None:
            await self.service.closed()

    async def _refuse(self, record: Record, error: ContractViolationError) -> None:
        """A record of the store's own topic is none that it can take back: its dead letter, at once."""
        letter = self._answering.refused(record, error).record
        await self._publisher.until_written(lambda: self._bus.publish([letter]), "publish a dead letter")

    # ---- partitions come and go ----

    async def _on_assigned(self, places: Sequence[Place]) -> None:
        async with self._waiting.for_restoring(self._lock):
            self._lease.moving, self._generation = True, self._generation + 1
            self._fanout.outdate()
            self._broadcast.outdate()
            await self._publisher.until_done(lambda: self._parking.catch_up(self._bus), "read dead letters")
            partitions = sorted({place.partition for place in places})
            await self._publisher.until_done(lambda: self._continuity.assigned(places), "find where to read")
            again = await self._publisher.until_done(lambda: self.service.store.acquire(partitions), "restore")
            await self._publisher.publish_left(again)
            self._answering.control_status.own(partitions)
            self._metrics.rebalances.labels(self.service.name).inc()
            took_s = self._clock.monotonic_s() - self._moving_since_s
            self._metrics.rebalance_duration.labels(self.service.name).observe(took_s)
            self._lease.moving = False

    async def _on_revoked(self, places: Sequence[Place]) -> None:
        self._moving_since_s, self._lease.moving = self._clock.monotonic_s(), True  # frees the lock of who waits for it
        async with self._lock:
            # In each case whoever goes on does some of it again.
            with suppress(RetryableError, ContractViolationError, LeaseLostError):
                await self._checkpoints.write(self._group)
            self._generation += 1
            partitions = sorted({place.partition for place in places})
            await self.service.store.release(partitions)
            self._answering.control_status.forget(partitions)
            for part in (self._checkpoints, self._continuity, self._back_pressure, self._draining, self.lag):
                part.forget(places)
            self._lease.moving = False

    # ---- one round ----

    async def _round(self, stopping: asyncio.Task[bool]) -> None:
        """Wait for input of any kind, answer it, publish, and checkpoint when due."""
        if self._fanout.stale:
            await self._reopen_fanout()
        behind = await self._publisher.until_done(self._broadcast.behind, "find where broadcast topics end")
        streams = [reader for reader in (self._group, self._fanout.reader) if reader is not None]
        readers = [] if self._broadcast.reader is None else [self._broadcast.reader]
        if not behind:
            readers += streams
        waits: set[asyncio.Task[Any]] = {stopping, *(reader.pending() for reader in readers)}
        if self._source is not None and not self._source.exhausted and not behind:
            waits.add(self._source.pending())
        patience_s = HURRIED_TICK_SECONDS if self.service.hurried() else TICK_SECONDS
        stood_still = await wait_for_first(waits, 0.0 if self._draining.busy else patience_s, self._clock)
        async with self._lock:
            self._broadcast.waited(stood_still=stood_still)
            if not self._lease.holds():
                self._broadcast.outdate()
                await self._lease.wait(stopping, self.progress)
            elif not self._broadcast.outdated:
                await self._take(readers, streams, behind=behind)

    async def _take(self, readers: Sequence[Reader], streams: Sequence[Reader], *, behind: bool) -> None:
        """Answer what readers brought; nothing else is said while broadcast topics are ``behind``."""
        records: list[Record] = []
        for reader in readers:
            if reader is self._fanout.reader and self._fanout.stale:
                continue  # partitions moved while it was polled: it is opened where they ask for first
            records += self._parking.sort_out(taken(reader, self.progress))
        leave_out_skipped(self._parking.newly_skipped(), self.service, self._checkpoints.position)
        await self._publisher.until_done(lambda: self._continuity.check(records), "look for what is missing")
        count = await self._effects.of(records, list if behind else self._beside, self._group)
        self.progress.note_published(count, self._clock.now_us())
        if not behind:
            await self._draining.step(self._group)
        idle = not records and not self._draining.busy
        self._back_pressure.apply(streams, idle=idle, stopped=self._draining.places)
        await self._effects.checkpoint(self._group, idle=idle)
        self.lag.note(records)

    def _beside(self) -> list[Draft]:
        """What is said now beside the answers to records."""
        drafts = [] if self._source is None else self._answering.enter(self._source.take())
        drafts += self._heartbeats.due() + self._answering.say_letters()
        drafts += self._answering.say(self.service.tick(self._clock.now_us()))
        return drafts + self._answering.say(self._audit.take()) + self._answering.say_status()

    async def _reopen_fanout(self) -> None:
        """Open the fan-out reader at the positions that the restored state asks for."""
        async with self._lock:
            if self._group_topics and not self._generation:
                return  # nothing is assigned yet, so nothing is known about where to start
            self._back_pressure.forget(await self._publisher.until_done(self._fanout.open, "open the fan-out reader"))
