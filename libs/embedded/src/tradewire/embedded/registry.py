"""The schema registry: Apicurio Registry with Confluent's API, its schemas kept in Kafka."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

from tradewire.embedded.errors import StackError
from tradewire.embedded.jars import registry_home
from tradewire.embedded.java import SMALL_JVM, java
from tradewire.embedded.paths import StackPaths, make_folder
from tradewire.embedded.server import Launch

# Subjects get the mode of contracts/topics.yaml one by one; this holds for those that have none of their own. The
# registry's own default would be NONE, which lets everything pass.
GLOBAL_COMPATIBILITY = "FULL_TRANSITIVE"
# The registry makes these with the broker's default retention when they are missing, and its schemas would be gone
# after seven days.
JOURNAL_TOPICS = ("kafkasql-journal", "kafkasql-snapshots", "registry-events")
_JOURNAL_SETTINGS = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_ANSWER_WITHIN_S = 10.0


class RegistryPart:
    """The registry, at `http://127.0.0.1:{port}/apis/ccompat/v7`. Needs the broker."""

    name = "registry"

    def __init__(self, paths: StackPaths, *, port: int, management_port: int, bootstrap_servers: str) -> None:
        self._port = port
        self._management_port = management_port
        self._bootstrap_servers = bootstrap_servers
        self._program = registry_home(paths) / "quarkus-run.jar"
        self._home = paths.part("registry")
        self._log = paths.logs / "registry.log"

    @property
    def url(self) -> str:
        """Base of Confluent's API."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def prepare(self) -> None:
        make_folder(self._home, purpose="the registry's working files")
        asyncio.run(_ensure_journal(self._bootstrap_servers))

    def launch(self) -> Launch:
        options = ("-Xmx256m", *SMALL_JVM, f"-Djava.io.tmpdir={self._home}")
        return Launch(
            argv=(java(), *options, "-jar", str(self._program)),
            folder=self._home,
            log=self._log,
            environment=self._environment(),
        )

    def is_ready(self) -> bool:
        try:
            return isinstance(self._call("GET", "/subjects"), list)
        except (OSError, ValueError):
            return False

    def settle(self) -> None:
        """Set the global compatibility and read it back."""
        try:
            self._call("PUT", "/config", {"compatibility": GLOBAL_COMPATIBILITY})
            answer = self._call("GET", "/config")
        except (OSError, ValueError) as error:
            raise StackError(f"the registry at {self.url} refused the global compatibility: {error}") from error
        if answer.get("compatibilityLevel") != GLOBAL_COMPATIBILITY:
            raise StackError(f"the registry at {self.url} should be {GLOBAL_COMPATIBILITY}, but says {answer}")

    def _environment(self) -> dict[str, str]:
        return {
            "APICURIO_STORAGE_KIND": "kafkasql",
            "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": self._bootstrap_servers,
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(self._port),
            # Its second port would otherwise be 9000 on every interface, and a second registry would find it taken.
            "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
            "QUARKUS_MANAGEMENT_PORT": str(self._management_port),
            "QUARKUS_LOG_LEVEL": "WARN",
            # At start it polls the snapshots' topic until several polls find nothing: 20 s of waiting by its default.
            "APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT": "500",
        }

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  loopback
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        with _DIRECT.open(request, timeout=_ANSWER_WITHIN_S) as answer:
            return json.load(answer)


# Loopback is never reached through a proxy, whatever the environment says.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def _ensure_journal(bootstrap_servers: str) -> None:
    """Make the registry's topics with infinite retention; leaves those that exist as they are."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [
            NewTopic(topic, num_partitions=1, replication_factor=1, topic_configs=_JOURNAL_SETTINGS)
            for topic in JOURNAL_TOPICS
            if topic not in existing
        ]
        answer = await admin.create_topics(missing) if missing else None
        refused = [error for error in answer.topic_errors if error[1] != 0] if answer else []
        if refused:
            raise StackError(f"the broker refused the registry's topics: {refused}")
    except (KafkaError, OSError) as error:
        raise StackError(f"can't make the registry's topics on {bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()
