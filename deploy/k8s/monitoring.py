"""PodMonitors, and for each environment the alerts that every service of the topic map needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.k8s.manifests import Manifest, manifest, named
from deploy.k8s.network import VIEWS
from deploy.k8s.topic_map import Service, TopicMap

API = "monitoring.coreos.com/v1"
RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of one service. ``page`` wakes somebody; a ticket waits for the morning."""

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    runbook: str


def pod_monitors(topic_map: TopicMap) -> Iterator[Manifest]:
    """What Prometheus scrapes: every pod of every service, on its one port."""
    for name in [*(service.name for service in topic_map.services), VIEWS]:
        spec = {
            "selector": {"matchLabels": named(name)},
            "podTargetLabels": ["app.kubernetes.io/version"],
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s", "scrapeTimeout": "10s"}],
        }
        yield manifest(API, "PodMonitor", name, spec, named(name))


def alerts(topic_map: TopicMap, namespace: str) -> Iterator[Manifest]:
    """One PrometheusRule for an environment: series of other environments in the same Prometheus do not count."""
    groups = [
        {"name": f"{namespace}.{service.name}", "rules": [_rule(a, service.name) for a in _alerts(service, namespace)]}
        for service in topic_map.services
    ]
    yield manifest(API, "PrometheusRule", "tradewire", {"groups": groups})


def _rule(alert: Alert, service: str) -> Manifest:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasting,
        "labels": {"severity": alert.severity, "service": service},
        "annotations": {"summary": alert.summary, "runbook_url": f"{RUNBOOKS}/{alert.runbook}.md"},
    }


def _alerts(service: Service, namespace: str) -> Iterator[Alert]:
    """What can be wrong with any service, absence of its metrics among it."""
    name, own = service.name, f'namespace="{namespace}", service="{service.name}"'
    yield Alert(
        "TradewireServiceAbsent",
        f"absent(tradewire_service_ready{{{own}}})",
        "2m",
        "page",
        f"No instance of {name} is scraped: it is gone, or nobody would know",
        "service-does-not-start",
    )
    yield Alert(
        "TradewireServiceNotReady",
        f"max(tradewire_service_ready{{{own}}}) == 0",
        "5m",
        "page",
        f"No instance of {name} does its work; waits_for in /health names what stands against it",
        "service-is-stuck",
    )
    yield Alert(
        "TradewireLoopStands",
        f"time() - max(tradewire_service_heartbeat_timestamp_seconds{{{own}}}) > 60",
        "1m",
        "page",
        f"The loop of {name} has not come round for a minute",
        "broker-or-database-away",
    )
    yield _heartbeat_alert(name, namespace)
    if service.group_topics:
        yield _lag_alert(name, namespace)
    yield from _loss_alerts(name, own)


def _heartbeat_alert(name: str, namespace: str) -> Alert:
    heartbeat = f'tradewire_pipeline_heartbeat_timestamp_seconds{{namespace="{namespace}", stage="{name}"}}'
    return Alert(
        "TradewireNothingPasses",
        f"time() - max({heartbeat}) > 120",
        "2m",
        "page",
        f"No heartbeat record has come through {name} for two minutes; look at the first such stage",
        "service-is-stuck",
    )


def _lag_alert(name: str, namespace: str) -> Alert:
    lag = f'tradewire_kafka_consumer_lag_seconds{{namespace="{namespace}", group="{name}"}}'
    return Alert(
        "TradewireReadsLate",
        f"max({lag}) > 60",
        "5m",
        "page",
        f"{name} has not read a record that is over a minute old",
        "service-is-stuck",
    )


def _loss_alerts(name: str, own: str) -> Iterator[Alert]:
    yield Alert(
        "TradewireDeadLetters",
        f"sum(increase(tradewire_dead_letters_total{{{own}}}[10m])) > 0",
        "0m",
        "ticket",
        f"{name} could not handle a record",
        "dead-letters",
    )
    yield Alert(
        "TradewireParkedKeys",
        f"max(tradewire_parked_keys{{{own}}}) > 0",
        "1m",
        "page",
        f"Accounts of {name} stand still behind a dead letter",
        "dead-letters",
    )
    yield Alert(
        "TradewireRecordsLost",
        f"sum(increase(tradewire_records_lost_total{{{own}}}[10m])) > 0",
        "0m",
        "page",
        f"Records were deleted before {name} read them",
        "service-is-stuck",
    )
