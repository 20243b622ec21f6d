"""The bus in one process's memory: for the monolith, backtests and tests. Same rules as Kafka's, no wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradewire.ports.bus import Ack, EventBusPort, OnPlaces, Outgoing, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.memory_group import GroupMember, MemoryGroup
from tradewire.runtime.bus.memory_log import MemoryLog, MemoryReader
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, Partitioner
from tradewire.runtime.clock import SystemClock

SESSION_SECONDS = 45.0


class MemoryBus(EventBusPort):
    """Topics as lists, shared by all services of one process.

    ``bounded``: records kept per partition (the oldest go first), None for all. ``session_s``: seconds for
    which the partitions of a static member that went away wait for it. ``start`` and ``close`` may be called
    by every user; topics and offsets stay.
    """

    def __init__(
        self,
        partitions: Mapping[str, int] | None = None,
        *,
        bounded: int | None = None,
        record_bytes_max: int = RECORD_BYTES_MAX,
        session_s: float = SESSION_SECONDS,
        clock: ClockPort | None = None,
    ) -> None:
        self._bounded, self._session_s = bounded, session_s
        self._clock = clock or SystemClock()
        self._partitioner = Partitioner(record_bytes_max)
        self._topics: dict[str, list[MemoryLog]] = {}
        self._groups: dict[str, MemoryGroup] = {}
        for topic, number in (partitions or {}).items():
            self._create(topic, number)

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        for group in self._groups.values():
            group.close()

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        logs = [self._log_for(record) for record in records]
        now_ms = self._clock.now_us() // 1000
        acks = []
        for log, record in zip(logs, records, strict=True):
            topic, partition = log.place
            offset = log.end
            log.append(Record(topic, partition, offset, record.key, record.value, record.headers, now_ms))
            acks.append(Ack(topic, partition, offset))
        return acks

    async def subscribe(
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> GroupMember:
        logs = {topic: self._logs(topic) for topic in topics}
        if group not in self._groups:
            self._groups[group] = MemoryGroup(group, session_s=self._session_s)
        return self._groups[group].join(logs, on_assigned=on_assigned, on_revoked=on_revoked, static=member)

    async def tail(self, starts: Mapping[Place, int]) -> MemoryReader:
        reader = MemoryReader()
        for place, offset in starts.items():
            reader.open(self._log(place), offset)
        return reader

    async def partitions(self, topic: str) -> int:
        return len(self._logs(topic))

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: self._log(place).end for place in places}

    async def begin_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: self._log(place).begin for place in places}

    async def next_offsets(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        logs = {place: self._log(place) for place in starts}
        return {place: min(max(start, logs[place].begin), logs[place].end) for place, start in starts.items()}

    async def offsets_at(self, times_ms: Mapping[Place, int]) -> dict[Place, int]:
        return {place: self._log(place).offset_at(time_ms) for place, time_ms in times_ms.items()}

    async def committed(self, group: str, places: Sequence[Place]) -> dict[Place, int | None]:
        stored = self._groups[group].committed if group in self._groups else {}
        return {place: stored.get(place) for place in places}

    async def create_topics(self, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> None:
        for topic, number in partitions.items():
            if topic not in self._topics:
                self._create(topic, number)

    def _create(self, topic: str, partitions: int) -> None:
        self._topics[topic] = [MemoryLog(Place(topic, number), self._bounded) for number in range(partitions)]

    def _logs(self, topic: str) -> list[MemoryLog]:
        if (logs := self._topics.get(topic)) is None:
            raise ContractViolationError(f"unknown topic {topic}; there are {len(self._topics)} others")
        return logs

    def _log(self, place: Place) -> MemoryLog:
        logs = self._logs(place.topic)
        if not 0 <= place.partition < len(logs):
            raise ContractViolationError(f"{place.topic} has partitions 0 to {len(logs) - 1}, not {place.partition}")
        return logs[place.partition]

    def _log_for(self, record: Outgoing) -> MemoryLog:
        logs = self._logs(record.topic)
        return logs[self._partitioner.partition(record, len(logs))]
