"""What operators and an administrator would put beside the paper overlay: secrets, and the sample's files."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from deploy.cluster.certificates import Authority
from deploy.cluster.kafka_users import users_of
from deploy.k8s.generate import HERE as K8S

Json = Any
SAMPLE = Path(__file__).parent / "sample"
ROOT = Path(__file__).parents[2]
NAMESPACE, SERVERS = "tradewire-paper", "servers"
REGISTRY_PATH = "/apis/ccompat/v7"
REGISTRY_URL = f"http://registry.{SERVERS}:8080{REGISTRY_PATH}"
BOOTSTRAP = "kafka-kafka-bootstrap"
ADMINISTRATOR = "127.0.0.1:9092"
"""Kafka's listener on its pod's loopback, and where it is forwarded to on the node."""
COMMAND_BUS = (
    f"kafka://operator@{BOOTSTRAP}:9093?security_protocol=SASL_SSL&ssl_ca_file=/run/tradewire/kafka-ca.crt"
    "&password_file=/run/tradewire/kafka-password"
)
DATABASES = ("ingest", "strategy", "risk", "execution", "telemetry")


def kafka_passwords() -> Mapping[str, str]:
    """A new password for each KafkaUser of the overlay."""
    rendered = (K8S / "rendered" / "paper.yaml").read_text(encoding="utf-8")
    return {user["metadata"]["name"]: secrets.token_urlsafe() for user in users_of(yaml.safe_load_all(rendered))}


def secret_objects(passwords: Mapping[str, str], folder: Path) -> Iterator[Json]:
    """Each secret that the overlay mounts, named as Strimzi or External Secrets names it, and the servers'."""
    authority, database = Authority(folder), secrets.token_urlsafe()
    served = authority.server("kafka", [BOOTSTRAP])
    pem = served.key.read_text(encoding="ascii") + served.certificate.read_text(encoding="ascii")
    yield _secret(SERVERS, "kafka", "kafka.pem", pem)
    yield _secret(SERVERS, "postgres", "password", database)
    yield _secret(NAMESPACE, "kafka-cluster-ca-cert", "ca.crt", authority.pair.certificate.read_text(encoding="ascii"))
    for user, password in passwords.items():
        yield _secret(NAMESPACE, f"kafka-{user}", "password", password)
    yield _secret(NAMESPACE, "registry", "url", REGISTRY_URL)
    token = hashlib.sha256(secrets.token_urlsafe().encode()).hexdigest()
    yield _secret(NAMESPACE, "tokens", "tokens", f"nobody viewer sha256:{token}\n")
    for service in DATABASES:
        dsn = f"postgresql://tradewire:{database}@postgres.{SERVERS}/tradewire"
        yield _secret(NAMESPACE, f"{service}-database", "dsn", dsn)


def files() -> Iterator[Json]:
    """The sample's candles and strategies."""
    for name, folder, pattern in (("sample", "data/sample", "coinbase-*"), ("strategies", "strategies", "*.yaml")):
        found = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / folder).glob(pattern)}
        found |= {path.name: path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("instruments.yaml")}
        metadata = {"name": name, "namespace": NAMESPACE}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": found}


def command_pod(name: str, words: Sequence[str]) -> Json:
    """A pod that runs a tradewire command as Kafka's user ``operator``."""
    mounts = {
        "sample": "/project/data/sample",
        "strategies": "/project/strategies",
        "run": "/run/tradewire",
        "tmp": "/tmp",  # noqa: S108 (the pod's own)
    }
    container = {
        "name": "command",
        "image": "tradewire/tradewire:local",
        "imagePullPolicy": "IfNotPresent",
        "args": list(words),
        "workingDir": "/project",
        "env": [
            {"name": "TRADEWIRE_BUS_URL", "value": COMMAND_BUS},
            {"name": "TRADEWIRE_REGISTRY_URL", "value": REGISTRY_URL},
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            {"name": "sample", "configMap": {"name": "sample"}},
            {"name": "strategies", "configMap": {"name": "strategies"}},
            {"name": "run", "projected": {"sources": _access()}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _access() -> list[Json]:
    """How the operator's user signs in to Kafka."""
    return [
        {"secret": {"name": "kafka-operator", "items": [{"key": "password", "path": "kafka-password"}]}},
        {"secret": {"name": "kafka-cluster-ca-cert", "items": [{"key": "ca.crt", "path": "kafka-ca.crt"}]}},
    ]


def _secret(namespace: str, name: str, key: str, value: str) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {key: value}}
