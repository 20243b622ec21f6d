"""What the suite needs of an adapter under test, and small tools that the tests share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import count
from uuid import uuid4

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record, SubscriptionPort, TailPort

PATIENCE_SECONDS = 60.0
"""How long a test waits for what must happen; only a failing test ever waits so long."""

POLL_SECONDS = 0.2


class Harness(ABC):
    """The adapter under test and its servers. ``session_s``: seconds after which a silent member is out."""

    session_s: float

    def __init__(self) -> None:
        self._buses: list[EventBusPort] = []
        self._names = count(1)
        self._run = uuid4().hex[:8]

    @abstractmethod
    def build(self, *, session_s: float | None = None) -> EventBusPort:
        """A connection of its own, as another process would have; not started.

        ``session_s``: of its members, where the adapter has sessions; none: the harness's.
        """

    @abstractmethod
    async def dead_member(self, topic: str, group: str, *, member: str | None, records: int) -> list[int]:
        """Join from elsewhere, read ``records`` records, commit none and die without a word; their offsets."""

    @abstractmethod
    async def delete(self, bus: EventBusPort, place: Place, before: int) -> None:
        """Delete a partition's records below an offset, as retention does."""

    @abstractmethod
    async def end_without_record(self, bus: EventBusPort, place: Place) -> bool:
        """Use up the next offset of a partition and leave no record there; False for a bus that can't."""

    @abstractmethod
    def outage(self) -> AbstractAsyncContextManager[None] | None:
        """Servers that do not answer while it lasts; None for a bus that has no servers."""

    @abstractmethod
    def restart(self) -> AbstractAsyncContextManager[None] | None:
        """Servers that are killed at its beginning and started again at its end, data kept."""

    async def connect(self, *, session_s: float | None = None) -> EventBusPort:
        """A started connection, closed at the end of the test."""
        bus = self.build(session_s=session_s)
        self._buses.append(bus)
        await bus.start()
        return bus

    async def close(self) -> None:
        """Close every connection."""
        for bus in self._buses:
            await bus.close()

    def name(self, what: str) -> str:
        """A topic or group name that no other test has."""
        return f"{what}-{self._run}-{next(self._names)}"

    async def topic(self, bus: EventBusPort, *, partitions: int = 1, compacted: bool = False) -> str:
        """A new topic."""
        name = self.name("topic")
        configs = {name: {"cleanup.policy": "compact"}} if compacted else {}
        await bus.create_topics({name: partitions}, configs)
        return name


class Owner:
    """A subscription and what happened to it: ``owned`` now, and the ``history`` of callbacks."""

    def __init__(self) -> None:
        self.owned: set[Place] = set()
        self.history: list[tuple[str, tuple[Place, ...]]] = []
        self._changed = asyncio.Event()
        self.subscription: SubscriptionPort

    async def join(self, bus: EventBusPort, topics: Sequence[str], group: str, *, member: str | None = None) -> Owner:
        """Subscribe."""
        self.subscription = await bus.subscribe(
            topics, group, on_assigned=self._on_assigned, on_revoked=self._on_revoked, member=member
        )
        return self

    async def _on_assigned(self, places: Sequence[Place]) -> None:
        self.history.append(("assigned", tuple(places)))
        self.owned |= set(places)
        self._changed.set()

    async def _on_revoked(self, places: Sequence[Place]) -> None:
        self.history.append(("revoked", tuple(places)))
        self.owned -= set(places)
        self._changed.set()

    async def until(self, condition: Callable[[set[Place]], bool]) -> None:
        """Wait until what is owned satisfies ``condition``."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self.owned):
                self._changed.clear()
                await self._changed.wait()

    async def owns(self, number: int) -> None:
        """Wait until ``number`` partitions are owned."""
        await self.until(lambda owned: len(owned) == number)


async def read(reader: SubscriptionPort | TailPort, records: int) -> list[Record]:
    """Poll until so many records came, in the order they came."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < records:
            found += await reader.poll(max_records=records - len(found), timeout_s=POLL_SECONDS)
    return found


def numbered(topic: str, numbers: Sequence[int], *, keys: int = 1) -> list[Outgoing]:
    """Records whose value is their number, over ``keys`` keys."""
    return [Outgoing(topic, f"key-{n % keys}".encode(), str(n).encode()) for n in numbers]


def spread(topic: str, *, partitions: int, each: int) -> list[Outgoing]:
    """``each`` records for every partition, values ``partition:number``."""
    return [
        Outgoing(topic, b"key", f"{partition}:{n}".encode(), partition=partition)
        for n in range(each)
        for partition in range(partitions)
    ]


def values(records: Sequence[Record]) -> list[str]:
    """Values as text."""
    return [(record.value or b"").decode() for record in records]


def committable(records: Sequence[Record]) -> dict[Place, int]:
    """Next offset to read per partition."""
    return {record.place: record.offset + 1 for record in records}
