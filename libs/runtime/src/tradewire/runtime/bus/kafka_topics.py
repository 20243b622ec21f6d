"""Topics as the topic map wants them: compared with a Kafka cluster first, then created and corrected.

Partition counts never change: a key would move to another partition and its order would be lost. A new
``v<N>`` topic takes over instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError, for_code

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.message import TopicSpec
from tradewire.ports.topics import (
    DEAD_LETTER_PARTITIONS,
    DEAD_LETTER_RETENTION_MS,
    DEAD_LETTERS,
    MIN_INSYNC_REPLICAS,
    REPLICATION_FACTOR,
    TOPICS,
)
from tradewire.runtime.bus.kafka_address import KafkaSecurity
from tradewire.runtime.bus.kafka_admin import admin_client

MANAGED_CONFIGS = (
    "cleanup.policy",
    "retention.ms",
    "delete.retention.ms",
    "min.compaction.lag.ms",
    "min.insync.replicas",
)
"""Topic settings that the topic map decides on; others are left as they are."""

DEAD_LETTER_GROUP = "A"
DYNAMIC_TOPIC_CONFIG = 1
"""Source of a setting made on the topic itself (Kafka protocol, DescribeConfigs)."""
SETTLE_SECONDS = 10.0
SETTLE_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic as the topic map wants it."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic of the cluster. ``configs`` are the settings made on the topic itself."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfigDrift:
    """A setting that differs; None is the broker's default."""

    topic: str
    key: str
    found: str | None
    wanted: str | None

    def __str__(self) -> str:
        found, wanted = self.found or "the broker's default", self.wanted or "the broker's default"
        return f"set       {self.topic}: {self.key} {found} → {wanted}"


@dataclass(frozen=True, slots=True)
class CountMismatch:
    """A partition or replica count that differs and that ``apply`` can't change."""

    topic: str
    what: str
    found: int
    wanted: int


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What ``apply`` would do, and what it can't."""

    create: tuple[WantedTopic, ...] = ()
    drift: tuple[ConfigDrift, ...] = ()
    partition_mismatches: tuple[CountMismatch, ...] = ()
    replication_mismatches: tuple[CountMismatch, ...] = ()
    unmanaged: tuple[str, ...] = ()
    configs_after: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """All own settings of each drifted topic once applied, the ones that we don't manage included."""

    @property
    def empty(self) -> bool:
        """Nothing to create or to set."""
        return not (self.create or self.drift)

    @property
    def blocked(self) -> bool:
        """A partition count differs: ``apply`` refuses."""
        return bool(self.partition_mismatches)

    def __str__(self) -> str:
        lines = [f"create    {t.name}: {t.partitions} partitions, {t.replication} replicas" for t in self.create]
        lines += [str(drift) for drift in self.drift]
        lines += [
            f"ERROR     {m.topic}: {m.found} partitions, wanted {m.wanted}; counts never change: "
            "add a topic with the next version number, or restore the count in contracts/topics.yaml"
            for m in self.partition_mismatches
        ]
        lines += [
            f"note      {m.topic}: {m.found} replicas, wanted {m.wanted}; reassign with Kafka's own tools"
            for m in self.replication_mismatches
        ]
        lines += [f"unmanaged {name}" for name in self.unmanaged]
        return "\n".join(lines) or "all topics are as contracts/topics.yaml wants them"


def wanted_topics(
    *, partitions: Mapping[str, int] | None = None, replication: int | None = None
) -> tuple[WantedTopic, ...]:
    """Every topic of the topic map and every dead-letter topic.

    Parameters: partitions: count by group instead of the map's, e.g. ``{"S": 1, "A": 1}``, for new clusters;
    replication: factor instead of the map's, e.g. 1 for one node.
    """
    counts, factor = partitions or {}, replication or REPLICATION_FACTOR
    insync = {"min.insync.replicas": str(min(MIN_INSYNC_REPLICAS, factor))}
    wanted = [
        WantedTopic(spec.name, counts.get(spec.group, spec.partitions), factor, _configs(spec) | insync)
        for spec in TOPICS.values()
    ]
    dead = {"cleanup.policy": "delete", "retention.ms": str(DEAD_LETTER_RETENTION_MS)} | insync
    count = counts.get(DEAD_LETTER_GROUP, DEAD_LETTER_PARTITIONS)
    return (*wanted, *(WantedTopic(name, count, factor, dead) for name in DEAD_LETTERS.values()))


def _configs(spec: TopicSpec) -> dict[str, str]:
    times = {
        "retention.ms": spec.retention_ms,
        "delete.retention.ms": spec.delete_retention_ms,
        "min.compaction.lag.ms": spec.min_compaction_lag_ms,
    }
    return {"cleanup.policy": spec.cleanup} | {key: str(ms) for key, ms in times.items() if ms is not None}


def compare(wanted: Iterable[WantedTopic], found: Iterable[FoundTopic]) -> TopicPlan:
    """The plan that leads from ``found`` to ``wanted``."""
    wanted, by_name = tuple(wanted), {topic.name: topic for topic in found}
    pairs = [(topic, by_name[topic.name]) for topic in wanted if topic.name in by_name]
    drift = tuple(
        ConfigDrift(want.name, key, have.configs.get(key), want.configs.get(key))
        for want, have in pairs
        for key in MANAGED_CONFIGS
        if _setting(have.configs.get(key)) != _setting(want.configs.get(key))
    )
    drifted = {item.topic for item in drift}
    ours = {topic.name for topic in wanted}
    return TopicPlan(
        create=tuple(topic for topic in wanted if topic.name not in by_name),
        drift=drift,
        partition_mismatches=tuple(
            CountMismatch(want.name, "partitions", have.partitions, want.partitions)
            for want, have in pairs
            if have.partitions != want.partitions
        ),
        replication_mismatches=tuple(
            CountMismatch(want.name, "replicas", have.replication, want.replication)
            for want, have in pairs
            if have.replication != want.replication
        ),
        unmanaged=tuple(sorted(name for name in by_name if name not in ours and not name.startswith("__"))),
        configs_after={
            want.name: {k: v for k, v in have.configs.items() if k not in MANAGED_CONFIGS} | dict(want.configs)
            for want, have in pairs
            if want.name in drifted
        },
    )


def _setting(value: str | None) -> frozenset[str] | None:
    """A list setting counts as a set: ``compact,delete`` is ``delete,compact``."""
    return None if value is None else frozenset(part.strip() for part in value.split(","))


async def plan(
    bootstrap_servers: str,
    *,
    security: KafkaSecurity | None = None,
    partitions: Mapping[str, int] | None = None,
    replication: int | None = None,
) -> TopicPlan:
    """Compare the topic map with a cluster; changes nothing. Parameters: see ``wanted_topics``.

    Raises: RetryableError when no broker answers; FatalError when one refuses.
    """
    async with admin_client(bootstrap_servers, security or KafkaSecurity()) as admin:
        return compare(wanted_topics(partitions=partitions, replication=replication), await _found(admin))


async def apply(bootstrap_servers: str, plan: TopicPlan, *, security: KafkaSecurity | None = None) -> None:
    """Carry a plan out and wait until the brokers show it; again is harmless.

    Raises: FatalError when a partition count differs (before anything is changed) or the broker refuses;
    RetryableError when no broker answers, or the cluster does not show the change in time.
    """
    if plan.blocked:
        raise FatalError(str(plan))
    async with admin_client(bootstrap_servers, security or KafkaSecurity()) as admin:
        if plan.create:
            await _create(admin, plan.create)
        if plan.configs_after:
            await _configure(admin, plan.configs_after)
        await _settle(admin, plan)


async def _found(admin: AIOKafkaAdminClient) -> list[FoundTopic]:
    topics = [topic for topic in await admin.describe_topics() if not topic["is_internal"]]
    if not topics:
        return []
    configs = await _own_configs(admin, [topic["topic"] for topic in topics])
    return [
        FoundTopic(
            name=topic["topic"],
            partitions=len(topic["partitions"]),
            replication=min((len(p["replicas"]) for p in topic["partitions"]), default=0),
            configs=configs.get(topic["topic"], {}),
        )
        for topic in topics
    ]


async def _own_configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Settings made on each topic itself."""
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for response in responses:
        for code, message, _, name, entries in response.resources:
            _raise_for(code, f"settings of {name}: {message}")
            found[name] = {entry[0]: entry[1] for entry in entries if entry[3] == DYNAMIC_TOPIC_CONFIG}
    return found


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[WantedTopic]) -> None:
    new = [NewTopic(t.name, t.partitions, t.replication, topic_configs=dict(t.configs)) for t in topics]
    response: Any = await admin.create_topics(new)
    for name, code, *message in response.topic_errors:
        if for_code(code) is InvalidReplicationFactorError:
            copies = next(topic.replication for topic in topics if topic.name == name)
            raise FatalError(
                f"{name}: the cluster has fewer than the {copies} brokers that keep a copy each; create topics with "
                "fewer copies: `tradewire topics apply --bus BUS --replication 1`, then start again"
            )
        if for_code(code) is not TopicAlreadyExistsError:
            _raise_for(code, f"creating {name}: {message[0] if message else ''}")


async def _configure(admin: AIOKafkaAdminClient, configs: Mapping[str, Mapping[str, str]]) -> None:
    """Replace all own settings of the topics named: the only form of alteration that the client has."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, dict(own)) for name, own in configs.items()]
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            _raise_for(code, f"setting {name}: {message}")


async def _settle(admin: AIOKafkaAdminClient, plan: TopicPlan) -> None:
    """Wait for a broker's answers to show what the controller has accepted: it learns of it a little later."""
    wanted = {topic.name: dict(topic.configs) for topic in plan.create} | dict(plan.configs_after)
    for _ in range(int(SETTLE_SECONDS / SETTLE_POLL_SECONDS)):
        found = {topic.name: dict(topic.configs) for topic in await _found(admin)}
        if all(found.get(name) == configs for name, configs in wanted.items()):
            return
        await asyncio.sleep(SETTLE_POLL_SECONDS)
    raise RetryableError(f"the brokers do not show the settings of {', '.join(wanted)} after {SETTLE_SECONDS:g} s")


def _raise_for(code: int, detail: str) -> None:
    if code:
        raise for_code(code)(detail)
