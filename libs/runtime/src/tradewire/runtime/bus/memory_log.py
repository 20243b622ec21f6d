"""One partition as a list, and readers that wait for it to grow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tradewire.ports.bus import Place, Record, TailPort

POLLS_IN_A_ROW_MAX = 16


class MemoryLog:
    """A partition: its records from ``begin`` to ``end`` and the cursors that read it."""

    __slots__ = ("_bounded", "_records", "begin", "cursors", "end", "place")

    def __init__(self, place: Place, bounded: int | None) -> None:
        self.place, self._bounded = place, bounded
        self._records: list[Record] = []
        self.cursors: list[Cursor] = []
        self.begin = self.end = 0

    def append(self, record: Record) -> None:
        """Add the record at ``end``, trim to the bound, wake the readers."""
        self._records.append(record)
        self.end += 1
        # Half of a list of twice the bound is cut at once, so that trimming costs O(1) a record.
        if self._bounded is not None and len(self._records) >= 2 * self._bounded:
            self.begin = self.end - self._bounded
            del self._records[: -self._bounded]
        for cursor in self.cursors:
            cursor.reader.wake(cursor)

    def read(self, start: int, records_max: int) -> list[Record]:
        """Up to ``records_max`` records from offset ``start`` on; ``start`` is at least ``begin``."""
        index = start - self.begin
        return self._records[index : index + records_max]

    def offset_at(self, time_ms: int) -> int:
        """Offset of the first record with a timestamp at or after a time; the end when there is none."""
        return next((record.offset for record in self._records if record.timestamp_ms >= time_ms), self.end)


class Cursor:
    """Where a reader stands in a log."""

    __slots__ = ("held", "log", "paused", "position", "reader")

    def __init__(self, log: MemoryLog, reader: MemoryReader, position: int, *, held: bool) -> None:
        self.log, self.reader, self.held = log, reader, held
        self.position = min(max(position, log.begin), log.end)
        self.paused = False


class MemoryReader(TailPort):
    """Reads many logs, whichever grew first; a waiting poll is woken by the append."""

    def __init__(self) -> None:
        self.cursors: dict[Place, Cursor] = {}
        self._ready: dict[Cursor, None] = {}
        self._woken = asyncio.Event()
        self._failure: Exception | None = None
        self._closed = False
        self._polls = 0

    def open(self, log: MemoryLog, position: int, *, held: bool = False) -> None:
        """Read ``log`` from ``position``, clamped to what is kept; ``held`` until released."""
        cursor = self.cursors[log.place] = Cursor(log, self, position, held=held)
        log.cursors.append(cursor)
        self.wake(cursor)

    def shut(self) -> None:
        """Stop reading all logs."""
        for cursor in self.cursors.values():
            cursor.log.cursors.remove(cursor)
        self.cursors.clear()
        self._ready.clear()

    def release(self) -> None:
        """Deliver from the cursors that were opened as held."""
        for cursor in self.cursors.values():
            cursor.held = False
            self.wake(cursor)

    def wake(self, cursor: Cursor) -> None:
        """Note that ``cursor`` has something to read, if it has."""
        if cursor.held or cursor.paused or cursor.position >= cursor.log.end:
            return
        self._ready[cursor] = None
        self._woken.set()

    def fail(self, error: Exception) -> None:
        """Raise ``error`` from this poll and every later one."""
        self._failure = error
        self._woken.set()

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        records = await self._found(max_records)
        if records or timeout_s <= 0:
            return records
        try:
            async with asyncio.timeout(timeout_s):
                while not (records or self._closed):
                    self._woken.clear()
                    await self._woken.wait()
                    records = self._take(max_records)
        except TimeoutError:
            return []
        return records

    def pause(self, places: Sequence[Place]) -> None:
        for place in places:
            if cursor := self.cursors.get(place):
                cursor.paused = True
                self._ready.pop(cursor, None)

    def resume(self, places: Sequence[Place]) -> None:
        for place in places:
            if cursor := self.cursors.get(place):
                cursor.paused = False
                self.wake(cursor)

    async def close(self) -> None:
        self.shut()
        self._closed = True
        self._woken.set()

    async def _found(self, records_max: int) -> list[Record]:
        # A loop over polls that always find something must not starve the others.
        self._polls += 1
        if self._polls >= POLLS_IN_A_ROW_MAX:
            self._polls = 0
            await asyncio.sleep(0)
        return self._take(records_max)

    def _take(self, records_max: int) -> list[Record]:
        """Records that are there now; partitions take turns when there are more than ``records_max``."""
        if self._failure is not None:
            raise self._failure
        taken: list[Record] = []
        for cursor in list(self._ready):
            log = cursor.log
            found = log.read(max(cursor.position, log.begin), records_max - len(taken))
            cursor.position = found[-1].offset + 1
            taken += found
            del self._ready[cursor]
            if cursor.position < log.end:
                self._ready[cursor] = None
            if len(taken) >= records_max:
                break
        return taken
