"""A real broker that lets in by SCRAM and refuses what no rule allows, with the users and rights of an overlay."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

from deploy.cluster.kafka_users import kafka_admin, make_users, users_of
from tests.deploy.overlays import Overlay

from tradewire.embedded.jars import fetch
from tradewire.embedded.kafka import KafkaPart
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.ports import choose_ports
from tradewire.embedded.progress import quiet
from tradewire.embedded.server import Server

PASSWORD, MECHANISM = "secret of a test", "SCRAM-SHA-512"
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
            "sasl.mechanism": MECHANISM,
            "sasl.username": user,
            "sasl.password": PASSWORD,
        }

    def address(self, user: str) -> str:
        """The bus of a service that signs in as a user."""
        signs_in = f"security_protocol=SASL_PLAINTEXT&sasl_mechanism={MECHANISM}"
        return f"kafka://{user}:{quote(PASSWORD)}@{self.clients}?{signs_in}"


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
    for future in admin.create_topics(topics).values():
        future.result()
    users = users_of(overlay.objects)
    make_users(admin, users, {user["metadata"]["name"]: PASSWORD for user in users})
