"""KEDA's ScaledObjects, for services where more consumers help."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.k8s.kafka import SCALER
from deploy.k8s.manifests import Manifest, config_map, manifest
from deploy.k8s.topic_map import Service, TopicMap

API = "keda.sh/v1alpha1"
BROKERS = "kafka-kafka-bootstrap:9093"
USER_MAP = "scaler-user"
REPLICAS_MIN = 2
LAG_RECORDS = 2000
"""Records behind per pod at which one more pod helps: about 10 s of the rate that docs/benchmarks.md has for one."""
STEP_SECONDS = 300
"""Each step is a rebalance of the group, so steps are rare."""


def scaled(topic_map: TopicMap) -> tuple[Service, ...]:
    """Services that may run any number of members: all that they read as a group and answer is by symbol.

    What is by account (strategy, risk, execution) is never scaled by lag: its members are static, and an account has
    one partition however many there are.
    """
    by_symbol = _by_symbol(topic_map)
    return tuple(s for s in topic_map.services if s.group_topics and _answers(s, topic_map) <= by_symbol)


def _by_symbol(topic_map: TopicMap) -> frozenset[str]:
    return frozenset(t for t in topic_map.topics if t.split(".")[0] in ("market", "indicator"))


def _answers(service: Service, topic_map: TopicMap) -> frozenset[str]:
    """What it reads as a group and what it writes, but for what it tells of itself."""
    told = {topic for topic in service.writes if topic.split(".")[0] in ("ops", "telemetry")}
    return frozenset(service.group_topics) | (service.writes - told)


def objects(topic_map: TopicMap) -> Iterator[Manifest]:
    """One ScaledObject for each of them, and how KEDA signs in."""
    yield config_map(USER_MAP, {"username": SCALER})
    yield manifest(API, "TriggerAuthentication", "kafka", _credentials())
    for service in scaled(topic_map):
        yield manifest(API, "ScaledObject", service.name, _scaled_object(service, topic_map))


def _scaled_object(service: Service, topic_map: TopicMap) -> Manifest:
    most = max(topic_map.partitions[topic] for topic in service.group_topics)
    behavior = {
        "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
        "scaleDown": {
            "stabilizationWindowSeconds": STEP_SECONDS,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": STEP_SECONDS}],
        },
    }
    return {
        "scaleTargetRef": {"name": service.name},
        "minReplicaCount": REPLICAS_MIN,
        "maxReplicaCount": most,
        "fallback": {"failureThreshold": 3, "replicas": REPLICAS_MIN},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [_trigger(service, topic) for topic in service.group_topics],
    }


def _trigger(service: Service, topic: str) -> Manifest:
    return {
        "type": "kafka",
        "metadata": {
            "bootstrapServers": BROKERS,
            "consumerGroup": service.name,
            "topic": topic,
            "lagThreshold": str(LAG_RECORDS),
            "offsetResetPolicy": "earliest",
            "allowIdleConsumers": "false",
            "excludePersistentLag": "true",
            "ensureEvenDistributionOfPartitions": "true",
            "sasl": "scram_sha512",
            "tls": "enable",
        },
        "authenticationRef": {"name": "kafka"},
    }


def _credentials() -> Manifest:
    """The user's name is no secret, so Strimzi's Secret has its password alone."""
    return {
        "configMapTargetRef": [{"parameter": "username", "name": USER_MAP, "key": "username"}],
        "secretTargetRef": [
            {"parameter": "password", "name": f"kafka-{SCALER}", "key": "password"},
            {"parameter": "ca", "name": "kafka-cluster-ca-cert", "key": "ca.crt"},
        ],
    }
