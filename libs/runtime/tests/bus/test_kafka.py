"""The Kafka bus shows the behaviour of every bus on a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from tradewire.ports.bus import EventBusPort
from tradewire.runtime.bus import connect
from tradewire.testkit.bus_suite import BusSuite, Harness
from tradewire.testkit.bus_suite.dead_member import read_and_die

BOUNDS = "session_s=3&heartbeat_s=0.3&rebalance_s=10&send_s=2&connect_s=3&request_s=5&close_s=2&topic_wait_s=0.5"


class Server(Protocol):
    """The broker, as conftest gives it."""

    port: int

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class KafkaHarness(Harness):
    """Each connection has its own clients; a dead member is a killed process."""

    session_s = 3.0

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self.url = f"kafka://127.0.0.1:{server.port}?{BOUNDS}"

    def build(self) -> EventBusPort:
        return connect(self.url, client_id="tests")

    async def dead_member(self, topic: str, group: str, *, member: str | None, records: int) -> list[int]:
        return await read_and_die(self.url, topic, group, member=member, records=records)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self._server.freeze()
        try:
            yield
        finally:
            self._server.thaw()

    @asynccontextmanager
    async def restart(self) -> AsyncIterator[None]:
        self._server.kill()
        try:
            yield
        finally:
            self._server.start()


class TestKafkaBus(BusSuite):
    """The suite."""

    @pytest.fixture
    async def harness(self, kafka_server: Server) -> AsyncIterator[Harness]:
        harness = KafkaHarness(kafka_server)
        yield harness
        await harness.close()
