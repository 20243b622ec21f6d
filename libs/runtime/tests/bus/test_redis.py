"""The Redis bus shows the behaviour of every bus on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tradewire.ports.bus import Place
from tradewire.ports.errors import FencedError
from tradewire.runtime.bus.redis_group import RedisSubscription
from tradewire.runtime.bus.redis_streams import RedisBus
from tradewire.runtime.bus.redis_wire import group_key
from tradewire.testkit.bus_servers import BusServers
from tradewire.testkit.bus_suite import BusSuite, Harness
from tradewire.testkit.bus_suite.harness import Owner, numbered, read, values

pytest_plugins = ["tradewire.embedded.fixtures"]

BOUNDS = "heartbeat_s=0.1&rebalance_s=20&connect_s=8&close_s=4"


class TestRedisBus(BusSuite):
    """The suite."""

    @pytest.fixture
    def harness(self, servers: BusServers, server_harness: Callable[[str, str], Harness]) -> Harness:
        return server_harness("redis", f"{servers.redis_url}?{BOUNDS}&session_s=6&request_s=6")


async def test_static_member_when_its_seat_is_taken_then_it_is_fenced(
    servers: BusServers, server_harness: Callable[[str, str], Harness]
) -> None:
    harness = server_harness("redis", f"{servers.redis_url}?{BOUNDS}")
    bus = await harness.connect()
    topic, group = await harness.topic(bus), harness.name("group")
    first = await Owner().join(bus, [topic], group, member="me")
    await first.owns(1)
    second = await Owner().join(await harness.connect(), [topic], group, member="me")
    await second.owns(1)
    with pytest.raises(FencedError, match="me"):
        await read(first.subscription, 1)
    await first.subscription.commit({Place(topic, 0): 1})
    assert await bus.committed(group, [Place(topic, 0)]) == {Place(topic, 0): None}
    await second.subscription.close()


async def test_member_when_it_lost_its_seat_and_took_it_again_then_commits_nothing_of_before(
    servers: BusServers, server_harness: Callable[[str, str], Harness]
) -> None:
    harness = server_harness("redis", f"{servers.redis_url}?heartbeat_s=5&rebalance_s=20&connect_s=8&close_s=4")
    bus = await harness.connect()
    topic, group = await harness.topic(bus), harness.name("group")
    owner = await Owner().join(bus, [topic], group)
    await owner.owns(1)
    member, place = owner.subscription, Place(topic, 0)
    assert isinstance(bus, RedisBus)
    assert isinstance(member, RedisSubscription)
    await member.commit({place: 1})
    await bus.redis.delete(group_key(group, "members"))  # as the group does with one that is silent for its session
    await member._meet("stay")
    assert member.holds()  # it looked before it stood still
    await member.commit({place: 2})
    assert await bus.committed(group, [place]) == {place: 1}


async def test_member_when_it_cannot_renew_its_lease_then_gives_up_and_comes_back(
    servers: BusServers, server_harness: Callable[[str, str], Harness]
) -> None:
    harness = server_harness("redis", f"{servers.redis_url}?{BOUNDS}&session_s=0.5&request_s=0.3")
    bus = await harness.connect()
    topic, group = await harness.topic(bus), harness.name("group")
    owner = await Owner().join(bus, [topic], group)
    await owner.owns(1)
    outage = harness.outage()
    assert outage is not None
    async with outage:
        await owner.owns(0)
        assert owner.subscription.assignment() == frozenset()
    await owner.owns(1)
    await bus.publish(numbered(topic, [1]))
    assert values(await read(owner.subscription, 1)) == ["1"]


async def test_records_kept_when_more_are_written_then_the_oldest_go(
    servers: BusServers, server_harness: Callable[[str, str], Harness]
) -> None:
    harness = server_harness("redis", f"{servers.redis_url}?{BOUNDS}&records_kept=100")
    bus = await harness.connect()
    place = Place(await harness.topic(bus), 0)
    tail = await bus.tail({place: 0})
    await bus.publish(numbered(place.topic, range(1000)))
    begin = (await bus.begin_offsets([place]))[place]
    assert 700 <= begin <= 900
    assert (await bus.end_offsets([place]))[place] == 1000
    late = await bus.tail({place: 0})
    assert [record.offset for record in await read(late, 1000 - begin)] == list(range(begin, 1000))
    await late.close()
    await tail.close()
