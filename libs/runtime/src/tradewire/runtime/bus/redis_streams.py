"""The bus on Redis Streams (Redis 6.2 or later): a stream per partition, Kafka's offsets and groups on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tradewire.ports.bus import Ack, EventBusPort, OnPlaces, Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, Partitioner
from tradewire.runtime.bus.redis_group import RedisSubscription
from tradewire.runtime.bus.redis_reader import RedisReader, read_arguments, read_reply
from tradewire.runtime.bus.redis_wire import (
    COMMIT,
    MEETING,
    PUBLISH,
    TOPICS_KEY,
    decode,
    encode,
    end_key,
    group_key,
    offset_field,
    offset_of,
    stream_key,
    translated,
)
from tradewire.runtime.clock import SystemClock


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Bounds of the Redis adapter; seconds unless the name says otherwise.

    ``session_s``: a member that is not heard of for so long loses its partitions. ``heartbeat_s``: also how long a
    rebalance may go unnoticed. ``rebalance_s``: how long the group waits for a member still in its ``on_revoked``.
    ``records_kept``: per partition, about, 0 for all. Streams are never compacted.
    """

    connect_s: float = 5.0
    request_s: float = 5.0
    close_s: float = 5.0
    session_s: float = 45.0
    heartbeat_s: float = 1.0
    rebalance_s: float = 30.0
    retry_s: float = 0.1
    read_wait_ms: int = 100
    read_records_max: int = 500
    records_kept: int = 0
    record_bytes_max: int = RECORD_BYTES_MAX
    connections_max: int = 64


class RedisBus(EventBusPort):
    """Offsets are counted by a script, so they have no gaps and a publish is written whole or not at all."""

    def __init__(self, url: str, *, settings: RedisSettings | None = None, clock: ClockPort | None = None) -> None:
        self.settings, self.clock = settings or RedisSettings(), clock or SystemClock()
        # The client's own retries would write twice without telling: the outcome of a lost answer is unknown.
        self.redis: Redis = Redis.from_url(
            url,
            protocol=2,
            socket_connect_timeout=self.settings.connect_s,
            socket_timeout=self.settings.request_s,
            retry=Retry(NoBackoff(), 0),
            max_connections=self.settings.connections_max,
        )
        self._publish = self.redis.register_script(PUBLISH)
        self.meeting = self.redis.register_script(MEETING)
        self.commit = self.redis.register_script(COMMIT)
        self._partitioner = Partitioner(self.settings.record_bytes_max)
        self._partitions: dict[str, int] = {}
        self._subscriptions: list[RedisSubscription] = []

    async def start(self) -> None:
        with translated("connecting"):
            await self.redis.ping()

    async def close(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self.redis.aclose()

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        if not records:
            return []
        now_ms = self.clock.now_us() // 1000
        places: list[Place] = []
        keys: list[str] = []
        arguments: list[int | bytes] = [self.settings.records_kept]
        for record in records:
            number = await self.partitions(record.topic)
            place = Place(record.topic, self._partitioner.partition(record, number))
            places.append(place)
            keys += (stream_key(place), end_key(place))
            arguments.append(encode(record, now_ms))
        with translated(f"publishing {len(records)} records"):
            offsets = await self._publish(keys=keys, args=arguments)
        return [Ack(*place, offset) for place, offset in zip(places, offsets, strict=True)]

    async def subscribe(
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> RedisSubscription:
        for topic in topics:
            await self.partitions(topic)
        subscription = RedisSubscription(
            self, topics, group, on_assigned=on_assigned, on_revoked=on_revoked, member=member
        )
        await subscription.open()
        self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: RedisSubscription) -> None:
        """A subscription was closed."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def tail(self, starts: Mapping[Place, int]) -> RedisReader:
        begins, ends = await self.begin_offsets(list(starts)), await self.end_offsets(list(starts))
        reader = RedisReader(self)
        reader.open({place: min(max(offset, begins[place]), ends[place]) for place, offset in starts.items()})
        return reader

    async def read(self, positions: Mapping[Place, int]) -> dict[Place, list[Record]]:
        """Records from these positions on, waiting shortly for the first. Raises redis-py's errors."""
        arguments = read_arguments(
            positions, records_max=self.settings.read_records_max, wait_ms=self.settings.read_wait_ms
        )
        reply = await self.redis.execute_command(*arguments)  # type: ignore[no-untyped-call]  # redis-py
        return read_reply(positions, reply)

    async def partitions(self, topic: str) -> int:
        if (known := self._partitions.get(topic)) is None:
            with translated(f"asking for topic {topic}"):
                stored = await self.redis.hget(TOPICS_KEY, topic)
            if stored is None:
                raise ContractViolationError(f"unknown topic {topic}")
            known = self._partitions[topic] = int(stored)
        return known

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        if not places:
            return {}
        with translated("asking for end offsets"):
            ends = await self.redis.mget([end_key(place) for place in places])
        return {place: int(end or 0) for place, end in zip(places, ends, strict=True)}

    async def begin_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        # Ends first: a record written in between must not make an empty partition begin after it.
        ends = await self.end_offsets(places)
        with translated("asking for begin offsets"):
            async with self.redis.pipeline(transaction=False) as pipe:
                for place in places:
                    pipe.xrange(stream_key(place), count=1)
                firsts = await pipe.execute()
        return {
            place: offset_of(first[0][0]) if first else ends[place] for place, first in zip(places, firsts, strict=True)
        }

    async def next_offsets(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        # Ends first: a record written in between is at the end that was told, or behind it.
        ends = await self.end_offsets(list(starts))
        with translated("asking for the next records"):
            async with self.redis.pipeline(transaction=False) as pipe:
                for place, start in starts.items():
                    pipe.xrange(stream_key(place), min=f"{start}-0", count=1)
                firsts = await pipe.execute()
        return {
            place: offset_of(first[0][0]) if first else end
            for (place, end), first in zip(ends.items(), firsts, strict=True)
        }

    async def offsets_at(self, times_ms: Mapping[Place, int]) -> dict[Place, int]:
        begins, ends = await self.begin_offsets(list(times_ms)), await self.end_offsets(list(times_ms))
        return {
            place: await self._offset_at(place, time_ms, begins[place], ends[place])
            for place, time_ms in times_ms.items()
        }

    async def _offset_at(self, place: Place, time_ms: int, low: int, high: int) -> int:
        """By bisection: timestamps rise with offsets as far as the writers' clocks agree."""
        while low < high:
            middle = (low + high) // 2
            with translated("asking for offsets by time"):
                reply = await self.redis.execute_command("XRANGE", stream_key(place), f"{middle}-0", "+", "COUNT", 1)  # type: ignore[no-untyped-call]  # redis-py
            found = decode(place, reply[0][0], reply[0][1][b"r"]) if reply else None
            if found is not None and found.timestamp_ms < time_ms:
                low = found.offset + 1
            else:
                high = middle
        return low

    async def committed(self, group: str, places: Sequence[Place]) -> dict[Place, int | None]:
        if not places:
            return {}
        with translated(f"asking for committed offsets of {group}"):
            stored = await self.redis.hmget(group_key(group, "offsets"), [offset_field(p) for p in places])
        return {place: None if offset is None else int(offset) for place, offset in zip(places, stored, strict=True)}

    async def topics(self) -> dict[str, int]:
        """Partition counts of all topics that there are."""
        with translated("asking for topics"):
            stored = await self.redis.hgetall(TOPICS_KEY)
        return {str(name, "ascii") if isinstance(name, bytes) else name: int(count) for name, count in stored.items()}

    async def create_topics(self, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> None:
        with translated(f"creating {len(partitions)} topics"):
            for topic, number in partitions.items():
                await self.redis.hsetnx(TOPICS_KEY, topic, str(number))
