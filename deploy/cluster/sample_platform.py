"""The paper overlay in a local cluster, on the sample: installed as docs/operations.md says, step by step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.cluster.control_plane import ControlPlane
from deploy.cluster.kubectl import Kubectl
from deploy.cluster.processes import ClusterError
from deploy.cluster.sample_objects import (
    ADMINISTRATOR,
    NAMESPACE,
    REGISTRY_PATH,
    ROOT,
    SAMPLE,
    SERVERS,
    command_pod,
    files,
    kafka_passwords,
    secret_objects,
)

from tradewire.ports.topics import SERVICES

IMAGES = (
    *(f"tradewire/{name}:local" for name in SERVICES),
    *("tradewire/tradewire:local", "tradewire/registry:local", "apache/kafka:4.1.2", "postgres:15"),
)
PREPARE_TRIES = 3
"""A registry that has just started may take longer over its first schema than a client waits; again is harmless."""
ENDED = "--for=jsonpath={.status.containerStatuses[0].state.terminated}"
READY = "300s"
"""Time that pods have to become ready, on a busy machine."""


class SamplePlatform:
    """The platform in a cluster with a node."""

    def __init__(self, cluster: ControlPlane) -> None:
        if not cluster.node.running():
            raise ClusterError("no cluster with a node runs: `make cluster-up`")
        self._cluster = cluster
        self.kubectl = Kubectl(cluster.kubectl_command)

    def install(self, *, bars_per_second: float | None = None) -> None:
        """Images, servers, secrets, topics and schemas; then the overlay. Ingest waits for `resume`.

        ``bars_per_second``: pace of the replay; None: as fast as it can.
        """
        self._cluster.node.runtime.take_from_docker(IMAGES)
        passwords = kafka_passwords()
        for path in (ROOT / "deploy/k8s/overlays/paper/namespace.yaml", SAMPLE / "namespace.yaml"):
            self.kubectl.run("apply", "--server-side", "--filename", str(path))
        self.kubectl.apply((*secret_objects(passwords, self._cluster.folder / "kafka"), *files()))
        self.kubectl.run("apply", "--server-side", "--filename", str(SAMPLE / "servers.yaml"))
        for name in ("postgres", "kafka", "registry"):
            self.kubectl.run("rollout", "status", f"deployment/{name}", f"--namespace={SERVERS}", f"--timeout={READY}")
        self._prepare(passwords)
        self.kubectl.run("apply", "--server-side", "--kustomize", str(SAMPLE))
        if bars_per_second is not None:
            paced = f"TRADEWIRE_BARS_PER_SECOND={bars_per_second}"
            self.kubectl.run("set", "env", "statefulset/ingest", f"--namespace={NAMESPACE}", paced)

    def wait_ready(self, *services: str) -> None:
        """Wait until these services, or all, are ready as their probes say. Raises ClusterError."""
        for workload in self.workloads():
            if not services or workload.partition("/")[2] in services:
                self.kubectl.run("rollout", "status", workload, f"--namespace={NAMESPACE}", f"--timeout={READY}")

    def workloads(self) -> list[str]:
        """Every workload of the platform, as kubectl names it."""
        return self.kubectl.run("get", "statefulset,deployment", f"--namespace={NAMESPACE}", "--output=name").split()

    def register(self) -> None:
        """Publish limits and strategies, once ingest and strategy are ready. Raises ClusterError."""
        self.wait_ready("ingest", "strategy")
        self.command("register", "replay", "register", "--scenario", "btc-hourly")

    def resume(self) -> None:
        """Let ingest go, once all services are ready. Raises ClusterError."""
        self.wait_ready()
        self.command("resume", "resume", "--service", "ingest", "--within-s", "120", "--reason", "all are ready")

    def watch(self) -> str:
        """Follow the replay to its end; returns what is printed, the fingerprint last. Raises ClusterError."""
        return self.command("watch", "replay", "watch", "--scenario", "btc-hourly", timeout="1800s")

    def command(self, name: str, *words: str, timeout: str = READY) -> str:
        """Run a tradewire command as a pod of the operator's user; returns what it printed. Raises ClusterError."""
        self.kubectl.apply([command_pod(name, words)])
        where = (f"--namespace={NAMESPACE}", f"pod/{name}")
        self.kubectl.run("wait", *where, ENDED, f"--timeout={timeout}")
        code = self.kubectl.get(*where)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        said = self.kubectl.run("logs", *where)
        self.kubectl.run("delete", *where)
        if code:
            raise ClusterError(f"tradewire {' '.join(words)} ended with {code}:\n{said}")
        return said

    def _prepare(self, passwords: Mapping[str, str]) -> None:
        """Make users, rights, topics and schemas, and hold ingest back, as Kafka's administrator."""
        network = self._cluster.node.namespaces.network()
        registry = self.kubectl.get("service", "registry", f"--namespace={SERVERS}")["spec"]["clusterIP"]
        url = f"http://{registry}:8080{REGISTRY_PATH}"
        tradewire = Path(sys.executable).with_name("tradewire")
        with self.administrator():
            users = (*network, sys.executable, "-m", "deploy.cluster.kafka_users", ADMINISTRATOR)
            _done(users, text=json.dumps(dict(passwords)))
            bus = f"kafka://{ADMINISTRATOR}"
            steps = ("replay", "prepare", "--replication", "1", "--bus", bus, "--registry-url", url)
            _done((*network, str(tradewire), *steps), tries=PREPARE_TRIES)

    @contextmanager
    def administrator(self) -> Iterator[None]:
        """Kafka's administrator's listener at the same address of the node."""
        words = ("port-forward", f"--namespace={SERVERS}", "deployment/kafka", "9092:9092")
        process = subprocess.Popen([*self.kubectl.command, *words], stdout=subprocess.PIPE, text=True)  # noqa: S603
        try:
            assert process.stdout is not None
            if "Forwarding" not in process.stdout.readline():
                raise ClusterError("kubectl could not forward Kafka's port")
            yield
        finally:
            process.terminate()
            process.wait()


def _done(words: tuple[str, ...], *, text: str = "", tries: int = 1) -> None:
    for left in reversed(range(tries)):
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
        if not done.returncode:
            return
        if not left:
            raise ClusterError(f"{' '.join(words)}:\n{done.stderr}{done.stdout}")
