"""The Kafka broker: one node in KRaft mode, broker and controller in one process."""

from __future__ import annotations

import asyncio
import base64
import shutil
import uuid
from pathlib import Path

from tradewire.embedded.errors import ServerDiedError
from tradewire.embedded.jars import kafka_jars
from tradewire.embedded.java import SMALL_JVM, java, run_java
from tradewire.embedded.paths import StackPaths, make_folder
from tradewire.embedded.ports import answers
from tradewire.embedded.server import Launch, tail

HEAP = ("-Xms256m", "-Xmx512m")
_FORMAT_WITHIN_S = 90.0

# Durability: writes go to the page cache and survive a kill of the process; an orderly stop flushes them. After a kill
# the broker checks the segments that were open when it starts again. A killed broker may come back only when the
# session of its former self is over, so that is short: 4 s instead of 9.
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=33554432
log.segment.bytes=134217728
log.index.size.max.bytes=2097152
"""

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1} %m%n%ex{8}
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
logger.broker.name=kafka.server.BrokerServer
logger.broker.level=info
logger.recovery.name=org.apache.kafka.storage.internals.log.LogManager
logger.recovery.level=info
"""


class KafkaPart:
    """The broker, at `127.0.0.1:{port}`."""

    name = "kafka"

    def __init__(self, paths: StackPaths, *, port: int, controller_port: int) -> None:
        self._port = port
        self._controller_port = controller_port
        self._jars = kafka_jars(paths)
        self._home = paths.part("kafka")
        self._log = paths.logs / "kafka.log"

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients."""
        return f"127.0.0.1:{self._port}"

    def prepare(self) -> None:
        make_folder(self._home, purpose="the broker's data")
        self._settings.write_text(
            _SETTINGS.format(port=self._port, controller_port=self._controller_port, data=self._home / "data")
        )
        (self._home / "log4j2.properties").write_text(_LOGGING)
        if not (self._home / "formatted").exists():
            self._format()

    def launch(self) -> Launch:
        argv = (java(), *HEAP, *SMALL_JVM, *self._java_options, "kafka.Kafka", str(self._settings))
        return Launch(argv=argv, folder=self._home, log=self._log, grace_s=30.0)

    def is_ready(self) -> bool:
        return answers(self._port) and asyncio.run(_serves(self.bootstrap_servers))

    def settle(self) -> None:
        """Nothing to do: topics belong to whoever uses the broker."""

    @property
    def _settings(self) -> Path:
        return self._home / "server.properties"

    @property
    def _java_options(self) -> tuple[str, ...]:
        logging = f"-Dlog4j2.configurationFile={self._home / 'log4j2.properties'}"
        # No shell is involved, so the asterisk reaches Java, which expands it itself.
        return (logging, f"-Djava.io.tmpdir={self._home}", "-cp", f"{self._jars}/*")

    def _format(self) -> None:
        """Write the cluster's identity into an empty data folder; a format that was cut short is done again."""
        data = self._home / "data"
        shutil.rmtree(data, ignore_errors=True)
        cluster = cluster_id(data)
        arguments = ("format", "--standalone", "-t", cluster, "-c", str(self._settings))
        code = run_java(
            (*self._java_options, "kafka.tools.StorageTool", *arguments),
            folder=self._home,
            log=self._log,
            timeout_s=_FORMAT_WITHIN_S,
        )
        if code != 0:
            raise ServerDiedError("kafka (format)", code=code, log=self._log, tail=tail(self._log))
        (self._home / "formatted").write_text(cluster)


def cluster_id(data: Path) -> str:
    """Identity of the cluster of a data folder, the same at every start: 22 characters of URL-safe base64.

    Never begins with a dash, which Kafka's tools would take for an option. Source: org.apache.kafka.common.Uuid.
    """
    name = str(data)
    while (text := base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_URL, name).bytes).decode()).startswith("-"):
        name += "/"
    return text.rstrip("=")


async def _serves(bootstrap_servers: str) -> bool:
    """Whether the broker tells a client about itself."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=5_000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return bool(cluster["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
