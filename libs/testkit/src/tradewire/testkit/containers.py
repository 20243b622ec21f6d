"""Kafka, Postgres and Redis from their public images, for the suites that the embedded servers pass too.

``pytest --servers containers`` chooses them; `make containers-test` names the suites.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from itertools import count
from threading import Event
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from testcontainers.core.container import DockerContainer

from tradewire.runtime.clock import SystemClock
from tradewire.testkit.bus_servers import BusServers
from tradewire.testkit.postgres import PostgresServer

KAFKA_IMAGE = "apache/kafka:4.1.2"
POSTGRES_IMAGE = "postgres:15"
REDIS_IMAGE = "redis:7"
LOOPBACK = "127.0.0.1"
READY_SECONDS = 180.0
LOOK_SECONDS = 0.2
_PASSWORD = "of-this-test-run"


class ContainerServer:
    """One server in a container, on a port of loopback that stays the same when it is started again.

    ``answers`` raises while the server, which has the port, does not serve.
    """

    def __init__(
        self,
        container: DockerContainer,
        ports: dict[int, int],
        answers: Callable[[], Coroutine[Any, Any, None]],
        faults: tuple[type[Exception], ...],
    ) -> None:
        self._container, self._answers, self._faults = container, answers, faults
        published: dict[Any, Any] = container.ports  # its own method takes no address
        published.update({inside: (LOOPBACK, outside) for inside, outside in ports.items()})

    def start(self) -> None:
        """Start it for the first time; returns when it serves."""
        self._container.start()
        self._wait()

    def restart(self) -> None:
        """Start it again on its data; returns when it serves."""
        self._wrapped.start()
        self._wait()

    def kill(self) -> None:
        """SIGKILL."""
        self._wrapped.kill()

    def freeze(self) -> None:
        """Suspend all of its processes."""
        self._wrapped.pause()

    def thaw(self) -> None:
        """Let them go on."""
        self._wrapped.unpause()

    def stop(self) -> None:
        """Remove it with its data; harmless when it never started."""
        self._container.stop(force=True, delete_volume=True)

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()

    def _wait(self) -> None:
        clock, between = SystemClock(), Event()
        deadline_s = clock.monotonic_s() + READY_SECONDS
        while True:
            try:
                asyncio.run(self._answers())
                return
            except self._faults as error:
                if clock.monotonic_s() > deadline_s:
                    logs = b"\n".join(self._container.get_logs()).decode(errors="replace")[-2000:]
                    raise TimeoutError(f"{self._container.image} does not serve: {error!r}\n{logs}") from error
            between.wait(LOOK_SECONDS)


class ContainerBusServers(BusServers):
    """Kafka and Redis; each starts when it is first asked for."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[ContainerServer, str]] = {}

    @property
    def bootstrap_servers(self) -> str:
        return self._address("kafka", kafka_server)

    @property
    def redis_url(self) -> str:
        return self._address("redis", redis_server)

    def freeze(self, part: str) -> None:
        self._started[part][0].freeze()

    def thaw(self, part: str) -> None:
        self._started[part][0].thaw()

    def kill(self, part: str) -> None:
        self._started[part][0].kill()

    def restart(self, part: str) -> None:
        self._started[part][0].restart()

    def stop(self) -> None:
        """Remove what was started."""
        for server, _ in self._started.values():
            server.stop()

    def _address(self, part: str, make: Callable[[], tuple[ContainerServer, str]]) -> str:
        if part not in self._started:
            self._started[part] = make()
            self._started[part][0].start()
        return self._started[part][1]


class ContainerPostgres(PostgresServer):
    """Postgres."""

    def __init__(self) -> None:
        self._numbers, port = count(1), _free_port()
        self._address = f"postgresql://postgres:{_PASSWORD}@{LOOPBACK}:{port}"
        container = DockerContainer(POSTGRES_IMAGE).with_env("POSTGRES_PASSWORD", _PASSWORD)
        faults = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
        self._server = ContainerServer(container, {5432: port}, lambda: _query(self._address, "SELECT 1"), faults)

    def new_database(self) -> str:
        name = f"t{next(self._numbers)}"
        asyncio.run(_query(f"{self._address}/postgres", f"CREATE DATABASE {name}"))
        return f"{self._address}/{name}"

    def kill(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.restart()

    def first_start(self) -> None:
        """Make the container; returns when it serves."""
        self._server.start()

    def stop(self) -> None:
        """Remove it."""
        self._server.stop()


def kafka_server() -> tuple[ContainerServer, str]:
    """(server, address) of a broker of one node, not started."""
    port = _free_port()
    address = f"{LOOPBACK}:{port}"
    settings = {
        "CLUSTER_ID": "dHJhZGV3aXJlLXRlc3RzLW",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:9093",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "8",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "4000",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "1000",
    }
    container = DockerContainer(KAFKA_IMAGE)
    for name, value in settings.items():
        container.with_env(name, value)

    async def answers() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
        try:
            await admin.start()
            await admin.list_topics()
        finally:
            await admin.close()

    return ContainerServer(container, {9092: port}, answers, (OSError, KafkaError)), address


def redis_server() -> tuple[ContainerServer, str]:
    """(server, address) of Redis, not started."""
    port = _free_port()
    url = f"redis://{LOOPBACK}:{port}/0"

    async def answers() -> None:
        async with Redis.from_url(url) as client:
            await client.ping()

    return ContainerServer(DockerContainer(REDIS_IMAGE), {6379: port}, answers, (OSError, RedisError)), url


async def _query(dsn: str, query: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute(query)
    finally:
        await connection.close()


def _free_port() -> int:
    """A port of loopback that nobody has just now: the container keeps it over restarts."""
    with socket.create_server((LOOPBACK, 0)) as found:
        port: int = found.getsockname()[1]
        return port
