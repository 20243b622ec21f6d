"""One stack per folder."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from tradewire.app.stack.errors import FolderError, StackBusyError
from tradewire.app.stack.processes import ProcessMark


class FolderLock:
    """An exclusive lock on a stack's folder.

    The kernel holds it for the process that took it and drops it when that process ends in whatever way, so a stale
    lock can't exist, whoever has the old process id now. The file's text only says who holds it.
    """

    def __init__(self, path: Path, *, root: Path) -> None:
        self._path = path
        self._root = root
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises: StackBusyError naming the holder; FolderError when the lock file can't be made.
        """
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise FolderError(f"can't make the lock file {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self._holder(file)
            raise StackBusyError(self._root, pid=holder.pid, command=holder.command or "?") from error
        file.truncate(0)
        file.write(json.dumps(ProcessMark.of(os.getpid()).as_json()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def is_held(self) -> bool:
        """Whether any process holds the lock now."""
        if not self._path.exists():
            return False
        with self._path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @staticmethod
    def _holder(file: IO[str]) -> ProcessMark:
        file.seek(0)
        try:
            return ProcessMark.from_json(json.loads(file.read()))
        except (ValueError, KeyError):
            return ProcessMark(pid=0, started_s=0.0, command="")
        finally:
            file.close()
