"""Which input records a join has taken but not answered: they must be read again after a restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush

from tradewire.ports.bus import Place
from tradewire.ports.message import Envelope


class Held:
    """Offsets held per partition; a record may be held several times. Every operation is O(log held)."""

    def __init__(self) -> None:
        self._times: Counter[tuple[Place, int]] = Counter()
        self._heaps: dict[Place, list[int]] = {}
        self._counts: Counter[Place] = Counter()

    def take(self, envelope: Envelope) -> None:
        """Hold a record (once more)."""
        place = Place(envelope.topic, envelope.partition)
        if not self._times[place, envelope.offset]:
            heappush(self._heaps.setdefault(place, []), envelope.offset)
        self._times[place, envelope.offset] += 1
        self._counts[place] += 1

    def release(self, envelope: Envelope) -> None:
        """Let a record go (once)."""
        place = Place(envelope.topic, envelope.partition)
        self._counts[place] -= 1
        self._times[place, envelope.offset] -= 1
        if not self._times[place, envelope.offset]:
            del self._times[place, envelope.offset]

    def lowest(self) -> Mapping[Place, int]:
        """Lowest offset held, per partition that holds any."""
        found: dict[Place, int] = {}
        for place, heap in self._heaps.items():
            while heap and (place, heap[0]) not in self._times:
                heappop(heap)
            if heap:
                found[place] = heap[0]
        return found

    def counts(self) -> Mapping[Place, int]:
        """Records held, per partition."""
        return self._counts
