"""A process stopped for longer than its session knows that its partitions went before it does anything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tradewire.embedded.stack import Stack
from tradewire.testkit.bus_suite import Harness
from tradewire.testkit.bus_suite.harness import PATIENCE_SECONDS, Owner
from tradewire.testkit.bus_suite.stopped_member import stopped_member

pytest_plugins = ["tradewire.embedded.fixtures"]

BOUNDS = "session_s=6&heartbeat_s=0.3&rebalance_s=20&connect_s=8&request_s=8&close_s=4"


@pytest.mark.parametrize("part", ["kafka", "redis"])
async def test_member_when_stopped_until_others_took_over_then_holds_nothing(
    part: str, stack: Stack, server_harness: Callable[[str, str], Harness]
) -> None:
    url = f"{stack.redis_url if part == 'redis' else f'kafka://{stack.bootstrap_servers}'}?{BOUNDS}"
    harness = server_harness(part, url)
    bus = await harness.connect()
    topic, group = await harness.topic(bus), harness.name("group")
    async with asyncio.timeout(2 * PATIENCE_SECONDS), stopped_member(url, topic, group) as member:
        while not ((thought := await member.thought()).what == "works" and thought.holds):
            pass
        member.stop()
        other = await Owner().join(bus, [topic], group)
        await other.owns(1)
        assert other.subscription.holds()
        taken_s = time.monotonic()
        member.go_on()
        while (thought := await member.thought()).at_s < taken_s:
            pass
        while thought.what == "works":
            assert not thought.holds
            thought = await member.thought()
        assert (thought.what, thought.holds) == ("revoked", False)
        await other.subscription.close()
        while not ((thought := await member.thought()).what == "works" and thought.holds):
            pass
