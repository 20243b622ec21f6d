"""Topics that every instance reads in full, beside its group: opened where the restored state leaves off."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.ports.bus import EventBusPort, Place
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.loop.continuity import Continuity
from tradewire.runtime.service import Store


class Fanout:
    """The group-less reader of some topics; it follows a state, and when that is restored anew it is opened anew."""

    def __init__(
        self, topics: Sequence[str], bus: EventBusPort, store: Store, continuity: Continuity, records_max: int
    ) -> None:
        self._topics, self._bus, self._store, self._records_max = topics, bus, store, records_max
        self._continuity = continuity
        self.reader: Reader | None = None
        self.starts: dict[Place, int] = {}
        self._outdated = bool(topics)

    @property
    def stale(self) -> bool:
        """Must it be opened anew before anything more is read?"""
        return self._outdated or (bool(self._topics) and self._store.fanout_outdated())

    def outdate(self) -> None:
        """An assignment changed the state that says where to read from."""
        self._outdated = bool(self._topics)

    async def open(self) -> list[Place]:
        """Read from where the store says; returns the places. Raises RetryableError: try again."""
        await self.close()
        places = [Place(t, p) for t in self._topics for p in range(await self._bus.partitions(t))]
        starts = await self._bus.begin_offsets(places) | dict(await self._store.fanout_starts(places))
        await self._continuity.begin(starts)
        self.starts = starts
        self.reader = Reader(await self._bus.tail(starts), self._records_max)
        self._outdated = False
        return places

    async def close(self) -> None:
        """Stop reading."""
        reader, self.reader = self.reader, None
        if reader is not None:
            await reader.close()
