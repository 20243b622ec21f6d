"""kubectl, with errors that are shown."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deploy.cluster.processes import ClusterError


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl by the words that start it."""

    command: tuple[str, ...]

    def run(self, *words: str, text: str | None = None) -> str:
        """What it prints. Raises ClusterError when it fails."""
        done = subprocess.run([*self.command, *words], input=text, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, objects: Iterable[Any]) -> None:
        """Apply objects. Raises ClusterError."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run("apply", "--server-side", "--force-conflicts", "--filename", "-", text=json.dumps(listed))

    def get(self, *words: str) -> Any:
        """What it finds, parsed. Raises ClusterError."""
        return json.loads(self.run("get", *words, "--output=json"))
