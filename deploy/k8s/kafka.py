"""Strimzi's KafkaTopic for each topic, and a KafkaUser with least privilege for each service and for operators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from deploy.k8s.manifests import Manifest, manifest
from deploy.k8s.topic_map import Service, TopicMap

from tradewire.runtime.bus.kafka_topics import wanted_topics

API = "kafka.strimzi.io/v1"
CLUSTER = {"strimzi.io/cluster": "kafka"}
OPERATOR = "operator"
"""The user that operators' commands sign in as."""
SCALER = "scaler"
"""The user that KEDA asks for lag with."""
GROUP_PREFIXES = {"telemetry": "telemetry-views-"}
"""Groups of a service beside its own: the windowed views name theirs after the folder that they keep."""
READ, DESCRIBE = ["Read", "Describe"], ["Describe"]


def topics() -> Iterator[Manifest]:
    """Every topic as ``tradewire topics apply`` would make it."""
    for topic in wanted_topics():
        spec = {"partitions": topic.partitions, "replicas": topic.replication, "config": _numbers(topic.configs)}
        yield manifest(API, "KafkaTopic", topic.name, spec, CLUSTER)


def users(topic_map: TopicMap, scaled: Iterable[Service]) -> Iterator[Manifest]:
    """A user for each service, one for operators, one for KEDA; each may do what the topic map says, nothing else."""
    for service in topic_map.services:
        yield _user(service.name, list(_rights(service)))
    yield _user(OPERATOR, list(_operators_rights(topic_map)))
    yield _user(SCALER, list(_scalers_rights(scaled)))


def _rights(service: Service) -> Iterator[Manifest]:
    """Its own group, what it reads, what it writes; its dead letters it writes, and reads again when asked to."""
    yield _rule("group", service.name, READ)
    if service.name in GROUP_PREFIXES:
        yield _rule("group", GROUP_PREFIXES[service.name], READ, pattern="prefix")
    own = {service.dead_letters}
    yield from _topic_rules(reads=service.reads | own, writes=service.writes | own)


def _operators_rights(topic_map: TopicMap) -> Iterator[Manifest]:
    """Operators look at every topic and group, and write what commands write: orders to services, and dead letters."""
    yield from (_rule("group", service.name, DESCRIBE) for service in topic_map.services)
    dead_letters = {service.dead_letters for service in topic_map.services}
    yield from _topic_rules(reads=topic_map.topics, writes=topic_map.command_writes | dead_letters)


def _topic_rules(*, reads: Set[str], writes: Set[str]) -> Iterator[Manifest]:
    """One rule a topic."""
    for topic in sorted(reads | writes):
        may = [*DESCRIBE, *(["Read"] if topic in reads else []), *(["Write"] if topic in writes else [])]
        yield _rule("topic", topic, may)


def _scalers_rights(scaled: Iterable[Service]) -> Iterator[Manifest]:
    for service in scaled:
        yield _rule("group", service.name, DESCRIBE)
        yield from (_rule("topic", topic, DESCRIBE) for topic in service.group_topics)


def _user(name: str, acls: list[Manifest]) -> Manifest:
    spec = {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": acls}}
    return manifest(API, "KafkaUser", name, spec, CLUSTER)


def _rule(kind: str, name: str, operations: list[str], *, pattern: str = "literal") -> Manifest:
    return {"resource": {"type": kind, "name": name, "patternType": pattern}, "operations": operations}


def _numbers(configs: object) -> Manifest:
    """Settings with numbers as numbers, as Strimzi's documents write them."""
    assert hasattr(configs, "items")
    return {key: int(value) if value.isdigit() else value for key, value in sorted(configs.items())}
