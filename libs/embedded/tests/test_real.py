"""The embedded stack with its real servers: data survives restarts and crashes, and nothing is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from redis.asyncio import Redis

from tradewire.embedded import (
    ServerDiedError,
    Stack,
    StackBusyError,
    StackError,
    StackPaths,
    fetch,
    is_running,
    read_state,
    shut_down,
)
from tradewire.embedded.registry import GLOBAL_COMPATIBILITY, JOURNAL_TOPICS

pytest_plugins = ["tradewire.embedded.fixtures"]

RECORDS = [b"one", b"two", b"three"]


async def test_kafka_when_restarted_then_port_and_records_are_kept(stack: Stack) -> None:
    await _produce(stack.bootstrap_servers, "kept.restart", RECORDS)
    before = stack.pid("kafka")

    stack.restart("kafka")

    assert stack.pid("kafka") != before
    assert await _consume(stack.bootstrap_servers, "kept.restart", len(RECORDS)) == RECORDS


async def test_kafka_when_killed_then_found_dead_and_records_are_kept(stack: Stack) -> None:
    await _produce(stack.bootstrap_servers, "kept.kill", RECORDS)

    stack.kill("kafka")

    assert "kafka" in stack.dead()
    assert stack.pid("kafka") is None
    stack.restart("kafka")
    assert "kafka" not in stack.dead()
    assert await _consume(stack.bootstrap_servers, "kept.kill", len(RECORDS)) == RECORDS


async def test_kafka_when_topic_is_unknown_then_it_is_not_made(stack: Stack) -> None:
    async with _admin(stack.bootstrap_servers) as admin:
        await admin.describe_topics(["never.made"])

        assert "never.made" not in await admin.list_topics()


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_postgres_when_restarted_or_killed_then_committed_rows_are_kept(stack: Stack, how: str) -> None:
    dsn = stack.postgres_dsn(f"ledger_{how}")
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (amount numeric); INSERT INTO kept VALUES (12.50)")

    if how == "kill":
        stack.kill("postgres")
    connection.terminate()
    stack.restart("postgres")

    assert stack.postgres_dsn(f"ledger_{how}") == dsn
    connection = await asyncpg.connect(dsn)
    assert str(await connection.fetchval("SELECT amount FROM kept")) == "12.50"
    await connection.close()


@pytest.mark.parametrize("name", ["", "two words", 'x"; DROP DATABASE postgres; --', "größe"])
def test_postgres_when_database_name_is_not_an_identifier_then_refused(stack: Stack, name: str) -> None:
    with pytest.raises(StackError, match="is not a database name"):
        stack.postgres_dsn(name)


async def test_redis_when_killed_then_acknowledged_writes_are_kept(stack: Stack) -> None:
    async with Redis.from_url(stack.redis_url) as client:
        await client.set("kept", "yes")

    stack.kill("redis")
    stack.restart("redis")

    async with Redis.from_url(stack.redis_url) as client:
        assert await client.get("kept") == b"yes"


async def test_registry_when_restarted_then_schemas_rules_and_endless_journal_are_kept(
    stack: Stack, registry_url: str
) -> None:
    schema = {"schema": json.dumps({"type": "record", "name": "Kept", "fields": []})}
    identity = _call("POST", f"{registry_url}/subjects/kept-value/versions", schema)["id"]

    stack.restart("registry")

    assert _call("POST", f"{registry_url}/subjects/kept-value", schema)["id"] == identity
    assert _call("GET", f"{registry_url}/config")["compatibilityLevel"] == GLOBAL_COMPATIBILITY
    for topic in JOURNAL_TOPICS:
        settings = await _topic_settings(stack.bootstrap_servers, topic)
        assert (settings["retention.ms"], settings["retention.bytes"]) == ("-1", "-1")
        assert settings["cleanup.policy"] == "delete"


def test_stack_when_second_on_same_folder_then_refused_with_holder_and_first_unharmed(stack: Stack) -> None:
    second = Stack(stack.paths, registry=False)

    with pytest.raises(StackBusyError, match=f"a stack already runs on {stack.paths.root}: pid "):
        second.start()

    assert stack.pid("kafka") is not None
    assert read_state(stack.paths) is not None


def test_servers_when_running_then_listen_on_loopback_only(stack: Stack, registry_url: str) -> None:
    found = set()
    for part in stack.parts:
        addresses = [c.laddr.ip for c in psutil.Process(stack.pid(part)).net_connections() if c.status == "LISTEN"]
        assert addresses, part
        found.update(addresses)

    assert found <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_stack_when_asked_for_a_part_it_does_not_run_then_error_names_those_it_does(stack: Stack) -> None:
    with pytest.raises(StackError, match="does not run 'zookeeper'; it runs kafka, postgres, registry, redis"):
        stack.kill("zookeeper")


def test_start_when_data_is_of_another_version_then_error_has_the_servers_words_and_nothing_is_left(
    open_folder: Path,
) -> None:
    paths = StackPaths.under(open_folder / "root")
    with Stack(paths, kafka=False, registry=False) as stack:
        stack.start()
    (paths.part("postgres") / "data" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(
        ServerDiedError, match=r"(?s)postgres ended with code 1 .*initialized by PostgreSQL version 9\.6"
    ):
        Stack(paths, kafka=False, registry=False).start()

    assert not is_running(paths)
    assert _processes_on(paths.root) == []


async def test_foreground_when_killed_then_nothing_is_left_and_next_start_has_the_data(open_folder: Path) -> None:
    paths = StackPaths.under(open_folder / "root")
    fetch(paths, registry=False)
    with _foreground(paths) as (process, endpoints):
        await _produce(endpoints["bootstrap_servers"], "kept.owner", RECORDS)
        servers = _processes_on(paths.root)
        assert sorted(server.name() for server in servers if "python" not in server.name()) == ["java", "postgres"]

        process.kill()

        _, alive = psutil.wait_procs(servers, timeout=60)
        assert alive == []

    with _foreground(paths) as (process, endpoints):
        assert await _consume(endpoints["bootstrap_servers"], "kept.owner", len(RECORDS)) == RECORDS
        assert shut_down(paths) is True
        assert process.wait() == 0
    assert _processes_on(paths.root) == []
    assert read_state(paths) is None
    assert not is_running(paths)


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "end of input"])
def test_foreground_when_told_to_stop_while_starting_then_nothing_is_left(open_folder: Path, how: str) -> None:
    paths = StackPaths.under(open_folder / "root")
    fetch(paths, registry=False)
    with _starting(paths) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(b"kafka: start"):
                break
        if how == "end of input":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[how])
        said = process.stderr.read()

        assert process.wait() == 0, said.decode()
    assert _processes_on(paths.root) == []
    assert not is_running(paths)


@contextmanager
def _foreground(paths: StackPaths) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    with _starting(paths, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())


@contextmanager
def _starting(paths: StackPaths, *, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "tradewire.embedded", "--root", str(paths.root), "--no-registry"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.terminate()


def _processes_on(root: Path) -> list[psutil.Process]:
    """Processes that name the folder on their command line: servers and keepers, not those that started them."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if any(str(root) in word for word in line) and "tradewire.embedded" not in line:
            found.append(process)
    return found


@asynccontextmanager
async def _admin(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def _produce(servers: str, topic: str, records: list[bytes]) -> None:
    async with _admin(servers) as admin:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        for record in records:
            await producer.send_and_wait(topic, record)


async def _consume(servers: str, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]


async def _topic_settings(servers: str, topic: str) -> dict[str, str]:
    async with _admin(servers) as admin:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    (resource,) = answer.resources
    return {entry[0]: entry[1] for entry in resource[4]}


def _call(method: str, url: str, body: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
