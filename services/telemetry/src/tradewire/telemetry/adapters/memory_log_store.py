"""The log store in memory: for the monolith. Bounded: the oldest entries make room."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from tradewire.ports.telemetry import LogPage, LogQuery, LogStorePort, TelemetryEntry, cursor, position
from tradewire.telemetry.adapters.payloads import decoded, encoded

ENTRIES_MAX = 100_000


class MemoryLogStore(LogStorePort):
    """Keeps the last ``entries_max`` entries recorded."""

    def __init__(self, *, entries_max: int = ENTRIES_MAX) -> None:
        self._entries_max = entries_max
        self._entries: dict[str, TelemetryEntry] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        for entry in entries:
            if entry.event_id not in self._entries:
                kept = replace(entry, payload=decoded(encoded(entry.payload)))
                self._entries[entry.event_id] = kept
        while len(self._entries) > self._entries_max:
            del self._entries[next(iter(self._entries))]

    async def query(self, query: LogQuery) -> LogPage:
        after = position(query.after) if query.after is not None else None
        wanted = query.matches
        found = heapq.nsmallest(
            query.limit + 1,
            (
                entry
                for entry in self._entries.values()
                if (query.from_us is None or entry.event_time_us >= query.from_us)
                and (query.to_us is None or entry.event_time_us < query.to_us)
                and (after is None or (entry.event_time_us, entry.event_id) > after)
                and all(getattr(entry, name) == value for name, value in wanted.items())
            ),
            key=lambda entry: (entry.event_time_us, entry.event_id),
        )
        page = found[: query.limit]
        return LogPage(page, cursor(page[-1]) if len(found) > len(page) else None)

    async def forget(self, recorded_before_us: int) -> int:
        old = [entry.event_id for entry in self._entries.values() if entry.recorded_at_us < recorded_before_us]
        for event_id in old:
            del self._entries[event_id]
        return len(old)
