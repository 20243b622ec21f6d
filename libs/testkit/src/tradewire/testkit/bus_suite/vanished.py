"""Records that were deleted before they were read: a bus goes on behind them, a worker counts them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from tradewire.ports.bus import EventBusPort, Place
from tradewire.runtime.bus.readable_ends import ReadableEnds, end_of_records
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.loop.continuity import Continuity
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.service import Service
from tradewire.testkit.bus_suite.harness import Harness, Owner, read, spread


class Watch:
    """What a worker of ``group`` would say of a bus."""

    def __init__(self, bus: EventBusPort, group: str) -> None:
        self.progress, service = Progress(), Service(name=group)
        audit, metrics = Audit(service, SystemClock()), Metrics(CollectorRegistry())
        self.continuity = Continuity(service, bus, audit, metrics, self.progress)

    @property
    def lost(self) -> int:
        """Records lost so far."""
        return sum(self.progress.records_lost.values())


class VanishedSuite:
    """Retention, deletion, reset offsets, and offsets that no record has."""

    @pytest.fixture
    async def bus(self, harness: Harness) -> EventBusPort:
        """A started connection."""
        return await harness.connect()

    async def test_group_when_records_behind_its_commit_are_deleted_then_goes_on_after_the_hole_and_counts_it(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        place, group = Place(await harness.topic(bus), 0), harness.name("group")
        await bus.publish(spread(place.topic, partitions=1, each=10))
        first = await Owner().join(bus, [place.topic], group)
        await first.owns(1)
        await read(first.subscription, 3)
        await first.subscription.commit({place: 3})
        await first.subscription.close()
        await harness.delete(bus, place, 8)
        watch = Watch(bus, group)
        await watch.continuity.assigned([place])
        second = await Owner().join(await harness.connect(), [place.topic], group)
        records = await read(second.subscription, 2)
        await watch.continuity.check(records)
        await second.subscription.close()
        assert [record.offset for record in records] == [8, 9]
        assert watch.lost == 5

    async def test_tail_when_records_ahead_of_it_are_deleted_then_goes_on_after_the_hole_and_counts_it(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        place = Place(await harness.topic(bus), 0)
        await bus.publish(spread(place.topic, partitions=1, each=4))
        watch = Watch(bus, "none")
        await watch.continuity.begin({place: 0})
        tail = await bus.tail({place: 0})
        tail_read = await read(tail, 4)
        await watch.continuity.check(tail_read)
        tail.pause([place])
        await bus.publish(spread(place.topic, partitions=1, each=6))
        await harness.delete(bus, place, 7)
        tail.resume([place])
        records = await read(tail, 3)
        await watch.continuity.check(records)
        await watch.continuity.check(records[:0])
        await tail.close()
        assert [record.offset for record in records] == [7, 8, 9]
        assert watch.lost == 3

    async def test_start_when_below_what_is_kept_then_counted_and_when_within_then_not(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        place = Place(await harness.topic(bus), 0)
        await bus.publish(spread(place.topic, partitions=1, each=6))
        await harness.delete(bus, place, 4)
        watch = Watch(bus, "none")
        await watch.continuity.begin({place: 5})
        assert watch.lost == 0
        await watch.continuity.begin({place: 1})
        assert watch.lost == 3

    async def test_read_when_the_last_offset_has_no_record_then_ends_behind_the_last_record(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        place, other = Place(await harness.topic(bus, partitions=2), 0), 1
        await bus.publish(spread(place.topic, partitions=2, each=3))
        if not await harness.end_without_record(bus, place):
            pytest.skip("each offset of this bus has a record")
        records = [record async for record in read_to_end(bus, place.topic)]
        behind = max(record.offset for record in records if record.place == place) + 1
        ends = await bus.end_offsets([place])
        assert behind < ends[place]
        assert len([record for record in records if record.partition == other]) == 3
        assert await bus.next_offsets({place: 1}) == {place: 1}
        assert await bus.next_offsets({place: behind}) == ends
        assert await end_of_records(bus, place) == behind
        readable = ReadableEnds(bus)
        assert await readable.of({place: behind}, ends) == ends, "more may come"
        assert await readable.of({place: behind}, ends) == {place: behind}

    async def test_next_offsets_when_asked_then_of_the_first_record_kept(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus, partitions=2)
        place, empty = Place(topic, 0), Place(topic, 1)
        await bus.publish(spread(topic, partitions=1, each=5))
        await harness.delete(bus, place, 2)
        assert await bus.next_offsets({place: 0, empty: 0}) == {place: 2, empty: 0}
        assert await bus.next_offsets({place: 4}) == {place: 4}
        assert await bus.next_offsets({place: 5}) == {place: 5}
        assert (await end_of_records(bus, place), await end_of_records(bus, empty)) == (5, 0)
