"""What operators and bad luck do to pods, and how long the output of a service paused for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from deploy.cluster.processes import ClusterError
from deploy.cluster.sample_platform import SamplePlatform

NAMESPACE = "--namespace=tradewire-paper"
AT_ONCE = (NAMESPACE, "--grace-period=0", "--force")
TWO = ("indicator", "strategy", "risk", "execution")
"""Services of two instances."""
MANY = "for i in $(seq 80); do python -c 'import time; b = bytearray(20 << 20); time.sleep(120)' & done; wait"
"""Processes that fill a container's memory, each smaller than the service: the kernel ends the service."""


@dataclass(frozen=True, slots=True)
class Done:
    """A disturbance: what, of which service, from when to when (ms since 1970)."""

    what: str
    service: str
    begin_ms: int
    end_ms: int

    def pause_ms(self, written_at_ms: Sequence[int]) -> int | None:
        """Longest time without a record while it lasted; None where the service wrote none."""
        return max((b - a for a, b in pairwise(written_at_ms) if b >= self.begin_ms and a <= self.end_ms), default=None)


class Disturbances:
    """Disturbs one platform, one thing after the other, each until all is ready again."""

    def __init__(self, platform: SamplePlatform) -> None:
        self._platform = platform
        self._kubectl = platform.kubectl
        self.done: list[Done] = []

    def roll(self, service: str) -> None:
        """Replace every pod of a service, as an upgrade does."""
        workload = self._workload(service)
        self._note("roll", service, lambda: self._kubectl.run("rollout", "restart", workload, NAMESPACE))

    def kill(self, service: str) -> None:
        """End each pod of a service without notice, the next once the one before is ready again."""
        for pod in self._pods(service):
            self._note("kill", service, partial(self._kubectl.run, "delete", pod, *AT_ONCE))

    def exhaust(self, service: str) -> None:
        """Fill the memory of a pod until the kernel ends the service in it."""
        pod = self._pods(service)[0]
        before = self._restarts(pod)

        def fill() -> None:
            with suppress(ClusterError):  # the container ends under it
                self._kubectl.run("exec", pod, NAMESPACE, "--", "sh", "-c", MANY)
            while self._restarts(pod) == before:
                time.sleep(1)
            assert self._container(pod)["lastState"]["terminated"]["reason"] == "OOMKilled"

        self._note("out of memory", service, fill)

    def drain(self) -> None:
        """Drain the node. Its budgets let one pod of a service go; the others stay until there is another node."""

        def drained() -> None:
            words = ("drain", "node", "--delete-emptydir-data", "--timeout=20s")
            with suppress(ClusterError):  # with one node, the others may not go
                self._kubectl.run(*words, "--pod-selector=app.kubernetes.io/part-of=tradewire")
            self._kubectl.run("uncordon", "node")

        self._note("drain", "execution", drained)

    def _note(self, what: str, service: str, work: Callable[[], object]) -> None:
        begin_ms = time.time_ns() // 1_000_000
        work()
        self._platform.wait_ready()
        self.done.append(Done(what, service, begin_ms, time.time_ns() // 1_000_000))
        print(f"{what} {service}: {self.done[-1].end_ms - begin_ms} ms until all were ready", flush=True)

    def _workload(self, service: str) -> str:
        (found,) = [name for name in self._platform.workloads() if name.partition("/")[2] == service]
        return found

    def _pods(self, service: str) -> list[str]:
        wanted = f"--selector=app.kubernetes.io/name={service}"
        return self._kubectl.run("get", "pods", NAMESPACE, wanted, "--output=name").split()

    def _restarts(self, pod: str) -> int:
        return int(self._container(pod)["restartCount"])

    def _container(self, pod: str) -> Any:
        (container,) = self._kubectl.get(pod, NAMESPACE)["status"]["containerStatuses"]
        return container
