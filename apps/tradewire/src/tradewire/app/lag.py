"""How far consumer groups are behind, in records and in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.topics import TOPICS

FIRST_RECORD_POLLS = 40
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One group on one partition. ``seconds``: age of the first record that was not committed; 0 when none waits,
    None when it could not be read."""

    group: str
    topic: str
    partition: int
    committed: int
    end: int
    seconds: float | None = 0.0

    @property
    def records(self) -> int:
        """Records behind."""
        return max(0, self.end - self.committed)


@dataclass(frozen=True, slots=True)
class TopicLag:
    """One group on one topic: records behind in all, seconds of the worst partition."""

    group: str
    topic: str
    partitions: int
    records: int
    seconds: float | None


async def partition_lags(bus: EventBusPort, clock: ClockPort) -> list[PartitionLag]:
    """Every group that the topic map names and that has committed offsets, by group, topic and partition.

    Broadcast topics and those read outside the group have no committed offsets and so no lag here; a service's
    /health tells its positions.
    """
    lags: list[PartitionLag] = []
    for group, topics in _groups().items():
        places = [Place(topic, p) for topic in topics for p in range(await bus.partitions(topic))]
        committed = {place: at for place, at in (await bus.committed(group, places)).items() if at is not None}
        if committed:
            ends = await bus.end_offsets(list(committed))
            lags += [PartitionLag(group, *place, at, ends[place]) for place, at in sorted(committed.items())]
    return await _aged(bus, clock, lags)


def _groups() -> dict[str, list[str]]:
    """Topics that each consumer reads within its group."""
    found: dict[str, list[str]] = {}
    for spec in TOPICS.values():
        for consumer in spec.consumers if not spec.broadcast else ():
            found.setdefault(consumer, []).append(spec.name)
    return found


async def _aged(bus: EventBusPort, clock: ClockPort, lags: list[PartitionLag]) -> list[PartitionLag]:
    """With the age of the record that each lagging group would read next."""
    wanted: dict[Place, set[int]] = {}
    for lag in lags:
        if lag.records:
            wanted.setdefault(Place(lag.topic, lag.partition), set()).add(lag.committed)
    stamps: dict[tuple[Place, int], int] = {}
    for place, offsets in wanted.items():
        for offset in offsets:
            stamp_ms = await _stamp_ms(bus, place, offset)
            if stamp_ms is not None:
                stamps[place, offset] = stamp_ms
    now_ms = clock.now_us() / 1000
    return [
        replace(lag, seconds=_seconds(stamps.get((Place(lag.topic, lag.partition), lag.committed)), now_ms))
        if lag.records
        else lag
        for lag in lags
    ]


def _seconds(stamp_ms: int | None, now_ms: float) -> float | None:
    return None if stamp_ms is None else max(0.0, (now_ms - stamp_ms) / 1000)


async def _stamp_ms(bus: EventBusPort, place: Place, offset: int) -> int | None:
    """Timestamp of the first record at or after ``offset``."""
    tail = await bus.tail({place: offset})
    try:
        for _ in range(FIRST_RECORD_POLLS):
            for record in await tail.poll(max_records=1, timeout_s=POLL_SECONDS):
                return record.timestamp_ms
    finally:
        await tail.close()
    return None


def by_topic(lags: Iterable[PartitionLag]) -> list[TopicLag]:
    """Partitions taken together."""
    groups: dict[tuple[str, str], list[PartitionLag]] = {}
    for lag in lags:
        groups.setdefault((lag.group, lag.topic), []).append(lag)
    return [
        TopicLag(
            group,
            topic,
            len(parts),
            sum(part.records for part in parts),
            None if any(part.seconds is None for part in parts) else max(part.seconds or 0.0 for part in parts),
        )
        for (group, topic), parts in groups.items()
    ]
