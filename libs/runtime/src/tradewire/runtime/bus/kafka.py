"""The bus on Apache Kafka, through aiokafka."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    LeaderNotAvailableError,
    NotCoordinatorForGroupError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.structs import RecordMetadata

from tradewire.ports.bus import Ack, EventBusPort, OnPlaces, Outgoing, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.runtime.bus.kafka_client import (
    KafkaSettings,
    abandon,
    build_consumer,
    build_producer,
    stop,
    translated,
    translation,
)
from tradewire.runtime.bus.kafka_group import KafkaSubscription
from tradewire.runtime.bus.kafka_reader import KafkaTail, next_offset
from tradewire.runtime.bus.kafka_wire import speed_up_fetches
from tradewire.runtime.bus.partitioner import Partitioner
from tradewire.runtime.clock import SystemClock

log = logging.getLogger(__name__)

TOPIC_POLL_SECONDS = 0.05


class KafkaBus(EventBusPort):
    """Idempotent producer with acks=all; read-committed consumers with manual commits and Range assignment.

    ``producer_reinits`` counts producers thrown away because the outcome of a send was unknown.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        client_id: str,
        *,
        settings: KafkaSettings | None = None,
        clock: ClockPort | None = None,
    ) -> None:
        self.bootstrap_servers, self.client_id = bootstrap_servers, client_id
        self.settings, self.clock = settings or KafkaSettings(), clock or SystemClock()
        self.producer_reinits = 0
        self._partitioner = Partitioner(self.settings.record_bytes_max)
        self._partitions: dict[str, int] = {}
        self._producer: AIOKafkaProducer | None = None
        self._lookup: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._producer_lock = asyncio.Lock()
        self._subscriptions: list[KafkaSubscription] = []

    # ---- life cycle ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        speed_up_fetches()
        try:
            with translated(f"connecting to {self.bootstrap_servers}"):
                async with asyncio.timeout(self.settings.connect_s):
                    await self._open_lookup()
            await self._open_producer()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.close()
        if self._producer is not None:
            await stop(self._producer, self.settings.close_s)
        if self._lookup is not None:
            await stop(self._lookup, self.settings.close_s)
        if self._admin is not None:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(self.settings.close_s):
                    await self._admin.close()
        self._producer = self._lookup = self._admin = None

    async def _open_lookup(self) -> None:
        """Clients that answer questions: offsets by a groupless consumer, topics by the admin client."""
        lookup = build_consumer(
            self.bootstrap_servers, f"{self.client_id}-lookup", self.settings, group=None, member=None
        )
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap_servers,
            client_id=f"{self.client_id}-admin",
            request_timeout_ms=round(self.settings.request_s * 1000),
            **self.settings.security.options(),
        )
        try:
            await lookup.start()
            await admin.start()
        except BaseException:
            await abandon(lookup)
            await admin.close()
            raise
        self._lookup, self._admin = lookup, admin

    # ---- writing ------------------------------------------------------------------------------------------

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        counts = {topic: await self.partitions(topic) for topic in {record.topic for record in records}}
        placed = [(record, self._partitioner.partition(record, counts[record.topic])) for record in records]
        producer = await self._open_producer()
        futures: list[asyncio.Future[RecordMetadata]] = []
        try:
            async with asyncio.timeout(self.settings.send_s):
                for record, partition in placed:
                    futures.append(
                        await producer.send(
                            record.topic,
                            key=record.key,
                            value=record.value,
                            partition=partition,
                            headers=list(record.headers),
                        )
                    )
                return [Ack(sent.topic, sent.partition, sent.offset) for sent in await asyncio.gather(*futures)]
        except (KafkaError, OSError, TimeoutError) as error:
            failure = translation(error, f"publishing {len(records)} records")
            if isinstance(failure, RetryableError):
                await self._discard_producer(producer)
            raise failure from error
        finally:
            for future in futures:
                future.cancel()

    async def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        async with self._producer_lock:
            if self._producer is None:
                producer = build_producer(self.bootstrap_servers, self.client_id, self.settings)
                try:
                    with translated("starting a producer"):
                        async with asyncio.timeout(self.settings.connect_s):
                            await producer.start()
                except BaseException:
                    await abandon(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _discard_producer(self, producer: AIOKafkaProducer) -> None:
        """An unknown outcome: what this producer still holds must not be written after the caller's retry."""
        if self._producer is producer:
            self._producer = None
            self.producer_reinits += 1
            log.warning("producer discarded", extra={"event": "producer_reinit", "reinits": self.producer_reinits})
            await asyncio.shield(abandon(producer))

    # ---- reading ------------------------------------------------------------------------------------------

    async def subscribe(
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> KafkaSubscription:
        for topic in topics:
            await self.partitions(topic)
        subscription = KafkaSubscription(
            self, topics, group, on_assigned=on_assigned, on_revoked=on_revoked, member=member
        )
        await subscription.open()
        self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: KafkaSubscription) -> None:
        """A subscription was closed."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def tail(self, starts: Mapping[Place, int]) -> KafkaTail:
        begins, ends = await self.begin_offsets(list(starts)), await self.end_offsets(list(starts))
        clamped = {place: min(max(offset, begins[place]), ends[place]) for place, offset in starts.items()}
        tail = KafkaTail(self, clamped)
        await tail.open()
        return tail

    def stalled(self, now_s: float) -> list[Place]:
        """Partitions of ours that have records and are polled but give none for ``stall_s`` (aiokafka#1154).

        ``now_s``: the clock's monotonic seconds. Health turns this into a failed liveness probe.
        """
        return [place for subscription in self._subscriptions for place in subscription.stalled(now_s)]

    # ---- questions ----------------------------------------------------------------------------------------

    async def partitions(self, topic: str) -> int:
        if (known := self._partitions.get(topic)) is not None:
            return known
        deadline_s = self.clock.monotonic_s() + self.settings.topic_wait_s
        while (number := await self._described(topic)) is None:
            if self.clock.monotonic_s() >= deadline_s:
                raise ContractViolationError(f"unknown topic {topic} at {self.bootstrap_servers}")
            await asyncio.sleep(TOPIC_POLL_SECONDS)
        self._partitions[topic] = number
        return number

    async def _described(self, topic: str) -> int | None:
        """Partition count; None while the topic is unknown or a partition has no leader."""
        assert self._admin is not None, "start the bus before using it"
        with translated(f"describing {topic}"):
            (found,) = await self._admin.describe_topics([topic])
        if found["error_code"]:
            with translated(f"describing {topic}"), suppress(UnknownTopicOrPartitionError, LeaderNotAvailableError):
                raise for_code(found["error_code"])
            return None
        if any(partition["leader"] < 0 for partition in found["partitions"]):
            return None
        return len(found["partitions"])

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        assert self._lookup is not None, "start the bus before using it"
        with translated("asking for end offsets"):
            async with asyncio.timeout(self.settings.request_s):
                found = await self._lookup.end_offsets([TopicPartition(*place) for place in places])
        return {Place(*place): offset for place, offset in found.items()}

    async def begin_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        assert self._lookup is not None, "start the bus before using it"
        with translated("asking for begin offsets"):
            async with asyncio.timeout(self.settings.request_s):
                found = await self._lookup.beginning_offsets([TopicPartition(*place) for place in places])
        return {Place(*place): offset for place, offset in found.items()}

    async def next_offsets(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        begins, ends = await self.begin_offsets(list(starts)), await self.end_offsets(list(starts))
        with translated("asking for the next records"):
            async with asyncio.timeout(self.settings.request_s):
                return {p: await next_offset(self, p, max(start, begins[p]), ends[p]) for p, start in starts.items()}

    async def offsets_at(self, times_ms: Mapping[Place, int]) -> dict[Place, int]:
        assert self._lookup is not None, "start the bus before using it"
        if not times_ms:
            return {}
        asked = {TopicPartition(*place): time_ms for place, time_ms in times_ms.items()}
        with translated("asking for offsets by time"):
            async with asyncio.timeout(self.settings.request_s):
                found = await self._lookup.offsets_for_times(asked)
        after = await self.end_offsets([place for place in times_ms if found.get(TopicPartition(*place)) is None])
        return after | {Place(*place): answer.offset for place, answer in found.items() if answer is not None}

    async def committed(self, group: str, places: Sequence[Place]) -> dict[Place, int | None]:
        assert self._admin is not None, "start the bus before using it"
        with translated(f"asking for committed offsets of {group}"):
            async with asyncio.timeout(self.settings.request_s):
                found = await self._offsets_of(group, [TopicPartition(*place) for place in places])
        offsets = {Place(*place): stored.offset for place, stored in found.items()}
        return {place: offset if (offset := offsets.get(place, -1)) >= 0 else None for place in places}

    async def _offsets_of(self, group: str, partitions: list[TopicPartition]) -> Mapping[TopicPartition, Any]:
        """Asks again while the group's coordinator is only being found, as it is on a broker's first question."""
        assert self._admin is not None, "start the bus before using it"
        while True:
            try:
                return dict(await self._admin.list_consumer_group_offsets(group, partitions=partitions))
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
                await asyncio.sleep(TOPIC_POLL_SECONDS)

    async def create_topics(self, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> None:
        assert self._admin is not None, "start the bus before using it"
        topics = [
            NewTopic(topic, number, self.settings.replication, topic_configs=dict(configs.get(topic, {})))
            for topic, number in partitions.items()
        ]
        with translated(f"creating {len(topics)} topics"):
            response = await self._admin.create_topics(topics)
            for _, code, *_ in response.topic_errors:
                with suppress(TopicAlreadyExistsError):
                    if code:
                        raise for_code(code)
        for topic in partitions:
            await self.partitions(topic)
