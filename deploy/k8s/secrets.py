"""ExternalSecrets: the addresses that hold passwords, and hashes of tokens, from the cluster's store of secrets."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.k8s.manifests import Manifest, manifest
from deploy.k8s.topic_map import TopicMap

API = "external-secrets.io/v1"
STORE = "tradewire"


def external_secrets(topic_map: TopicMap) -> Iterator[Manifest]:
    """The registry's address, the file of tokens, and for each service with a database its DSN.

    Passwords of Kafka are not among them: Strimzi makes them, with the users.
    """
    yield _external_secret("registry", "url")
    yield _external_secret("tokens", "tokens")
    for service in topic_map.services:
        if service.database:
            yield _external_secret(f"{service.name}-database", "dsn")


def _external_secret(name: str, key: str) -> Manifest:
    spec = {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "SecretStore", "name": STORE},
        "target": {"name": name, "creationPolicy": "Owner"},
        "data": [{"secretKey": key, "remoteRef": {"key": name, "property": key}}],
    }
    return manifest(API, "ExternalSecret", name, spec)
