"""State in a compacted topic, written after the outputs it includes and before the offsets are committed.

On restart records are read again from the committed offset; whatever the restored state already includes is skipped by
the domain's own event-time watermark, because its outputs are known to be out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.loop.failures import tell_how_to_skip
from tradewire.runtime.service import Store, StoreContext
from tradewire.runtime.stores.last_written import LastWritten

READ_TIMEOUT_S = 5.0


class ChangelogStore(Store):
    """Keeps a service's state as the last ``event`` per key.

    ``changed`` yields (group partition, state event) for what may have changed since it was last called; ``restored``
    takes one back; ``forgotten`` drops the state of a partition. A state equal to the last one written is not written.
    """

    def __init__(
        self,
        event: type[Event],
        *,
        changed: Callable[[], Iterable[tuple[int, Event]]],
        restored: Callable[[int, Event], None],
        forgotten: Callable[[int], None],
    ) -> None:
        self._spec = BY_EVENT[event]
        self._changed, self._restored, self._forgotten = changed, restored, forgotten
        self._context: StoreContext | None = None
        self._unwritten: list[Outgoing] = []
        self._written = LastWritten()

    async def open(self, context: StoreContext) -> None:
        self._context = context

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        assert self._context is not None
        bus = self._context.bus
        places = [Place(self._spec.name, partition) for partition in partitions]
        ends = await bus.end_offsets(places)
        begins = await bus.begin_offsets(places)
        for place, begin in begins.items():
            if begin:  # compaction keeps the first offset: only deletion moves it
                self._context.lost(place, 0, begin, why="deleted from a topic that keeps state")
        waiting = {place for place in places if ends[place] > begins[place]}
        if not waiting:
            return ()
        latest: dict[tuple[int, bytes | None], Event] = {}
        tail = await bus.tail({place: begins[place] for place in waiting})
        try:
            while waiting:
                for record in await tail.poll(max_records=1000, timeout_s=READ_TIMEOUT_S):
                    if record.value is not None and not self._context.passes_over(record):
                        latest[record.partition, record.key] = await self._read(record)
                    if record.offset + 1 >= ends[record.place]:
                        waiting.discard(record.place)
        finally:
            await tail.close()
        for (partition, _), event in latest.items():
            self._restored(partition, event)
        return ()

    async def _read(self, record: Record) -> Event:
        """A state event. Raises ContractViolationError, and tells how to go on without the record."""
        assert self._context is not None
        assert record.value is not None
        try:
            return await self._context.codec.read(self._spec.name, record.value)
        except ContractViolationError as error:
            tell_how_to_skip(record, self._context.service, error)
            raise

    async def release(self, partitions: Sequence[int]) -> None:
        self._unwritten = [record for record in self._unwritten if record.partition not in set(partitions)]
        for partition in partitions:
            self._forgotten(partition)
            self._written.forget(partition)

    async def checkpoint(self) -> None:
        assert self._context is not None
        # ``changed`` tells each change once, so what could not be written is kept for the next try.
        for partition, event in self._changed():
            key, value = self._spec.key_of(event), self._context.codec.encode(event)
            if self._written.differs(partition, key, value):
                self._unwritten.append(Outgoing(self._spec.name, key.encode(), value, partition=partition))
        if self._unwritten:
            await self._context.bus.publish(self._unwritten)
            self._unwritten = []
