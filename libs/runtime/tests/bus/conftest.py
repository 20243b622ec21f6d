"""Real servers for the bus tests, and what the suite needs to freeze and restart them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

# Before the import: what a suite asserts is to be explained like what a test module asserts.
pytest.register_assert_rewrite("tradewire.testkit.bus_suite")

from tradewire.embedded.freezing import freeze, thaw  # noqa: E402
from tradewire.embedded.stack import Stack  # noqa: E402
from tradewire.ports.bus import EventBusPort, Place  # noqa: E402
from tradewire.runtime.bus import connect  # noqa: E402
from tradewire.runtime.bus.kafka import KafkaBus  # noqa: E402
from tradewire.runtime.bus.redis_streams import RedisBus  # noqa: E402
from tradewire.runtime.bus.redis_wire import stream_key  # noqa: E402
from tradewire.testkit.bus_suite import Harness  # noqa: E402
from tradewire.testkit.bus_suite.dead_member import read_and_die  # noqa: E402


class ServerHarness(Harness):
    """An adapter on one server of the embedded stack; a dead member is a killed process."""

    session_s = 6.0

    def __init__(self, stack: Stack, part: str, url: str) -> None:
        super().__init__()
        self._stack, self._part, self._url = stack, part, url

    def build(self, *, session_s: float | None = None) -> EventBusPort:
        url = self._url if session_s is None else re.sub(r"session_s=[\d.]+", f"session_s={session_s}", self._url)
        return connect(url, client_id="tests")

    async def dead_member(self, topic: str, group: str, *, member: str | None, records: int) -> list[int]:
        return await read_and_die(self._url, topic, group, member=member, records=records)

    async def delete(self, bus: EventBusPort, place: Place, before: int) -> None:
        if isinstance(bus, RedisBus):
            await bus.redis.xtrim(stream_key(place), minid=f"{before}-0", approximate=False)
        else:
            assert isinstance(bus, KafkaBus)
            assert bus._admin is not None
            await bus._admin.delete_records({TopicPartition(*place): RecordsToDelete(before)})

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        pid = self._stack.pid(self._part)
        assert pid is not None, f"{self._part} does not run"
        await asyncio.to_thread(freeze, pid)
        try:
            yield
        finally:
            thaw(pid)

    @asynccontextmanager
    async def restart(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._stack.kill, self._part)
        try:
            yield
        finally:
            await asyncio.to_thread(self._stack.restart, self._part)


@pytest.fixture
async def server_harness(stack: Stack) -> AsyncIterator[Callable[[str, str], Harness]]:
    """Makes harnesses for a part of the stack and an address; closes them."""
    harnesses: list[Harness] = []

    def build(part: str, url: str) -> Harness:
        harnesses.append(ServerHarness(stack, part, url))
        return harnesses[-1]

    yield build
    for harness in harnesses:
        await harness.close()
