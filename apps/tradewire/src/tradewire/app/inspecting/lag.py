"""How far consumer groups are behind, in records and in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.topics import SERVICES, TOPICS

FIRST_RECORD_POLLS = 40
POLL_SECONDS = 0.25
RECORDS_PER_POLL = 500
GROUP_TOPICS = {
    service: topics
    for service in SERVICES
    for topics in [tuple(name for name, spec in TOPICS.items() if spec.is_shared_by(service))]
    if topics
}
"""Topics that each service reads as a consumer group."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One group on one partition.

    ``committed``: None where the group never committed, and so is behind from ``begin``, the first record kept.
    ``seconds``: age of the first record that waits; 0 when none waits, None when it could not be read.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int
    seconds: float | None = 0.0

    @property
    def place(self) -> Place:
        """The partition."""
        return Place(self.topic, self.partition)

    @property
    def start(self) -> int:
        """Offset that the group reads next."""
        return max(self.begin, self.committed or 0)

    @property
    def records(self) -> int:
        """Records behind."""
        return max(0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class TopicLag:
    """One group on one topic: records behind in all, seconds of the worst partition; None: not known.

    ``never_committed``: partitions on which the group never committed an offset.
    """

    group: str
    topic: str
    partitions: int
    never_committed: int
    records: int
    seconds: float | None


async def partition_lags(bus: EventBusPort, clock: ClockPort) -> list[PartitionLag]:
    """Every topic that a service reads as a group, by group, topic and partition.

    Topics that each instance reads whole have no committed offsets and so no lag here; `tradewire status` has theirs.
    """
    lags: list[PartitionLag] = []
    for group, topics in GROUP_TOPICS.items():
        places = [Place(topic, p) for topic in topics for p in range(await bus.partitions(topic))]
        committed, begins = await bus.committed(group, places), await bus.begin_offsets(places)
        ends = await bus.end_offsets(places)
        lags += [PartitionLag(group, *place, committed[place], begins[place], ends[place]) for place in sorted(places)]
    return await _aged(bus, clock, lags)


async def _aged(bus: EventBusPort, clock: ClockPort, lags: list[PartitionLag]) -> list[PartitionLag]:
    """With the age of the record that each lagging group would read next; without those that would read none."""
    wanted: dict[Place, set[int]] = {}
    for lag in lags:
        if lag.records:
            wanted.setdefault(lag.place, set()).add(lag.start)
    stamps: dict[tuple[Place, int], int | None] = {}
    while wanted:  # one offset of each partition at a time
        starts = {place: offsets.pop() for place, offsets in wanted.items()}
        wanted = {place: offsets for place, offsets in wanted.items() if offsets}
        found = await _stamps_ms(bus, starts)
        stamps |= {(place, starts[place]): stamp_ms for place, stamp_ms in found.items()}
    now_ms = clock.now_us() / 1000
    return [_with_age(lag, stamps, now_ms) if lag.records else lag for lag in lags]


def _with_age(lag: PartitionLag, stamps: Mapping[tuple[Place, int], int | None], now_ms: float) -> PartitionLag:
    key = lag.place, lag.start
    if key not in stamps:
        return replace(lag, seconds=None)
    stamp_ms = stamps[key]
    if stamp_ms is None:
        return replace(lag, end=lag.start)
    return replace(lag, seconds=max(0.0, (now_ms - stamp_ms) / 1000))


async def _stamps_ms(bus: EventBusPort, starts: dict[Place, int]) -> dict[Place, int | None]:
    """Timestamp of the first record at or after an offset of each place, as far as they can be read.

    None where there is none: not every offset has a record.
    """
    stamps: dict[Place, int | None] = {}
    tail = await bus.tail(starts)
    try:
        for _ in range(FIRST_RECORD_POLLS):
            records = await tail.poll(max_records=RECORDS_PER_POLL, timeout_s=POLL_SECONDS)
            for record in records:
                if record.place not in stamps:
                    stamps[record.place] = record.timestamp_ms
                    tail.pause([record.place])
            if not records:
                stamps |= dict.fromkeys(await _read_whole(bus, {p: at for p, at in starts.items() if p not in stamps}))
            if len(stamps) == len(starts):
                break
    finally:
        await tail.close()
    return stamps


async def _read_whole(bus: EventBusPort, positions: Mapping[Place, int]) -> list[Place]:
    """Partitions that have no record from there on."""
    ends, found = await bus.end_offsets(list(positions)), await bus.next_offsets(positions)
    return [place for place in positions if found[place] >= ends[place]]


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
            sum(part.committed is None for part in parts),
            sum(part.records for part in parts),
            None if any(part.seconds is None for part in parts) else max(part.seconds or 0.0 for part in parts),
        )
        for (group, topic), parts in groups.items()
    ]
