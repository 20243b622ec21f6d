"""Where the stack keeps its things."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tradewire.embedded.errors import FolderError

DEFAULT_ROOT = Path(".tradewire")
JARS_VARIABLE = "TRADEWIRE_JARS"
_MEBIBYTE = 1024 * 1024
FULL_BYTES = 32 * _MEBIBYTE
"""A disk with less is full: Postgres takes 16 MiB at a time (a WAL segment), and gives back what it got of them."""


@dataclass(frozen=True, slots=True)
class StackPaths:
    """The stack's folders: `root` holds data, logs and state of one stack; `jars` is shared by all stacks."""

    root: Path
    jars: Path

    @classmethod
    def under(cls, root: Path = DEFAULT_ROOT, *, jars: Path | None = None) -> StackPaths:
        """Absolute paths for a stack under `root`.

        Parameters: jars: where downloaded servers are kept; by default the folder named by the environment
        variable TRADEWIRE_JARS, else `tradewire` in the user's cache folder.
        """
        return cls(root=root.expanduser().resolve(), jars=(jars or _default_jars()).expanduser().resolve())

    @property
    def logs(self) -> Path:
        """Folder of the servers' logs, one file each."""
        return self.root / "logs"

    @property
    def state_file(self) -> Path:
        """Endpoints and process ids of the stack that runs, or ran last and was not stopped."""
        return self.root / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Locked for as long as a stack runs on `root`."""
        return self.root / "stack.lock"

    def part(self, name: str) -> Path:
        """Folder of one server's data and settings."""
        return self.root / name


def _default_jars() -> Path:
    if chosen := os.environ.get(JARS_VARIABLE):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewire"


def make_folder(path: Path, *, purpose: str) -> Path:
    """The folder at `path`, made when missing and proved writable.

    Raises: FolderError with the path, the purpose and the system's reason.
    """
    probe = path / ".writable"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"tradewire")
        probe.unlink()
    except OSError as error:
        raise FolderError(f"can't write {purpose} to {path}: {error.strerror or error}") from error
    return path


def check_room(path: Path, *, needed_bytes: int, purpose: str) -> None:
    """Refuse a disk that would fill up on the way.

    Raises: FolderError when the disk under `path` has less than `needed_bytes` left.
    """
    free_bytes = shutil.disk_usage(path).free
    if free_bytes < needed_bytes:
        raise FolderError(
            f"the disk of {path} has {free_bytes // _MEBIBYTE} MiB left, "
            f"{purpose} need {needed_bytes // _MEBIBYTE} MiB; make room or choose another folder"
        )


def full_disk_hint(path: Path) -> str:
    """A line that says what to do when the disk of `path` is full; empty while there is room."""
    free_bytes = shutil.disk_usage(path).free
    if free_bytes >= FULL_BYTES:
        return ""
    return f"the disk of {path} is full: make room or choose another folder, and start again\n"
