"""NetworkPolicies: nothing in or out by default, then what each service needs."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.k8s.manifests import PART_OF, Manifest, manifest, named
from deploy.k8s.topic_map import Service, TopicMap

API, KIND = "networking.k8s.io/v1", "NetworkPolicy"
ROLE_LABEL = "tradewire-role"
"""Label by which operators mark the namespaces of databases, registry, tracing, monitoring and clients."""
HTTP = 8080
KAFKA_PODS = {"strimzi.io/cluster": "kafka", "strimzi.io/kind": "Kafka"}
VIEWS = "telemetry-views"
PRIVATE_NETWORKS = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
"""RFC 1918, RFC 6598 and link-local addresses: no exchange is there, but metadata services and other pods are."""


def policies(topic_map: TopicMap) -> Iterator[Manifest]:
    """Default deny, DNS, and one policy for each service."""
    ours = {"podSelector": {"matchLabels": PART_OF}}
    yield manifest(API, KIND, "default-deny", {**ours, "policyTypes": ["Ingress", "Egress"]})
    yield manifest(API, KIND, "allow-dns", {**ours, "policyTypes": ["Egress"], "egress": [_dns()]})
    for service in topic_map.services:
        yield _policy(service.name, list(_destinations(service)))
    yield _policy(VIEWS, [_kafka(), _namespace("registry", HTTP)])


def _policy(name: str, egress: list[Manifest]) -> Manifest:
    """Prometheus comes in; to the state API and the views clients too."""
    sources = ["monitoring", *(["clients"] if name.startswith("telemetry") else [])]
    spec = {
        "podSelector": {"matchLabels": named(name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [_role(source) for source in sources], "ports": _ports("TCP", HTTP)}],
        "egress": egress,
    }
    return manifest(API, KIND, name, spec)


def _destinations(service: Service) -> Iterator[Manifest]:
    """Where a service connects to."""
    yield _kafka()
    yield _namespace("registry", HTTP)
    yield _namespace("tracing", 4318)
    if service.database:
        yield _namespace("database", 5432)
    if service.exchange:
        yield {
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE_NETWORKS}}],
            "ports": _ports("TCP", 443),
        }


def _kafka() -> Manifest:
    return {"to": [{"podSelector": {"matchLabels": KAFKA_PODS}}], "ports": _ports("TCP", 9093)}


def _dns() -> Manifest:
    cluster_dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    return {"to": [cluster_dns], "ports": [*_ports("UDP", 53), *_ports("TCP", 53)]}


def _namespace(role: str, port: int) -> Manifest:
    return {"to": [_role(role)], "ports": _ports("TCP", port)}


def _role(role: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {ROLE_LABEL: role}}}


def _ports(protocol: str, port: int) -> list[Manifest]:
    return [{"protocol": protocol, "port": port}]
