"""Namespaces in which a node lives: network, mounts and processes of its own, gone with their first process."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
from deploy.cluster.processes import ClusterError, Processes

NAME = "namespaces"
ADDRESS = "10.99.0.1"
"""The node's. Both ends of its link are in its network namespace: nothing there reaches the machine or beyond."""
START_S = 30.0
MASKED = ("/run", "/var/log", "/var/lib")
"""Folders in which containerd, kubelet and network plugins keep what can't be told to lie elsewhere."""
KERNEL = {"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
"""What kubelet would set for the whole machine. It finds these values, and sets nothing."""
NETWORK = """
ip link set lo up
ip link add node type veth peer name nowhere
ip address add {address}/24 dev node
ip link set node up
ip link set nowhere up
ip route add default dev node
sysctl --quiet --write net.ipv4.ip_forward=1
"""


class Namespaces:
    """The namespaces of a folder's node."""

    def __init__(self, folder: Path, processes: Processes, first: Path) -> None:
        self._folder = folder
        self._processes = processes
        self._first = first

    def start(self) -> None:
        """Make them, with a network that ends in itself. Raises ClusterError."""
        for masked in MASKED:
            if self._folder.resolve().is_relative_to(masked):
                raise ClusterError(f"a node can't have its folder under {masked}: {self._folder}")
        words = (
            "unshare",
            "--fork",
            "--kill-child",
            "--pid",
            "--mount",
            "--net",
            "--mount-proc",
            "--",
            str(self._first),
        )
        self._processes.start(NAME, words)
        self._processes.wait(NAME, lambda: self._first_process() is not None, seconds=START_S)
        self.run("sh", "-e", "-c", self._mounts() + NETWORK.format(address=ADDRESS))

    def running(self) -> bool:
        """Whether they are there."""
        return self._first_process() is not None

    def end(self) -> None:
        """End every process in them, at once; with the last one they and their mounts are gone."""
        first = self._first_process()
        if first is not None:  # unshare waits for it and does not listen itself
            first.kill()
            first.wait(START_S)

    def run(self, *words: str, stdin: bytes | None = None) -> str:
        """Run a command in them; returns what it printed. Raises ClusterError when it fails."""
        done = subprocess.run([*self.inside(), *words], input=stdin, capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            raise ClusterError(f"{' '.join(words[:3])} failed:\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def inside(self) -> Sequence[str]:
        """Words before a command that is to run in them."""
        return ("nsenter", "--target", str(self._pid()), "--mount", "--net", "--pid", "--")

    def network(self) -> Sequence[str]:
        """Words before a command that is to run in their network alone."""
        return ("nsenter", "--target", str(self._pid()), "--net", "--")

    def _mounts(self) -> str:
        kernel = self._folder / "kernel"
        lines = [f"mount -t tmpfs tmpfs {folder}" for folder in MASKED]
        for name, value in KERNEL.items():
            path = kernel / name.replace("/", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(value + "\n", encoding="ascii")
            lines.append(f"mount --bind '{path}' /proc/sys/{name}")
        return "\n".join(lines)

    def _pid(self) -> int:
        found = self._first_process()
        if found is None:
            raise ClusterError(f"no node runs: {self._folder}")
        return int(found.pid)

    def _first_process(self) -> psutil.Process | None:
        """The process that is the first in them, once they are whole."""
        unshare = self._processes.process(NAME)
        for child in unshare.children() if unshare is not None else ():
            try:
                if child.exe() == str(self._first.resolve()):
                    return child
            except psutil.Error:
                continue
        return None
