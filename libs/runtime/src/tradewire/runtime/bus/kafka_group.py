"""A member of a Kafka consumer group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from tradewire.ports.bus import OnPlaces, Place, Record, SubscriptionPort
from tradewire.ports.errors import FatalError, RetryableError, TradewireError
from tradewire.runtime.bus.kafka_client import abandon, build_consumer, stop, translated, translation
from tradewire.runtime.bus.kafka_fence import Fence
from tradewire.runtime.bus.kafka_progress import PartitionProgress
from tradewire.runtime.bus.kafka_reader import fetched
from tradewire.runtime.bus.readable_ends import ReadableEnds
from tradewire.runtime.bus.tasks import end

if TYPE_CHECKING:
    from tradewire.runtime.bus.kafka import KafkaBus

log = logging.getLogger(__name__)


class KafkaSubscription(SubscriptionPort):
    """A group member. A consumer whose coordination breaks is replaced; ``consumer_reinits`` counts that."""

    def __init__(
        self,
        bus: KafkaBus,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None,
    ) -> None:
        self._bus, self._topics, self._group, self._member = bus, list(topics), group, member
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self.consumer_reinits = 0
        self.joined = False
        """Has the group said which partitions are ours, be it none?"""
        settings = bus.settings
        self.progress = PartitionProgress(stall_s=settings.stall_s, fresh_s=3 * settings.probe_s)
        self._consumer: AIOKafkaConsumer | None = None
        self._fence: Fence | None = None
        self._owned: frozenset[Place] = frozenset()
        self._paused: set[Place] = set()
        self._failure: TradewireError | None = None
        self._assigning: asyncio.Task[None] | None = None
        self._replacing: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start to join the group; the assignment follows. Raises RetryableError."""
        bus = self._bus
        consumer = build_consumer(
            bus.bootstrap_servers, bus.client_id, bus.settings, group=self._group, member=self._member
        )
        try:
            with translated(f"joining group {self._group}"):
                async with asyncio.timeout(bus.settings.connect_s):
                    await consumer.start()
        except BaseException:
            await abandon(consumer)
            raise
        settings = bus.settings
        self._fence = Fence(self._member, settings.session_s, settings.rebalance_s, bus.clock, self._fail)
        self._fence.watch(consumer)
        consumer.subscribe(self._topics, listener=_Listener(self, consumer))
        self._consumer = consumer
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())

    # ---- the port -----------------------------------------------------------------------------------------

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        if self._failure is not None:
            raise self._failure
        if self._replacing is not None:
            # Not awaited itself: a poll may be cancelled at any time, replacing the consumer must not be.
            await asyncio.wait([self._replacing], timeout=timeout_s)
            if self._failure is not None:
                raise self._failure
        consumer = self._consumer
        if consumer is None:
            return []
        try:
            records = await fetched(consumer, max_records=max_records, timeout_s=timeout_s)
        except (KafkaError, OSError) as error:
            if self._failure is not None:
                raise self._failure from error
            failure = translation(error, f"polling as a member of group {self._group}")
            if isinstance(failure, RetryableError):
                self._replace(consumer)
            raise failure from error
        if self._failure is not None:
            raise self._failure
        self.progress.on_polled(records, self._bus.clock.monotonic_s())
        return records

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        consumer = self._consumer
        owned = {TopicPartition(*place): offset for place, offset in offsets.items() if place in self._owned}
        if not owned or consumer is None:
            return
        with translated(f"committing offsets of group {self._group}"):
            try:
                async with asyncio.timeout(self._bus.settings.request_s):
                    await consumer.commit(owned)
            except (CommitFailedError, IllegalStateError) as error:
                # The group has moved on: the new owner reads again from the last commit that counted.
                log.info("commit ignored: %s", error, extra={"event": "commit_after_rebalance"})

    def assignment(self) -> frozenset[Place]:
        return self._owned

    def holds(self) -> bool:
        return self._consumer is not None and self._fence is not None and self._fence.holds()

    def pause(self, places: Sequence[Place]) -> None:
        places = [place for place in places if place in self._owned]
        self._paused.update(places)
        self._each("pause", places)

    def resume(self, places: Sequence[Place]) -> None:
        places = [place for place in places if place in self._paused]
        self._paused.difference_update(places)
        if self._assigning is None:
            self._each("resume", places)

    async def lag(self) -> dict[Place, int]:
        places = sorted(self._owned)
        ends = await self._bus.end_offsets(places)
        positions = await self._starts(places) | self.progress.positions
        return {place: max(0, ends[place] - positions[place]) for place in places}

    async def close(self) -> None:
        self._bus.forget(self)
        consumer, self._consumer, self._owned = self._consumer, None, frozenset()
        for task in (self._probing, self._assigning, self._replacing):
            await end(task, timeout_s=self._bus.settings.close_s)
        if consumer is not None:
            await stop(consumer, self._bus.settings.close_s)

    # ---- the watchdog -------------------------------------------------------------------------------------

    def stalled(self, now_s: float) -> list[Place]:
        """See ``KafkaBus.stalled``."""
        moving = self._assigning is not None or self._replacing is not None
        return [] if moving else self.progress.stalled(self._paused, now_s)

    async def _probe(self) -> None:
        """Ask the broker now and then how far our partitions go."""
        readable = ReadableEnds(self._bus)
        while True:
            await asyncio.sleep(self._bus.settings.probe_s)
            places = sorted(self._owned)
            with suppress(TradewireError):
                starts, ends = await self._starts(places), await self._bus.end_offsets(places)
                ends = await readable.of(starts | self._read_of(places), ends)
                if self._owned == frozenset(places):
                    self.progress.on_answered(ends, starts, self._bus.clock.monotonic_s())

    def _read_of(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: at for place in places if (at := self.progress.positions.get(place)) is not None}

    async def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where reading began: the committed offset, else the first record kept."""
        unknown = [place for place in places if place not in self.progress.positions]
        if not unknown:
            return {}
        begins = await self._bus.begin_offsets(unknown)
        stored = await self._bus.committed(self._group, unknown)
        return {place: max(stored[place] or 0, begins[place]) for place in unknown}

    # ---- rebalances and repairs ---------------------------------------------------------------------------

    async def revoke(self) -> None:
        """Tell the owner that all its partitions go."""
        self.joined = False
        if self._assigning is not None:
            await asyncio.wait([self._assigning])
        if self._owned:
            await self._call(self._on_revoked, sorted(self._owned))
        self._owned = frozenset()
        self._paused.clear()

    def assign(self, consumer: AIOKafkaConsumer, places: Collection[Place]) -> None:
        """Own ``places``; they are paused until the callback is done, which runs beside the heartbeats."""
        if consumer is not self._consumer:
            return
        self.joined = True
        if not places:
            return
        self._owned = frozenset(places)
        self.progress.on_assigned(places, self._bus.clock.monotonic_s())
        self._each("pause", sorted(places))
        self._assigning = asyncio.create_task(self._assigned())

    async def _assigned(self) -> None:
        places = sorted(self._owned)
        try:
            await self._call(self._on_assigned, places)
        finally:
            self._assigning = None
        if self._failure is None:
            self._each("resume", [place for place in places if place not in self._paused])

    def _fail(self, failure: TradewireError) -> None:
        """Every poll from now on raises ``failure``."""
        self._failure = failure

    async def _call(self, callback: OnPlaces, places: Sequence[Place]) -> None:
        # aiokafka would log a listener's exception and go on: records would be handled without their state.
        try:
            await callback(places)
        except TradewireError as error:
            self._failure = error
        except Exception as error:
            self._failure = FatalError(f"{callback} failed: {error!r}")
            self._failure.__cause__ = error

    def _each(self, action: str, places: Sequence[Place]) -> None:
        if self._consumer is not None:
            mine = self._consumer.assignment()
            partitions = [part for place in places if (part := TopicPartition(*place)) in mine]
            getattr(self._consumer, action)(*partitions)

    def _replace(self, broken: AIOKafkaConsumer) -> None:
        if broken is self._consumer:
            self._consumer = None
            self._replacing = asyncio.create_task(self._replaced(broken))

    async def _replaced(self, broken: AIOKafkaConsumer) -> None:
        """Swap a consumer that can't go on for a new member; tried again by later polls until it works."""
        self.consumer_reinits += 1
        log.warning("consumer replaced", extra={"event": "consumer_reinit", "reinits": self.consumer_reinits})
        await stop(broken, self._bus.settings.close_s)
        await self.revoke()
        while True:
            try:
                await self.open()
                break
            except RetryableError as error:
                log.warning("still no consumer: %s", error, extra={"event": "consumer_reinit_failed"})
                await asyncio.sleep(self._bus.settings.heartbeat_s)
            except TradewireError as error:
                self._failure = error
                break
        self._replacing = None


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """What aiokafka calls in its coordination task."""

    def __init__(self, subscription: KafkaSubscription, consumer: AIOKafkaConsumer) -> None:
        self._subscription, self._consumer = subscription, consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._subscription.revoke()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._subscription.assign(self._consumer, {Place(*partition) for partition in assigned})
