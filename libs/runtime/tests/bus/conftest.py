"""Real servers for the bus tests, and what the suite needs to freeze and restart them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

# Before the import: what a suite asserts is to be explained like what a test module asserts.
pytest.register_assert_rewrite("tradewire.testkit.bus_suite")

from tradewire.ports.bus import EventBusPort, Outgoing, Place  # noqa: E402
from tradewire.runtime.bus import connect  # noqa: E402
from tradewire.runtime.bus.kafka import KafkaBus  # noqa: E402
from tradewire.runtime.bus.redis_streams import RedisBus  # noqa: E402
from tradewire.runtime.bus.redis_wire import stream_key  # noqa: E402
from tradewire.testkit.bus_servers import BusServers, EmbeddedServers  # noqa: E402
from tradewire.testkit.bus_suite import Harness  # noqa: E402
from tradewire.testkit.bus_suite.dead_member import read_and_die  # noqa: E402


class ServerHarness(Harness):
    """An adapter on one of the servers; a dead member is a killed process."""

    session_s = 6.0

    def __init__(self, servers: BusServers, part: str, url: str) -> None:
        super().__init__()
        self._servers, self._part, self._url = servers, part, url

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

    async def end_without_record(self, bus: EventBusPort, place: Place) -> bool:
        if isinstance(bus, RedisBus):
            (ack,) = await bus.publish([Outgoing(place.topic, b"key", None, partition=place.partition)])
            await bus.redis.xdel(stream_key(place), f"{ack.offset}-1")
            return True
        assert isinstance(bus, KafkaBus)
        producer = AIOKafkaProducer(bootstrap_servers=bus.bootstrap_servers, transactional_id=self.name("transaction"))
        await producer.start()
        try:
            async with producer.transaction():
                await producer.send_and_wait(place.topic, b"in a transaction", b"key", place.partition)
        finally:
            await producer.stop()
        return True

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._servers.freeze, self._part)
        try:
            yield
        finally:
            await asyncio.to_thread(self._servers.thaw, self._part)

    @asynccontextmanager
    async def restart(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._servers.kill, self._part)
        try:
            yield
        finally:
            await asyncio.to_thread(self._servers.restart, self._part)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[BusServers]:
    """Kafka and Redis, of the embedded stack or in containers."""
    if request.config.getoption("servers") != "containers":
        yield EmbeddedServers(request.getfixturevalue("stack"))
        return
    from tradewire.testkit.containers import ContainerBusServers

    found = ContainerBusServers()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
async def server_harness(servers: BusServers) -> AsyncIterator[Callable[[str, str], Harness]]:
    """Makes harnesses for a server and an address; closes them."""
    harnesses: list[Harness] = []

    def build(part: str, url: str) -> Harness:
        harnesses.append(ServerHarness(servers, part, url))
        return harnesses[-1]

    yield build
    for harness in harnesses:
        await harness.close()
