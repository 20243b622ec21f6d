"""Polls and commits of a consumer group as spans: short traces of their own, so that they crowd no bar's waterfall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tradewire.ports.bus import Place, Record, SubscriptionPort
from tradewire.runtime.codec.headers import header_of
from tradewire.runtime.observe.tracing import LINKS_MAX, Batch, Tracing

BATCHES_PER_SPAN = 100
"""One of so many polls that brought messages of a topic, and of so many commits, is recorded; the first is."""


class TracedSubscription(SubscriptionPort):
    """A member of a group that shows what it does."""

    def __init__(self, port: SubscriptionPort, tracing: Tracing, group: str) -> None:
        self._port, self._tracing, self._group = port, tracing, group
        self._polls, self._commits = Counter[str](), Counter[str]()
        self._polled: dict[str, str] = {}

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        began_ns = self._tracing.now_ns()
        records = await self._port.poll(max_records=max_records, timeout_s=timeout_s)
        for topic in {record.topic: None for record in records if record.value is not None}:
            if self._is_shown(self._polls, topic):
                found = [record for record in records if record.topic == topic]
                links = [header_of(record, "traceparent") for record in found if record.value is not None]
                batch = Batch(topic, self._group, len(found), links[:LINKS_MAX])
                self._polled[topic] = self._tracing.batch("poll", "receive", batch, began_ns)
        return records

    async def commit(self, offsets: Mapping[Place, int]) -> None:
        began_ns = self._tracing.now_ns()
        await self._port.commit(offsets)
        for topic, count in Counter(place.topic for place in offsets).items():
            if self._is_shown(self._commits, topic):
                links = [self._polled[topic]] if topic in self._polled else []
                self._tracing.batch("commit", "settle", Batch(topic, self._group, count, links), began_ns)

    @staticmethod
    def _is_shown(counts: Counter[str], topic: str) -> bool:
        counts[topic] += 1
        return counts[topic] % BATCHES_PER_SPAN == 1

    @property
    def joined(self) -> bool:
        """Is it a member, of as many partitions as the group gives it?"""
        return bool(getattr(self._port, "joined", False))

    def assignment(self) -> frozenset[Place]:
        return self._port.assignment()

    def holds(self) -> bool:
        return self._port.holds()

    def pause(self, places: Sequence[Place]) -> None:
        self._port.pause(places)

    def resume(self, places: Sequence[Place]) -> None:
        self._port.resume(places)

    async def lag(self) -> dict[Place, int]:
        return await self._port.lag()

    async def close(self) -> None:
        await self._port.close()
