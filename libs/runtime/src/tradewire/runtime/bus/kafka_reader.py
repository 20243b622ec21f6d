"""Reading from Kafka: one poll, and tails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError

from tradewire.ports.bus import Place, Record, TailPort
from tradewire.runtime.bus.kafka_client import abandon, build_consumer, stop, translated

if TYPE_CHECKING:
    from tradewire.runtime.bus.kafka import KafkaBus

FIRST_POLL_SECONDS = 0.2


async def fetched(consumer: AIOKafkaConsumer, *, max_records: int, timeout_s: float) -> list[Record]:
    """Next records of a consumer; safe to cancel: what is not returned is read again."""
    # getmany returns at once while it has records: without this a busy reader would starve its heartbeats.
    await asyncio.sleep(0)
    try:
        # getmany's own timeout does not bound its wait for a rebalance.
        async with asyncio.timeout(timeout_s):
            found = await consumer.getmany(timeout_ms=round(timeout_s * 1000), max_records=max_records)
    except (TimeoutError, ConsumerStoppedError):
        return []
    finally:
        # A cancelled getmany leaves its waiter behind until records come: for ever on an idle topic (aiokafka#628).
        for waiter in list(consumer._fetcher._fetch_waiters):
            waiter.cancel()
    return [_record(message) for messages in found.values() for message in messages]


def _record(message: ConsumerRecord) -> Record:
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.headers,
        message.timestamp,
    )


async def next_offset(bus: KafkaBus, place: Place, start: int, end: int) -> int:
    """Offset of the first record from ``start`` on; ``end`` when there is none before it. Raises RetryableError.

    No answer of the broker names it, so it is fetched. A consumer of its own each time: only then is an answer that
    brings nothing known to be one about ``start``.
    """
    while start < end:
        tail = KafkaTail(bus, {place: start})
        await tail.open()
        try:
            found, position = await tail.first(place)
        finally:
            await tail.close()
        if found is not None:
            return min(found, end)
        if position == start:
            return end
        start = position  # past markers and emptied batches
    return end


class KafkaTail(TailPort):
    """Manually assigned partitions, outside any group."""

    def __init__(self, bus: KafkaBus, starts: Mapping[Place, int]) -> None:
        self._bus, self._starts = bus, starts
        self._consumer = build_consumer(
            bus.bootstrap_servers, f"{bus.client_id}-tail", bus.settings, group=None, member=None
        )

    async def open(self) -> None:
        """Connect and seek. Raises RetryableError."""
        consumer = self._consumer
        try:
            with translated("opening a tail"):
                async with asyncio.timeout(self._bus.settings.connect_s):
                    await consumer.start()
        except BaseException:
            await abandon(consumer)
            raise
        consumer.assign([TopicPartition(*place) for place in self._starts])
        for place, offset in self._starts.items():
            consumer.seek(TopicPartition(*place), offset)

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        with translated("tailing"):
            return await fetched(self._consumer, max_records=max_records, timeout_s=timeout_s)

    async def first(self, place: Place) -> tuple[int | None, int]:
        """Offset of the first record in the broker's first answer, None for none, and where to read on after it."""
        partition = TopicPartition(*place)
        while True:
            answered = self._consumer.highwater(partition) is not None
            if records := await self.poll(max_records=1, timeout_s=FIRST_POLL_SECONDS):
                return records[0].offset, records[0].offset
            if answered:
                return None, int(await self._consumer.position(partition))

    def pause(self, places: Sequence[Place]) -> None:
        self._consumer.pause(*(TopicPartition(*place) for place in places if place in self._starts))

    def resume(self, places: Sequence[Place]) -> None:
        self._consumer.resume(*(TopicPartition(*place) for place in places if place in self._starts))

    async def close(self) -> None:
        await stop(self._consumer, self._bus.settings.close_s)
