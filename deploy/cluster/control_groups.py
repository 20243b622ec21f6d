"""The control group of a node: all groups of its pods are below it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

HOLDERS = Path("/sys/fs/cgroup")
SHARES = 10 * 1024
"""Of the machine's CPU: as ten processes outside have. A node with the share of one starts no pod on a busy machine."""


class ControlGroups:
    """The control group of a folder's node, in every hierarchy of the machine."""

    def __init__(self, folder: Path) -> None:
        self.name = f"tradewire-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"

    def make(self) -> None:
        """Make it where it is not."""
        for hierarchy in _hierarchies():
            (hierarchy / self.name).mkdir(exist_ok=True)
            shares = hierarchy / self.name / "cpu.shares"
            if shares.exists():
                shares.write_text(str(SHARES), encoding="ascii")

    def remove(self) -> None:
        """Remove it and all below it. Its processes must have ended."""
        for hierarchy in _hierarchies():
            top = hierarchy / self.name
            below = [path for path in top.rglob("*") if path.is_dir()] if top.exists() else []
            for group in (*sorted(below, key=lambda path: len(path.parts), reverse=True), top):
                if group.exists():
                    group.rmdir()


def _hierarchies() -> Sequence[Path]:
    if (HOLDERS / "cgroup.controllers").exists():
        return (HOLDERS,)
    return [path for path in HOLDERS.iterdir() if path.is_dir() and not path.is_symlink()]
