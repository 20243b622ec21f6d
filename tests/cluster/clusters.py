"""The cluster that tests apply to: that of the current context, or a local one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.cluster.__main__ import FOLDER
from deploy.cluster.control_plane import ControlPlane

Answer = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """How kubectl reaches it."""

    command: tuple[str, ...]

    def kubectl(self, *words: str, text: str | None = None) -> Answer:
        """Run kubectl."""
        return subprocess.run([*self.command, *words], input=text, capture_output=True, text=True, check=False)

    def done(self, *words: str, text: str | None = None) -> str:
        """What kubectl prints; it must succeed."""
        answer = self.kubectl(*words, text=text)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """That of kubectl's current context; else what `make cluster-up` started; else one of the folder, for this run."""
    kubectl = shutil.which("kubectl")
    if (
        kubectl
        and not subprocess.run([kubectl, "config", "current-context"], capture_output=True, check=False).returncode
    ):
        yield Cluster((kubectl,))
        return
    started = ControlPlane(FOLDER)
    if started.running():
        yield Cluster(started.kubectl_command)
        return
    own = ControlPlane(folder / "cluster")
    try:
        own.start(with_node=False)
        yield Cluster(own.kubectl_command)
    finally:
        own.remove()
