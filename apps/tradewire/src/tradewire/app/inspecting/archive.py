"""Finding messages of the past in a platform's topics: only the partition of the key, from about the right time on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Envelope, Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_record

WINDOW_RECORDS = 4_000
"""A search by time stops narrowing down here: reading this many costs less than one more question."""
CLOCKS_APART_US = 300_000_000
"""Most that the clocks of venue, services and broker may differ by, with room to spare; µs."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message with its lineage and its place."""

    event: Event
    envelope: Envelope

    @property
    def where(self) -> str:
        """Topic, partition and offset."""
        return f"{self.envelope.topic}/{self.envelope.partition}@{self.envelope.offset}"

    @property
    def trace_id(self) -> str:
        """32 hex digits, from the W3C traceparent; the correlation id's where a record has none."""
        parts = self.envelope.traceparent.split("-")
        return parts[1] if len(parts) == 4 else self.envelope.correlation_id.replace("-", "")


class Archive:
    """Reads topics outside any group; nothing is changed."""

    def __init__(self, bus: EventBusPort, codec: Codec) -> None:
        self._bus, self._codec = bus, codec

    async def read(self, record: Record) -> Found | None:
        """The record's message; None for a tombstone and for one that can't be read."""
        if record.value is None:
            return None
        try:
            return Found(await read_record(self._codec, record), self._codec.decode_headers(record))
        except ContractViolationError:
            return None

    # ---- messages ----

    async def first(
        self, kind: type[Event], key: str, from_us: int, wanted: Callable[[Found], bool], *, texts: Sequence[str] = ()
    ) -> Found | None:
        """The key's first message of event time ``from_us`` or later that is wanted and holds ``texts``."""
        async with aclosing(self.mentions(kind, key, from_us, *texts)) as messages:
            async for found in messages:
                if wanted(found):
                    return found
        return None

    async def last(self, kind: type[Event], key: str, wanted: Callable[[Found], bool]) -> Found | None:
        """The key's message of the newest event time that is wanted, from the topic's end as it is now.

        Reads backwards, ever more at a time, until a part holds one: what is older there is not looked at.
        """
        place = await self._place(kind, key)
        low, high = (await self._bus.begin_offsets([place]))[place], (await self._bus.end_offsets([place]))[place]
        size, newest = WINDOW_RECORDS, None
        while newest is None and high > low:
            start = max(low, high - size)
            async with aclosing(self._read(place, start, high)) as records:
                async for record in records:
                    found = await self.read(record) if record.key == key.encode() else None
                    if found is not None and wanted(found) and not _is_older(found, newest):
                        newest = found
            high, size = start, 2 * size
        return newest

    async def with_id(self, kind: type[Event], key: str, from_us: int, event_id: str) -> Found | None:
        """The key's message with an event id; nothing else is decoded."""
        async with aclosing(self.of_key(kind, key, from_us)) as records:
            async for record in records:
                if dict(record.headers).get("event_id") == event_id.encode():
                    return await self.read(record)
        return None

    async def mentions(self, kind: type[Event], key: str, from_us: int, *texts: str) -> AsyncGenerator[Found]:
        """Messages of a key that hold all the texts. Text is plain UTF-8 in Avro, so the rest is not even decoded."""
        sought = [text.encode() for text in texts]
        async with aclosing(self.of_key(kind, key, from_us)) as records:
            async for record in records:
                if record.value is not None and all(text in record.value for text in sought):
                    found = await self.read(record)
                    if found is not None:
                        yield found

    async def mention(self, kind: type[Event], text: str, wanted: Callable[[Event], bool]) -> Found | None:
        """The first message that holds a text and is wanted, in whichever partition."""
        async with aclosing(self.everywhere(kind)) as records:
            async for record in records:
                if record.value is not None and text.encode() in record.value:
                    found = await self.read(record)
                    if found is not None and wanted(found.event):
                        return found
        return None

    async def newest(self, kind: type[Event]) -> dict[str, Event]:
        """The newest message of every key."""
        found: dict[str, Event] = {}
        async with aclosing(self.everywhere(kind)) as records:
            async for record in records:
                message = await self.read(record)
                if message is not None:
                    found[(record.key or b"").decode(errors="replace")] = message.event
        return found

    # ---- records ----

    async def at(self, place: Place, offset: int) -> Found | None:
        """The message at an offset, if it is still kept."""
        async with aclosing(self._read(place, offset)) as records:
            async for record in records:
                return await self.read(record) if record.offset == offset else None
        return None

    async def of_key(self, kind: type[Event], key: str, from_us: int) -> AsyncGenerator[Record]:
        """Records of a key whose event time is ``from_us`` or later, in offset order, to the topic's end as it is now.

        Reads only the key's partition.
        """
        wanted, place = key.encode(), await self._place(kind, key)
        start = await self._start(place, from_us)
        async with aclosing(self._read(place, start)) as records:
            async for record in records:
                if record.key == wanted and self._codec.decode_headers(record).event_time_us >= from_us:
                    yield record

    async def everywhere(self, kind: type[Event]) -> AsyncGenerator[Record]:
        """Every record of a topic as it stands now, partition by partition."""
        topic = BY_EVENT[kind].name
        for partition in range(await self._bus.partitions(topic)):
            place = Place(topic, partition)
            async with aclosing(self._read(place, (await self._bus.begin_offsets([place]))[place])) as records:
                async for record in records:
                    yield record

    async def _place(self, kind: type[Event], key: str) -> Place:
        """The key's partition."""
        topic = BY_EVENT[kind].name
        return Place(topic, partition_of(key.encode(), await self._bus.partitions(topic)))

    async def _start(self, place: Place, from_us: int) -> int:
        """An offset before the first record of that event time, found by halves.

        Nothing is written before what it tells of has happened, so the broker's timestamps bound the search. Event
        times can't: an account's symbols are each in order, but not among one another. In a replay of the past every
        timestamp is later than what is sought, and the partition is read from its beginning.
        """
        low, high = (await self._bus.begin_offsets([place]))[place], (await self._bus.end_offsets([place]))[place]
        written_ms = (from_us - CLOCKS_APART_US) // 1000
        if not await self._written_before(place, low, written_ms):
            return low
        while high - low > WINDOW_RECORDS:
            middle = (low + high) // 2
            if await self._written_before(place, middle, written_ms):
                low = middle
            else:
                high = middle
        return low

    async def _written_before(self, place: Place, offset: int, written_ms: int) -> bool:
        """Is there a record at or after ``offset``, and is the first one older than that?"""
        async with aclosing(self._read(place, offset)) as records:
            async for record in records:
                return record.timestamp_ms < written_ms
        return False

    async def _read(self, place: Place, start: int, end: int | None = None) -> AsyncGenerator[Record]:
        """Records of one partition from ``start`` to before ``end``, by default its end as it is now."""
        ends = await self._bus.end_offsets([place]) if end is None else {place: end}
        async with aclosing(read_between(self._bus, {place: start}, ends)) as records:
            async for record in records:
                yield record


def _is_older(found: Found, than: Found | None) -> bool:
    return than is not None and found.envelope.event_time_us < than.envelope.event_time_us
