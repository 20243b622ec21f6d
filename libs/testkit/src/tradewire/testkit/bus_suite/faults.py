"""What goes wrong: dead members, servers that freeze or restart, leaving in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from tradewire.ports.bus import Ack, EventBusPort, Place, Record, SubscriptionPort, TailPort
from tradewire.ports.errors import RetryableError
from tradewire.testkit.bus_suite.harness import (
    PATIENCE_SECONDS,
    POLL_SECONDS,
    Harness,
    Owner,
    committable,
    numbered,
    read,
    spread,
    values,
)

RETRY_SECONDS = 0.1


class FaultSuite:
    """Behaviour under faults. Buses without servers skip what they can't suffer."""

    @pytest.mark.parametrize("member", [None, "static"])
    async def test_member_when_it_dies_uncommitted_then_another_gets_its_records(
        self, bus: EventBusPort, harness: Harness, member: str | None
    ) -> None:
        topic, group = await harness.topic(bus), harness.name("group")
        await bus.publish(numbered(topic, range(8)))
        assert await harness.dead_member(topic, group, member=member, records=5) == [0, 1, 2, 3, 4]
        heir = await Owner().join(bus, [topic], group, member="heir" if member else None)
        assert values(await read(heir.subscription, 8)) == [str(number) for number in range(8)]
        await heir.subscription.close()

    async def test_static_member_when_it_dies_and_returns_then_reads_again_at_once(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        other = await Owner().join(bus, [topic], group, member="other")
        await other.owns(2)
        await bus.publish(spread(topic, partitions=2, each=4))
        dead = await harness.dead_member(topic, group, member="me", records=2)
        await other.owns(1)
        before = list(other.history)
        again = await Owner().join(await harness.connect(), [topic], group, member="me")
        await again.owns(1)
        assert other.history == before
        assert [record.offset for record in await read(again.subscription, 4)][: len(dead)] == dead
        await again.subscription.close()
        await other.subscription.close()

    async def test_publish_when_servers_freeze_then_retryable_and_the_retry_works(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus)
        await bus.publish(numbered(topic, [0]))
        if (outage := harness.outage()) is None:
            pytest.skip("this bus has no servers")
        async with outage:
            with pytest.raises(RetryableError):
                await bus.publish(numbered(topic, [1, 2]))
        acks = await _until_published(bus, topic, [1, 2])
        (place,) = await _places(bus, topic)
        tail = await bus.tail({place: 0})
        found = values(await read(tail, (await bus.end_offsets([place]))[place]))
        await tail.close()
        assert [found[ack.offset] for ack in acks] == ["1", "2"]
        # A frozen server may have kept the first attempt and write it when it wakes: maybe twice, never lost.
        assert found[0] == "0"
        assert set(found) == {"0", "1", "2"}

    async def test_reading_when_servers_restart_then_goes_on_by_itself(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        await bus.publish(spread(topic, partitions=2, each=3))
        owner = await Owner().join(bus, [topic], group)
        tail = await bus.tail(dict.fromkeys(await _places(bus, topic), 0))
        await owner.subscription.commit(committable(await read(owner.subscription, 6)))
        await read(tail, 6)
        if (restart := harness.restart()) is None:
            pytest.skip("this bus has no servers")
        async with restart:
            with suppress(RetryableError):
                assert await owner.subscription.poll(max_records=1, timeout_s=1) == []
        await _until_published(bus, topic, [100])
        assert values(await _read_on(owner.subscription, 1)) == ["100"]
        assert values(await _read_on(tail, 1)) == ["100"]
        await tail.close()
        await owner.subscription.close()

    async def test_start_when_servers_do_not_answer_then_retryable(self, bus: EventBusPort, harness: Harness) -> None:
        if (outage := harness.outage()) is None:
            pytest.skip("this bus has no servers")
        async with outage:
            late = harness.build()
            with pytest.raises(RetryableError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await late.start()
            await late.close()

    async def test_close_when_servers_do_not_answer_then_ends_in_bounded_time(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        owner = await Owner().join(bus, [topic], group)
        await owner.owns(2)
        tail = await bus.tail(dict.fromkeys(await _places(bus, topic), 0))
        if (outage := harness.outage()) is None:
            pytest.skip("this bus has no servers")
        async with outage, asyncio.timeout(PATIENCE_SECONDS):
            await tail.close()
            await owner.subscription.close()
            await bus.close()

    async def test_close_when_polling_then_the_poll_ends_and_the_heir_need_not_wait(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic, group = await harness.topic(bus, partitions=2), harness.name("group")
        # Its session is longer than the test waits: whoever inherits in time did not wait for it to run out.
        first = await Owner().join(await harness.connect(session_s=2 * PATIENCE_SECONDS), [topic], group)
        second = await Owner().join(await harness.connect(), [topic], group)
        await second.owns(1)
        waiting = asyncio.create_task(first.subscription.poll(max_records=1, timeout_s=60))
        await first.owns(1)
        await first.subscription.close()
        assert await waiting == []
        assert first.subscription.assignment() == frozenset()
        await second.owns(2)
        await second.subscription.close()


async def _places(bus: EventBusPort, topic: str) -> list[Place]:
    return [Place(topic, partition) for partition in range(await bus.partitions(topic))]


async def _until_published(bus: EventBusPort, topic: str, numbers: Sequence[int]) -> list[Ack]:
    """Publish as the runtime does: again for as long as the error says that it may help."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(RetryableError):
                return await bus.publish(numbered(topic, numbers))
            await asyncio.sleep(RETRY_SECONDS)


async def _read_on(reader: SubscriptionPort | TailPort, records: int) -> list[Record]:
    """Read as the runtime does: polls that fail for a while are tried again."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < records:
            with suppress(RetryableError):
                found += await reader.poll(max_records=records, timeout_s=POLL_SECONDS)
                continue
            await asyncio.sleep(RETRY_SECONDS)
    return found
