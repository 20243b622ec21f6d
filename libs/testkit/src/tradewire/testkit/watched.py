"""A memory bus and a store whose every step is written down, and can be failed on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tradewire.ports.bus import Ack, OnPlaces, Outgoing, Place, Record, SubscriptionPort
from tradewire.ports.events import IndicatorStateSaved
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.service import Store, StoreContext
from tradewire.runtime.stores.changelog import CLAIM_KEY
from tradewire.testkit.compaction import CompactableLog

Step = str
Hook = Callable[[Step], Awaitable[None]]


async def _nothing(_: Step) -> None:
    return None


@dataclass
class Journal:
    """The steps of a worker in order. ``hook`` runs at each step, before and after, and may raise or wait."""

    steps: list[Step] = field(default_factory=list)
    hook: Hook = _nothing

    async def around(self, step: Step, work: Awaitable[object]) -> object:
        """Do one step; nothing of it when the hook before it raises."""
        try:
            await self.hook(f"before {step}")
        except BaseException:
            if asyncio.iscoroutine(work):
                work.close()
            raise
        done = await work
        self.steps.append(step)
        await self.hook(f"after {step}")
        return done


class WatchedSubscription(SubscriptionPort):
    """A subscription whose commits and pauses are written down."""

    def __init__(self, port: SubscriptionPort, journal: Journal) -> None:
        self._port, self._journal = port, journal
        self.paused: list[Place] = []
        self.resumed: list[Place] = []

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        return await self._port.poll(max_records=max_records, timeout_s=timeout_s)

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        await self._journal.around("commit", self._port.commit(offsets))

    def assignment(self) -> frozenset[Place]:
        return self._port.assignment()

    def holds(self) -> bool:
        return self._port.holds()

    def pause(self, places: Sequence[Place]) -> None:
        self.paused += places
        self._port.pause(places)

    def resume(self, places: Sequence[Place]) -> None:
        self.resumed += places
        self._port.resume(places)

    @property
    def joined(self) -> bool:
        """Has the group given out its partitions?"""
        return bool(getattr(self._port, "joined", False))

    async def lag(self) -> dict[Place, int]:
        return await self._port.lag()

    async def close(self) -> None:
        await self._port.close()


class WatchedBus(MemoryBus):
    """A memory bus that writes down publishes and commits; ``journal`` may be changed between workers."""

    def __init__(self, partitions: Mapping[str, int], journal: Journal) -> None:
        super().__init__(partitions)
        self.journal = journal
        self.subscriptions: list[WatchedSubscription] = []
        self.gaps: dict[Place, int] = {}
        """Last offsets of partitions that have no record, as transaction markers leave them."""

    def _create(self, topic: str, partitions: int) -> None:
        self._topics[topic] = [CompactableLog(Place(topic, number), None) for number in range(partitions)]

    def compact(self, topic: str) -> None:
        """Drop every record of a topic that has a later one of its key."""
        for log in self._logs(topic):
            assert isinstance(log, CompactableLog), "every topic is made above"
            log.compact()

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        kind = "write state" if all(r.topic == BY_EVENT[IndicatorStateSaved].name for r in records) else "publish"
        if all(r.key == CLAIM_KEY for r in records):
            kind = "claim"
        acks = await self.journal.around(kind, super().publish(records))
        assert isinstance(acks, list)
        return acks

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        ends = await super().end_offsets(places)
        return {place: end + self.gaps.get(place, 0) for place, end in ends.items()}

    async def next_offsets(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        found, ends = await super().next_offsets(starts), await self.end_offsets(list(starts))
        return {place: ends[place] if at >= self._log(place).end else at for place, at in found.items()}

    async def subscribe(  # type: ignore[override]  # a subscription, only a watched one
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> WatchedSubscription:
        port = await super().subscribe(topics, group, on_assigned=on_assigned, on_revoked=on_revoked, member=member)
        self.subscriptions.append(WatchedSubscription(port, self.journal))
        return self.subscriptions[-1]


class WatchedStore(Store):
    """Another store, with its steps written down."""

    def __init__(self, inner: Store, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    async def open(self, context: StoreContext) -> None:
        await self._inner.open(context)

    async def close(self) -> None:
        await self._inner.close()

    async def ping(self) -> None:
        await self._inner.ping()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        return await self._inner.acquire(partitions)

    async def release(self, partitions: Sequence[int]) -> None:
        await self._inner.release(partitions)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        await self._journal.around("persist", self._inner.persist(records))

    async def published(self, records: Sequence[Outgoing]) -> None:
        await self._journal.around("confirm", self._inner.published(records))

    async def checkpoint(self) -> None:
        await self._journal.around("checkpoint", self._inner.checkpoint())

    def fanout_outdated(self) -> bool:
        return self._inner.fanout_outdated()

    async def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._inner.fanout_starts(places)
