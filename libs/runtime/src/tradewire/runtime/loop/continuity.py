"""Records that vanished before they were read: by retention, by deletion, or because offsets were reset.

A bus goes on at the first record that it still has, without a word. Here it is noticed, on every door: where reading
begins below what is kept or beyond what was written, and where offsets jump over records that are kept no longer. A
jump over what compaction took leaves no hole: a newer record of each key follows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.events import Severity
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.service import Service

log = logging.getLogger(__name__)


class Continuity:
    """What one service should read next of each partition."""

    def __init__(self, service: Service, bus: EventBusPort, audit: Audit, metrics: Metrics, progress: Progress) -> None:
        self._service, self._bus, self._audit, self._progress = service.name, bus, audit, progress
        self._count = metrics.records_lost
        self._next: dict[tuple[str, int], int] = {}
        for item in service.inputs:
            self._count.labels(service.name, item.topic)

    async def assigned(self, places: Sequence[Place]) -> None:
        """Partitions of the group: read from what the group has committed. Raises RetryableError."""
        stored = await self._bus.committed(self._service, places)
        await self.begin({place: stored[place] or 0 for place in places})

    async def begin_whole(self, topic: str) -> dict[Place, int]:
        """A topic is read from its first record: where that is wanted from. Raises RetryableError."""
        starts = {Place(topic, number): 0 for number in range(await self._bus.partitions(topic))}
        await self.begin(starts)
        return starts

    async def begin(self, starts: Mapping[Place, int]) -> None:
        """Reading begins at these offsets. Raises RetryableError."""
        places = list(starts)
        begins, ends = await self._bus.begin_offsets(places), await self._bus.end_offsets(places)
        for place, start in starts.items():
            if start < begins[place]:
                self.lost(place, start, begins[place], why="not kept any more when reading began")
            elif start > ends[place]:
                why = f"the partition ends at {ends[place]}, below what was read: it was made anew"
                self.lost(place, ends[place], start, why=why)
            self._next[place.topic, place.partition] = (
                begins[place] if start > ends[place] else max(start, begins[place])
            )

    async def check(self, records: Sequence[Record]) -> None:
        """These were read. Raises RetryableError; asked again, it says the same once."""
        jumps: dict[Place, list[tuple[int, int]]] = {}
        following = dict(self._next)
        for record in records:
            key, offset = (record.topic, record.partition), record.offset
            if offset > following.get(key, offset):
                jumps.setdefault(Place(*key), []).append((following[key], offset))
            following[key] = offset + 1
        if jumps:
            begins = await self._bus.begin_offsets(list(jumps))
            for place, missing in jumps.items():
                for first, until in missing:
                    if first < begins[place]:
                        self.lost(place, first, min(until, begins[place]), why="deleted before they were read")
        self._next = following

    def forget(self, places: Iterable[Place]) -> None:
        """Another member reads these."""
        for place in places:
            self._next.pop((place.topic, place.partition), None)

    def lost(self, place: Place, first: int, until: int, *, why: str) -> None:
        """Say it in the log, the audit trail, the metric and in health: never again silently."""
        count = until - first
        lost = self._progress.records_lost
        lost[place.topic] = lost.get(place.topic, 0) + count
        self._count.labels(self._service, place.topic).inc(count)
        what = f"{count} records of {place.topic}/{place.partition} from offset {first} on are lost: {why}"
        where = {"topic": place.topic, "partition": place.partition, "first": first, "until": until}
        log.error(what, extra={"event": "records_lost", **where})
        cause = f"{place.topic}|{place.partition}|{first}|{until}"
        self._audit.note("records_lost", what, severity=Severity.ERROR, cause=cause, topic=place.topic, count=count)
