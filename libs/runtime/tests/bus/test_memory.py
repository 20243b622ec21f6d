"""The memory bus shows the behaviour of every bus, and a few things of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.errors import FencedError
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.memory_group import GroupMember
from tradewire.testkit.bus_suite import BusSuite, Harness
from tradewire.testkit.bus_suite.harness import Owner, numbered, read, values


class MemoryHarness(Harness):
    """All connections are the one bus; a dead member is one that its session ran out on."""

    session_s = 0.3

    def __init__(self) -> None:
        super().__init__()
        self.bus = MemoryBus({}, session_s=self.session_s)

    def build(self, *, session_s: float | None = None) -> EventBusPort:
        return self.bus

    async def dead_member(self, topic: str, group: str, *, member: str | None, records: int) -> list[int]:
        owner = await Owner().join(self.bus, [topic], group, member=member)
        offsets = [record.offset for record in await read(owner.subscription, records)]
        await owner.subscription.close()
        return offsets

    async def delete(self, bus: EventBusPort, place: Place, before: int) -> None:
        log = self.bus._log(place)
        del log._records[: before - log.begin]
        log.begin = before

    async def end_without_record(self, bus: EventBusPort, place: Place) -> bool:
        return False

    def outage(self) -> AbstractAsyncContextManager[None] | None:
        return None

    def restart(self) -> AbstractAsyncContextManager[None] | None:
        return None


class TestMemoryBus(BusSuite):
    """The suite."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[Harness]:
        harness = MemoryHarness()
        yield harness
        await harness.close()


async def test_bounded_when_full_then_keeps_at_least_the_newest() -> None:
    bus = MemoryBus({"t": 1}, bounded=10)
    place = Place("t", 0)
    tail = await bus.tail({place: 0})
    await bus.publish(numbered("t", range(95)))
    (begin,) = (await bus.begin_offsets([place])).values()
    assert 95 - 20 < begin <= 95 - 10
    assert values(await read(tail, 95 - begin)) == [str(number) for number in range(begin, 95)]


async def test_static_member_when_its_seat_is_taken_then_it_is_fenced() -> None:
    bus = MemoryBus({"t": 2})
    first = await Owner().join(bus, ["t"], "group", member="me")
    await first.owns(2)
    second = await Owner().join(bus, ["t"], "group", member="me")
    await second.owns(2)
    with pytest.raises(FencedError, match="me"):
        await first.subscription.poll(max_records=1, timeout_s=0)
    await first.subscription.commit({Place("t", 0): 1})
    assert await bus.committed("group", [Place("t", 0)]) == {Place("t", 0): None}
    assert isinstance(second.subscription, GroupMember)
    await second.subscription.close()
    await bus.close()
