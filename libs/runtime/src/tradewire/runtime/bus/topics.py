"""Topics as the topic map wants them, on whichever bus an address names: compared first, then created and corrected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tradewire.ports.errors import FatalError
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.bus.kafka_address import KafkaSecurity, split_address
from tradewire.runtime.bus.kafka_topics import FoundTopic, TopicPlan, WantedTopic, compare, wanted_topics
from tradewire.runtime.bus.redis_streams import RedisBus
from tradewire.runtime.observe.secrets import scrub


async def plan(
    bus_url: str, *, partitions: Mapping[str, int] | None = None, replication: int | None = None
) -> TopicPlan:
    """Compare the topic map with a bus; changes nothing. Parameters: see ``topic_admin.wanted_topics``.

    Redis keeps partition counts alone: nothing is replicated, deleted or compacted there. Raises: RetryableError when
    nothing answers; FatalError when it refuses, and for a bus that keeps no topics.
    """
    if _is_kafka(bus_url):
        servers, security = _kafka(bus_url)
        return await topic_admin.plan(servers, security=security, partitions=partitions, replication=replication)
    wanted = [WantedTopic(t.name, t.partitions, 1, {}) for t in wanted_topics(partitions=partitions)]
    async with _redis(bus_url) as bus:
        found = [FoundTopic(name, count, 1, {}) for name, count in sorted((await bus.topics()).items())]
    return compare(wanted, found)


async def apply(bus_url: str, plan: TopicPlan) -> None:
    """Carry a plan out; again is harmless. Raises: as ``plan``; FatalError when a partition count differs, too."""
    if _is_kafka(bus_url):
        servers, security = _kafka(bus_url)
        await topic_admin.apply(servers, plan, security=security)
        return
    if plan.blocked:
        raise FatalError(str(plan))
    async with _redis(bus_url) as bus:
        await bus.create_topics({topic.name: topic.partitions for topic in plan.create}, {})


def _is_kafka(bus_url: str) -> bool:
    parts = urlsplit(bus_url)
    return parts.scheme == "kafka" and bool(parts.netloc)


def _kafka(bus_url: str) -> tuple[str, KafkaSecurity]:
    """Brokers, and how they let clients in. Raises FatalError."""
    try:
        servers, security, _ = split_address(bus_url)
        return servers, security
    except ValueError as error:
        raise FatalError(str(error)) from None


@asynccontextmanager
async def _redis(bus_url: str) -> AsyncIterator[RedisBus]:
    try:
        bus = connect(bus_url, client_id="tradewire-topics")
    except ValueError as error:
        raise FatalError(str(error)) from error
    if not isinstance(bus, RedisBus):
        raise FatalError(f"topics: found bus {scrub(bus_url)}, allowed kafka://HOST:PORT and redis://HOST:PORT/0")
    try:
        await bus.start()
        yield bus
    finally:
        await bus.close()
