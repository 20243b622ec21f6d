"""Consumer groups: sharing, rebalances, commits, static members, back-pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tradewire.ports.bus import EventBusPort, Outgoing, Place
from tradewire.ports.errors import FatalError
from tradewire.testkit.bus_suite.harness import (
    PATIENCE_SECONDS,
    Harness,
    Owner,
    committable,
    numbered,
    read,
    spread,
    values,
)


class GroupSuite:
    """Behaviour of members."""

    async def test_subscribe_when_alone_then_reads_all_partitions_from_the_beginning(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=3), harness.name("group")
        await bus.publish(spread(topic, partitions=3, each=5))
        owner = await Owner().join(bus, [topic], group)
        found = await read(owner.subscription, 15)
        assert sorted(values(found)) == sorted(f"{p}:{n}" for p in range(3) for n in range(5))
        assert owner.subscription.assignment() == {Place(topic, partition) for partition in range(3)}
        assert owner.history == [("assigned", tuple(Place(topic, partition) for partition in range(3)))]
        await owner.subscription.close()

    async def test_members_when_two_join_then_share_co_partitioned(self, bus: EventBusPort, harness: Harness) -> None:
        topics = [await harness.topic(bus, partitions=4), await harness.topic(bus, partitions=4)]
        group = harness.name("group")
        first = await Owner().join(bus, topics, group)
        await first.owns(8)
        second = await Owner().join(await harness.connect(), topics, group)
        await second.owns(4)
        await first.owns(4)
        assert not first.owned & second.owned
        for owner in (first, second):
            by_topic = [{place.partition for place in owner.owned if place.topic == topic} for topic in topics]
            assert by_topic[0] == by_topic[1]
        await first.subscription.close()
        await second.owns(8)
        await second.subscription.close()

    async def test_members_when_one_joins_in_the_middle_then_nothing_is_lost(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=4), harness.name("group")
        await bus.publish(spread(topic, partitions=4, each=50))
        first = await Owner().join(bus, [topic], group)
        found = await read(first.subscription, 60)
        await first.subscription.commit(committable(found))
        second = await Owner().join(await harness.connect(), [topic], group)
        await second.owns(2)
        await first.owns(2)
        await bus.publish(spread(topic, partitions=4, each=5))
        rest = asyncio.gather(
            *(_drain(owner, {Place(topic, partition): 55 for partition in range(4)}) for owner in (first, second))
        )
        seen = {(record.partition, record.offset) for record in found}
        for part in await rest:
            seen |= part
        assert seen == {(partition, offset) for partition in range(4) for offset in range(55)}
        await first.subscription.close()
        await second.subscription.close()

    async def test_close_when_nothing_was_committed_then_delivered_again(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus), harness.name("group")
        await bus.publish(numbered(topic, range(5)))
        first = await Owner().join(bus, [topic], group)
        await read(first.subscription, 5)
        await first.subscription.close()
        second = await Owner().join(bus, [topic], group)
        assert values(await read(second.subscription, 5)) == ["0", "1", "2", "3", "4"]
        await second.subscription.close()

    async def test_commit_when_restarted_then_continues_there(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus), harness.name("group")
        place = Place(topic, 0)
        await bus.publish(numbered(topic, range(6)))
        first = await Owner().join(bus, [topic], group)
        await first.subscription.commit(committable((await read(first.subscription, 6))[:4]))
        assert await bus.committed(group, [place]) == {place: 4}
        await first.subscription.close()
        second = await Owner().join(await harness.connect(), [topic], group)
        assert values(await read(second.subscription, 2)) == ["4", "5"]
        await second.subscription.close()

    async def test_commit_when_partition_is_not_owned_then_ignored(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        places = [Place(topic, 0), Place(topic, 1)]
        await bus.publish(spread(topic, partitions=2, each=3))
        first = await Owner().join(bus, [topic], group)
        await first.owns(2)
        second = await Owner().join(await harness.connect(), [topic], group)
        await second.owns(1)
        await first.owns(1)
        await first.subscription.commit(dict.fromkeys(places, 2))
        stored = await bus.committed(group, places)
        assert {place for place in places if stored[place] == 2} == first.owned
        await first.subscription.close()
        await second.subscription.close()
        await first.subscription.commit(dict.fromkeys(places, 3))
        assert await bus.committed(group, places) == stored

    async def test_on_revoked_when_called_then_may_still_commit(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        await bus.publish(spread(topic, partitions=2, each=3))

        async def on_assigned(places: Sequence[Place]) -> None:
            return None

        async def on_revoked(places: Sequence[Place]) -> None:
            await first.commit(dict.fromkeys(places, 3))

        first = await bus.subscribe([topic], group, on_assigned=on_assigned, on_revoked=on_revoked)
        await read(first, 6)
        second = await Owner().join(await harness.connect(), [topic], group)
        await second.owns(1)
        assert await second.subscription.poll(max_records=9, timeout_s=0.5) == []
        assert await bus.committed(group, [Place(topic, 0), Place(topic, 1)]) == {
            Place(topic, 0): 3,
            Place(topic, 1): 3,
        }
        await first.close()
        await second.subscription.close()

    async def test_on_assigned_when_not_done_then_no_record_comes(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus), harness.name("group")
        await bus.publish(numbered(topic, range(3)))
        entered, restored = asyncio.Event(), asyncio.Event()

        async def on_assigned(places: Sequence[Place]) -> None:
            entered.set()
            await restored.wait()

        async def on_revoked(places: Sequence[Place]) -> None:
            return None

        subscription = await bus.subscribe([topic], group, on_assigned=on_assigned, on_revoked=on_revoked)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await entered.wait()
        assert await subscription.poll(max_records=9, timeout_s=0.5) == []
        restored.set()
        assert values(await read(subscription, 3)) == ["0", "1", "2"]
        await subscription.close()

    async def test_on_assigned_when_it_fails_then_poll_raises(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus), harness.name("group")
        await bus.publish(numbered(topic, range(3)))

        async def on_assigned(places: Sequence[Place]) -> None:
            raise ValueError("state is gone")

        async def on_revoked(places: Sequence[Place]) -> None:
            return None

        subscription = await bus.subscribe([topic], group, on_assigned=on_assigned, on_revoked=on_revoked)
        with pytest.raises(FatalError, match="state is gone"):
            await read(subscription, 1)
        await subscription.close()

    async def test_static_member_when_restarted_then_keeps_its_seat_and_nobody_else_notices(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=4), harness.name("group")
        other = await Owner().join(bus, [topic], group, member="other")
        await other.owns(4)
        first = await Owner().join(await harness.connect(), [topic], group, member="me")
        await first.owns(2)
        await other.owns(2)
        mine, before = set(first.owned), list(other.history)
        await first.subscription.close()
        await bus.publish(spread(topic, partitions=4, each=1))
        again = await Owner().join(await harness.connect(), [topic], group, member="me")
        await again.owns(2)
        assert again.owned == mine
        assert {record.place for record in await read(again.subscription, 2)} == mine
        assert {record.place for record in await read(other.subscription, 2)} == other.owned
        assert other.history == before
        await again.subscription.close()
        await other.subscription.close()

    async def test_static_member_when_it_stays_away_then_the_others_take_over(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        stays = await Owner().join(bus, [topic], group, member="stays")
        leaves = await Owner().join(await harness.connect(), [topic], group, member="leaves")
        await leaves.owns(1)
        await leaves.subscription.close()
        await stays.owns(2)
        await stays.subscription.close()

    async def test_pause_when_long_then_the_member_stays_and_the_others_flow(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        owner = await Owner().join(bus, [topic], group)
        await owner.owns(2)
        await owner.subscription.poll(max_records=1, timeout_s=0)
        owner.subscription.pause([Place(topic, 0)])
        await bus.publish(spread(topic, partitions=2, each=3))
        assert values(await read(owner.subscription, 3)) == ["1:0", "1:1", "1:2"]
        assert await owner.subscription.poll(max_records=9, timeout_s=1.5 * harness.session_s) == []
        assert len(owner.history) == 1
        assert await owner.subscription.lag() == {Place(topic, 0): 3, Place(topic, 1): 0}
        owner.subscription.resume([Place(topic, 0)])
        assert values(await read(owner.subscription, 3)) == ["0:0", "0:1", "0:2"]
        await owner.subscription.close()

    async def test_lag_when_some_is_read_then_the_rest(self, bus: EventBusPort, harness: Harness) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        await bus.publish([Outgoing(topic, b"k", b"v", partition=1) for _ in range(10)])
        owner = await Owner().join(bus, [topic], group)
        await owner.owns(2)
        assert await owner.subscription.lag() == {Place(topic, 0): 0, Place(topic, 1): 10}
        found = await read(owner.subscription, 4)
        assert await owner.subscription.lag() == {Place(topic, 0): 0, Place(topic, 1): 6}
        await owner.subscription.commit(committable(found))
        await owner.subscription.close()
        again = await Owner().join(bus, [topic], group)
        await again.owns(2)
        assert await again.subscription.lag() == {Place(topic, 0): 0, Place(topic, 1): 6}
        await again.subscription.close()


async def _drain(owner: Owner, ends: dict[Place, int]) -> set[tuple[int, int]]:
    """Read what ``owner`` owns up to ``ends``; (partition, offset) of each record."""
    seen: set[tuple[int, int]] = set()
    waiting = set(owner.owned)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while waiting:
            for record in await owner.subscription.poll(max_records=50, timeout_s=0.2):
                seen.add((record.partition, record.offset))
                if record.offset + 1 >= ends[record.place]:
                    waiting.discard(record.place)
    return seen
