"""Records that nobody can read, on topics that a real Kafka compacts at once: what they displaced stands.

See docs/adr/0048-displaced-records.md. Topics keep what was displaced for a week; here, for no time at all.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from tradewire.app.operating.limit_changes import LimitChanges
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.switching import Switching
from tradewire.embedded import Stack, StackPaths
from tradewire.ports.bus import EventBusPort, Outgoing, Place
from tradewire.ports.events import ControlChanged, ControlLevel, ControlStatusChanged, StrategyStatusChanged
from tradewire.ports.events import RiskLimitsAnswered as LimitsAnswered
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.bus.kafka_address import KafkaSecurity
from tradewire.runtime.bus.kafka_admin import admin_client
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.builders import instrument
from tradewire.testkit.strategies import document

CONTROLS, STATUSES, LIMITS, VERSIONS = COMPACTED = tuple(
    BY_EVENT[event].name for event in (ControlChanged, ControlStatusChanged, LimitsAnswered, StrategyStatusChanged)
)
AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "1",
    "min.cleanable.dirty.ratio": "0.0001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1",
    "delete.retention.ms": "0",
}
SCOPES = ("account:alpha", "global", "strategy:trend")
NONSENSE, FILLER = b"\0\xff", b"filler"
WITHIN_S = 60.0
CODEC = Codec(SchemaIds.static())


@pytest.fixture
async def bus(run_root: Path) -> AsyncIterator[EventBusPort]:
    """On a broker of its own that has every topic, and compacts those of ``COMPACTED`` at once."""
    with Stack(StackPaths.under(run_root), postgres=False, registry=False) as stack:
        await asyncio.to_thread(stack.start)
        servers = stack.bootstrap_servers
        await topic_admin.apply(servers, await topic_admin.plan(servers, partitions={"S": 1, "A": 1}, replication=1))
        async with admin_client(servers, KafkaSecurity()) as admin:
            changes = [ConfigResource(ConfigResourceType.TOPIC, name, dict(AT_ONCE)) for name in COMPACTED]
            changes.append(ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "20"}))
            for response in await admin.alter_configs(changes):
                assert [code for code, *_ in response.resources if code] == [], response
        made = connect(f"kafka://{servers}", client_id="test")
        await made.start()
        yield made
        await made.close()


@asynccontextmanager
async def at_work(bus: EventBusPort, *names: str) -> AsyncIterator[dict[str, Service]]:
    """Services with empty memories, that have read what the topics hold; ended in order."""
    settings = RuntimeSettings(bus_url="memory:", drain_seconds=10.0)
    async with AsyncExitStack() as stack:
        services = {name: built(name) for name in names}
        for name, service in services.items():
            parts = {"clock": SystemClock(), "tracing": Tracing(name, "0"), "settings": settings}
            worker = Worker(service, bus, CODEC, metrics=Metrics(CollectorRegistry()), version="0", **parts)  # type: ignore[arg-type]  # by name
            stop = asyncio.Event()
            task = asyncio.create_task(worker.run(stop))
            stack.push_async_callback(asyncio.wait_for, task, WITHIN_S)
            stack.callback(stop.set)
            await until(lambda worker=worker: worker.progress.phase == "running")  # type: ignore[misc]  # bound at once
        yield services


def built(name: str) -> Service:
    settings = importlib.import_module(f"tradewire.{name}.settings").Settings(bus_url="memory:")
    made: Service = importlib.import_module(f"tradewire.{name}.wiring").build(settings)
    return made


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Let everything run until ``holds``."""
    async with asyncio.timeout(WITHIN_S):
        while not (found if isinstance(found := holds(), bool) else await found):
            await asyncio.sleep(0.02)  # gives the loop away; the condition itself is what is asked


async def kept(bus: EventBusPort, topic: str) -> list[tuple[int, bytes | None]]:
    """Offset and key of the records that the broker still has."""
    return [(record.offset, record.key) async for record in read_to_end(bus, topic)]


async def compacted(bus: EventBusPort, *topics: str) -> None:
    """Returns when the broker keeps no record of each topic that another of its key stands behind."""
    for topic in topics:
        end = (await bus.end_offsets([Place(topic, 0)]))[Place(topic, 0)]

        async def clean(topic: str = topic, end: int = end) -> bool:
            # The segment that is written to is never compacted, and a new one begins with a record.
            await bus.publish([Outgoing(topic, FILLER, NONSENSE, partition=0)])
            keys = [key for offset, key in await kept(bus, topic) if offset < end and key != FILLER]
            return len(keys) == len(set(keys))

        await until(clean)


async def newest_is_answer(bus: EventBusPort, topic: str, key: bytes) -> bool:
    """Does an answer stand behind what nobody can read?"""
    records = [record async for record in read_to_end(bus, topic) if record.key == key]
    return bool(records) and records[-1].value not in (None, NONSENSE)


def nonsense(topic: str, *keys: str) -> Sequence[Outgoing]:
    return [Outgoing(topic, key.encode(), NONSENSE, partition=0) for key in keys]


async def begun(bus: EventBusPort, operator: Operator) -> None:
    """A strategy in force, limits in force, and a level of each scope that nobody lifts."""
    await operator.say(instrument())
    config = await operator.publish_strategy(document("trend", "alpha"))
    answer = (await operator.answers({config.strategy_id: config.version}, WITHIN_S))[config.strategy_id]
    assert [version.version for version in answer.active] == [1]
    await LimitChanges(operator).change("alpha", {"max_leverage": Decimal(3)}, WITHIN_S)
    for scope in SCOPES:
        await Switching(operator).switch(scope, ControlLevel.FLATTEN, "drill", WITHIN_S)


async def test_level_limits_and_version_when_kafka_compacts_them_away_behind_nonsense_then_they_stand(
    bus: EventBusPort,
) -> None:
    operator = Operator(bus, CODEC, SystemClock(), author="ann")
    async with at_work(bus, "strategy", "risk", "execution"):
        await begun(bus, operator)
        await bus.publish(
            [*nonsense(CONTROLS, *SCOPES), *nonsense(LIMITS, "alpha", "nobody"), *nonsense(VERSIONS, "trend", "nobody")]
        )
        await until(lambda: newest_is_answer(bus, LIMITS, b"alpha"))
        await until(lambda: newest_is_answer(bus, VERSIONS, b"trend"))
    await bus.publish(nonsense(CONTROLS, *SCOPES))  # and once more while nobody is there
    await compacted(bus, *COMPACTED)
    assert {record.value async for record in read_to_end(bus, CONTROLS)} == {NONSENSE}

    async with at_work(bus, "strategy", "risk", "execution") as later:
        for name in ("risk", "execution"):
            assert later[name].status()["controls"] == dict.fromkeys(SCOPES, ControlLevel.FLATTEN)
        assert {k: v.max_leverage for k, v in (await LimitChanges(operator).in_force()).items()} == {"alpha": 3}
        told = (await operator.latest(StrategyStatusChanged))["trend"]
        assert isinstance(told, StrategyStatusChanged)
        assert [version.version for version in told.active] == [1]
        assert (await operator.publish_strategy(document("trend", "alpha"))).version == 2
        changed = await LimitChanges(operator).change("alpha", {"max_order_notional": Decimal(5)}, WITHIN_S)
        assert (changed.version, changed.max_leverage) == (2, Decimal(3))
        await Switching(operator).switch("global", ControlLevel.NORMAL, "over", WITHIN_S)
        for name in ("risk", "execution"):
            assert later[name].status()["controls"] == dict.fromkeys((SCOPES[0], SCOPES[2]), ControlLevel.FLATTEN)
