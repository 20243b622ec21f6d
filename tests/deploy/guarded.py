"""A real broker that lets in by SCRAM and refuses what no rule allows, with the users and rights of an overlay."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from tests.deploy.overlays import Overlay

from tradewire.embedded.jars import fetch
from tradewire.embedded.kafka import KafkaPart
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.ports import choose_ports
from tradewire.embedded.progress import quiet
from tradewire.embedded.server import Server

kafka_admin: Any = importlib.import_module("confluent_kafka.admin")  # its types leave out what it re-exports
PASSWORD = "secret of a test"
LOOK_SECONDS = 0.05
GUARDED = """
listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller},CLIENTS://127.0.0.1:{clients}
advertised.listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller},CLIENTS://127.0.0.1:{clients}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:SASL_PLAINTEXT
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    """The broker's two listeners: one asks who is there, the other is the administrator's."""

    clients: str
    administrator: str

    def client(self, user: str) -> dict[str, str]:
        """Settings of a stock client that signs in as a user."""
        return {
            "bootstrap.servers": self.clients,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORD,
        }


class GuardedKafka(KafkaPart):
    """The embedded broker with one more listener and an authorizer."""

    def __init__(self, paths: StackPaths, ports: Mapping[str, int]) -> None:
        super().__init__(paths, port=ports["kafka"], controller_port=ports["controller"])
        self._listener = GUARDED.format(**ports)

    def prepare(self) -> None:
        super().prepare()
        with self._settings.open("a") as settings:
            settings.write(self._listener)


@contextmanager
def guarded_by(overlay: Overlay) -> Iterator[Guarded]:
    """The broker with the topics, users and rights of an overlay."""
    with tempfile.TemporaryDirectory(prefix="tradewire-guarded-") as folder:
        root = Path(folder)
        paths = StackPaths.under(root)
        fetch(paths, registry=False)
        ports = choose_ports(("kafka", "controller", "clients"), asked={}, root=root)
        part = GuardedKafka(paths, ports)
        paths.logs.mkdir()
        part.prepare()
        server = Server(part, root=root)
        server.start()
        try:
            server.wait_ready(cancelled=Event(), progress=quiet)
            broker = Guarded(f"127.0.0.1:{ports['clients']}", f"127.0.0.1:{ports['kafka']}")
            _apply(overlay, kafka_admin.AdminClient({"bootstrap.servers": broker.administrator}))
            yield broker
        finally:
            server.stop()


def _apply(overlay: Overlay, admin: Any) -> None:
    """What Strimzi's operators would do of the overlay's topics and users."""
    topics = [
        kafka_admin.NewTopic(topic["metadata"]["name"], topic["spec"]["partitions"], 1)
        for topic in overlay.of("KafkaTopic")
    ]
    info = kafka_admin.ScramCredentialInfo(kafka_admin.ScramMechanism.SCRAM_SHA_512, 4096)
    users = [user["metadata"]["name"] for user in overlay.of("KafkaUser")]
    credentials = [kafka_admin.UserScramCredentialUpsertion(user, info, PASSWORD.encode()) for user in users]
    rights = [binding for user in overlay.of("KafkaUser") for binding in _bindings(user)]
    for futures in (
        admin.create_topics(topics),
        admin.alter_user_scram_credentials(credentials),
        admin.create_acls(rights),
    ):
        for future in futures.values():
            future.result()
    while len(_in_force(admin)) < len(set(rights)):  # the broker obeys them later than the controller took them
        Event().wait(LOOK_SECONDS)


def _in_force(admin: Any) -> list[Any]:
    """Every rule that the broker obeys by now."""
    any_kind, any_pattern = kafka_admin.ResourceType.ANY, kafka_admin.ResourcePatternType.ANY
    any_work, any_kind_of_rule = kafka_admin.AclOperation.ANY, kafka_admin.AclPermissionType.ANY
    every = kafka_admin.AclBindingFilter(any_kind, None, any_pattern, None, None, any_work, any_kind_of_rule)
    return list(admin.describe_acls(every).result())


def _bindings(user: Any) -> Iterator[Any]:
    """Kafka's rules of one KafkaUser."""
    kinds, patterns = kafka_admin.ResourceType, kafka_admin.ResourcePatternType
    operations, permission = kafka_admin.AclOperation, kafka_admin.AclPermissionType.ALLOW
    pattern_types = {"literal": patterns.LITERAL, "prefix": patterns.PREFIXED}
    principal = f"User:{user['metadata']['name']}"
    for rule in user["spec"]["authorization"]["acls"]:
        resource = rule["resource"]
        kind, pattern = kinds[resource["type"].upper()], pattern_types[resource["patternType"]]
        for operation in rule["operations"]:
            yield kafka_admin.AclBinding(
                kind, resource["name"], pattern, principal, "*", operations[operation.upper()], permission
            )
