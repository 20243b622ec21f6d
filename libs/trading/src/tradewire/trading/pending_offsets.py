"""Which input records a join has taken but not answered: they must be read again after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from tradewire.ports.bus import Place
from tradewire.ports.message import Envelope


class _Partition:
    """What is pending of one partition: how often per offset, the offsets as a heap, and how much in all."""

    __slots__ = ("count", "heap", "times")

    def __init__(self) -> None:
        self.times: dict[int, int] = {}
        self.heap: list[int] = []
        self.count = 0


class PendingOffsets:
    """Pending offsets per partition; a record may be taken several times. Every operation is O(log pending)."""

    def __init__(self) -> None:
        self._partitions: dict[tuple[str, int], _Partition] = {}  # by the fields of a place, which is dear to make

    def take(self, envelope: Envelope) -> None:
        """A record was read and is not answered (once more)."""
        pending = self._of(envelope)
        times = pending.times.get(envelope.offset, 0)
        if not times:
            heappush(pending.heap, envelope.offset)
        pending.times[envelope.offset] = times + 1
        pending.count += 1

    def release(self, envelope: Envelope) -> None:
        """A record is answered (once)."""
        pending = self._of(envelope)
        pending.count -= 1
        pending.times[envelope.offset] -= 1
        if not pending.times[envelope.offset]:
            del pending.times[envelope.offset]

    def _of(self, envelope: Envelope) -> _Partition:
        place = (envelope.topic, envelope.partition)
        pending = self._partitions.get(place)
        if pending is None:
            pending = self._partitions[place] = _Partition()
        return pending

    def lowest(self) -> Mapping[Place, int]:
        """Lowest pending offset, per partition that has any."""
        found: dict[Place, int] = {}
        for place, pending in self._partitions.items():
            while pending.heap and pending.heap[0] not in pending.times:
                heappop(pending.heap)
            if pending.heap:
                found[Place(*place)] = pending.heap[0]
        return found

    def has(self, place: Place, offset: int) -> bool:
        """Does a record wait for its answer?"""
        pending = self._partitions.get((place.topic, place.partition))
        return pending is not None and offset in pending.times

    def counts(self) -> Mapping[Place, int]:
        """Pending records, per partition."""
        return {Place(*place): pending.count for place, pending in self._partitions.items()}
