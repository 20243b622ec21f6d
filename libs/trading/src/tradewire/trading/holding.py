"""Which input records a join has taken but not answered: they must be read again after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from tradewire.ports.bus import Place
from tradewire.ports.message import Envelope


class _Partition:
    """What is held of one partition: how often per offset, the offsets as a heap, and how much in all."""

    __slots__ = ("count", "heap", "times")

    def __init__(self) -> None:
        self.times: dict[int, int] = {}
        self.heap: list[int] = []
        self.count = 0


class Held:
    """Offsets held per partition; a record may be held several times. Every operation is O(log held)."""

    def __init__(self) -> None:
        self._partitions: dict[tuple[str, int], _Partition] = {}  # by the fields of a place, which is dear to make

    def take(self, envelope: Envelope) -> None:
        """Hold a record (once more)."""
        held = self._held(envelope)
        times = held.times.get(envelope.offset, 0)
        if not times:
            heappush(held.heap, envelope.offset)
        held.times[envelope.offset] = times + 1
        held.count += 1

    def release(self, envelope: Envelope) -> None:
        """Let a record go (once)."""
        held = self._held(envelope)
        held.count -= 1
        held.times[envelope.offset] -= 1
        if not held.times[envelope.offset]:
            del held.times[envelope.offset]

    def _held(self, envelope: Envelope) -> _Partition:
        place = (envelope.topic, envelope.partition)
        held = self._partitions.get(place)
        if held is None:
            held = self._partitions[place] = _Partition()
        return held

    def lowest(self) -> Mapping[Place, int]:
        """Lowest offset held, per partition that holds any."""
        found: dict[Place, int] = {}
        for place, held in self._partitions.items():
            while held.heap and held.heap[0] not in held.times:
                heappop(held.heap)
            if held.heap:
                found[Place(*place)] = held.heap[0]
        return found

    def counts(self) -> Mapping[Place, int]:
        """Records held, per partition."""
        return {Place(*place): held.count for place, held in self._partitions.items()}
