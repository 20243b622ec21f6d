"""A memory bus that counts what is read outside groups: what a start costs, whatever the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tradewire.ports.bus import Place, Record, TailPort
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.memory_log import MemoryReader


class CountingReader(MemoryReader):
    """Counts what it hands out, by topic."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        records = await super().poll(max_records=max_records, timeout_s=timeout_s)
        self._counts.update(record.topic for record in records)
        return records


class ReadCountingBus(MemoryBus):
    """``read_counts``: records that tails have read, by topic."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        super().__init__(partitions)
        self.read_counts = Counter[str]()

    async def tail(self, starts: Mapping[Place, int]) -> TailPort:  # type: ignore[override]  # a reader that counts
        reader = CountingReader(self.read_counts)
        for place, offset in starts.items():
            reader.open(self._log(place), offset)
        return reader
