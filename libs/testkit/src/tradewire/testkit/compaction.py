"""Compaction of a memory bus, as a broker does it: of each key the newest record stays, offsets stay as they are."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

from tradewire.ports.bus import Record
from tradewire.runtime.bus.memory_log import MemoryLog

_offset = attrgetter("offset")


class CompactableLog(MemoryLog):
    """A partition that may have holes."""

    __slots__ = ()

    def compact(self) -> None:
        """Keep the newest record of each key."""
        newest = {record.key: record.offset for record in self._records}
        self._records = [record for record in self._records if newest[record.key] == record.offset]

    def expire(self) -> None:
        """Keep nothing of what was written, as retention does."""
        self._records, self.begin = [], self.end

    def read(self, start: int, records_max: int) -> list[Record]:
        index = bisect_left(self._records, start, key=_offset)
        return self._records[index : index + records_max]
