"""One stack per folder."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from tradewire.embedded.errors import FolderError, StackBusyError
from tradewire.embedded.process_mark import ProcessMark


class FolderLock:
    """An exclusive lock on a stack's folder.

    The kernel holds it for the process that took it and drops it when that process ends in whatever way, so a stale
    lock can't exist, whoever has the old process id now. The file's text names the holder; whoever only asks reads
    that text and never takes the lock, so that no question can refuse a start.
    """

    def __init__(self, path: Path, *, root: Path) -> None:
        self._path = path
        self._root = root
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises: StackBusyError naming the holder; FolderError when the lock file can't be made or written.
        """
        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+", encoding="utf-8")
        except OSError as error:
            raise FolderError(f"can't make the lock file {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            holder = self._holder()
            raise StackBusyError(self._root, holder) from error
        try:
            file.truncate(0)
            file.write(json.dumps(ProcessMark.of(os.getpid()).as_json()))
            file.flush()
        except OSError as error:
            raise FolderError(f"can't write the lock file {self._path}: {error.strerror}") from error
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def is_held(self) -> bool:
        """Whether the process that the file names runs still."""
        holder = self._holder()
        return holder is not None and holder.process() is not None

    def _holder(self) -> ProcessMark | None:
        """The process that the file names; None while it names none: free, or just being taken or given back."""
        try:
            return ProcessMark.from_json(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
