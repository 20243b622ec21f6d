"""Topics that every instance reads whole, and to their end before it handles anything else.

So it does at the start, when partitions came, and when the process stood still for a while, as a stopped or frozen one
does: others may have decided meanwhile, and what they decided is on these topics. Until all is handled that the
topics held then, nothing else is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.runtime.bus.readable_ends import ReadableEnds
from tradewire.runtime.bus.readers import Reader, read_to_end
from tradewire.runtime.loop.continuity import Continuity
from tradewire.runtime.service import Service

STANDSTILL_SECONDS = 1.0
"""A wait that lasts so much longer than asked tells that the process was stopped, or starved."""


async def wait_for_first(waits: set[asyncio.Task[Any]], patience_s: float, clock: ClockPort) -> bool:
    """Wait for the first; did the process stand still meanwhile?"""
    began_s = clock.monotonic_s()
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=patience_s)
    return clock.monotonic_s() - began_s > patience_s + STANDSTILL_SECONDS


class Broadcast:
    """The reader of one service's broadcast topics. ``position``: offset behind the last record handled."""

    def __init__(
        self,
        service: Service,
        bus: EventBusPort,
        continuity: Continuity,
        position: Callable[[Place], int | None],
        records_max: int,
    ) -> None:
        self._topics, self._bus, self._continuity = service.topics()[0], bus, continuity
        self._doubts, self._settle, self._settles = service.doubts, service.settle, False
        self._readable = ReadableEnds(bus)
        self._position, self._records_max = position, records_max
        self.starts: dict[Place, int] = {}
        self.reader: Reader | None = None
        self._until: dict[Place, int] | None = {}
        self._times_outdated = 0
        self._stood_still = False

    async def read(self, standing: Sequence[Record] = ()) -> AsyncGenerator[Record]:
        """All that the topics hold now, one topic after the other; before a topic's own what stands of it elsewhere."""
        for topic in self._topics:
            self.starts |= await self._continuity.begin_whole(topic)
            for record in standing:
                if record.topic == topic:
                    yield record
            async for record in read_to_end(self._bus, topic):
                yield record
                self.starts[record.place] = record.offset + 1

    async def follow(self, others: Mapping[Place, int]) -> None:
        """Read what comes behind that, and from these places."""
        if starts := {**others, **self.starts}:
            self.reader = Reader(await self._bus.tail(starts), self._records_max)

    @property
    def outdated(self) -> bool:
        """Is it unknown where the topics end?"""
        return self._until is None

    def outdate(self) -> None:
        """Others may have written meanwhile."""
        self._until = None
        self._times_outdated += 1

    def waited(self, *, stood_still: bool) -> None:
        """A wait is over. Outdated after one in which the process stood still; not twice in a row, lest it starve."""
        self._stood_still = stood_still and not self._stood_still
        if self._stood_still:
            self.outdate()

    async def behind(self) -> bool:
        """Is some of it unhandled that the topics held when this was first asked since they were outdated?

        Where the service is in doubt, the topics are read to the end that they have now, and then it is told. What it
        is in doubt about was read before: while this is true, it is given nothing but broadcast records.
        Raises RetryableError.
        """
        if not self._settles and self._doubts():
            self._settles = True
            self.outdate()
        until, times_outdated = self._until, self._times_outdated
        if until is None:
            until = await self._bus.end_offsets(list(self.starts)) if self.starts else {}
        if until:
            begins = await self._bus.begin_offsets(list(until))  # nobody can read what was deleted
            positions = {place: max(self._at(place), begins[place]) for place in until}
            readable = await self._readable.of(positions, until)
            until = {place: end for place, end in until.items() if positions[place] < readable[place]}
        if times_outdated != self._times_outdated:  # while the bus was asked: ask again
            return True
        self._until = until
        if not until and self._settles:
            self._settles = False
            self._settle()
        return bool(until)

    def _at(self, place: Place) -> int:
        at = self._position(place)
        return self.starts[place] if at is None else at

    async def close(self) -> None:
        """Stop reading."""
        if self.reader is not None:
            await self.reader.close()
