"""PodMonitors, and for each environment the rules of deploy/monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.k8s.manifests import Manifest, manifest, named
from deploy.k8s.network import VIEWS
from deploy.k8s.topic_map import TopicMap
from deploy.monitoring.rules import groups
from deploy.monitoring.scope import Scope

API = "monitoring.coreos.com/v1"


def pod_monitors(topic_map: TopicMap) -> Iterator[Manifest]:
    """What Prometheus scrapes: every pod of every service, on its one port."""
    for name in [*(service.name for service in topic_map.services), VIEWS]:
        spec = {
            "selector": {"matchLabels": named(name)},
            "podTargetLabels": ["app.kubernetes.io/version"],
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s", "scrapeTimeout": "10s"}],
        }
        yield manifest(API, "PodMonitor", name, spec, named(name))


def rules(topic_map: TopicMap, scope: Scope) -> Iterator[Manifest]:
    """One PrometheusRule for an environment: series of other environments in the same Prometheus do not count."""
    yield manifest(API, "PrometheusRule", "tradewire", {"groups": rule_groups(topic_map, scope)})


def rule_groups(topic_map: TopicMap, scope: Scope) -> list[Manifest]:
    """The rule groups of a platform with the services of the topic map."""
    services = [service.name for service in topic_map.services]
    readers = [service.name for service in topic_map.services if service.group_topics]
    return groups(scope, services, readers)
