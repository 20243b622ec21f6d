"""Telling a process from another that was given the same number later."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

# Start times are derived from the boot time, which clock corrections move a little.
_START_TOLERANCE_S = 2.0
_COMMAND_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process by id, start time (seconds since 1970) and the beginning of its command line."""

    pid: int
    started_s: float
    command: str

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """The mark of a running process; of one that is gone, a mark that never matches."""
        try:
            process = psutil.Process(pid)
            command = " ".join(process.cmdline())[:_COMMAND_LENGTH]
            return cls(pid=pid, started_s=process.create_time(), command=command)
        except psutil.Error:
            return cls(pid=pid, started_s=0.0, command="")

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> ProcessMark:
        """The mark that `as_json` gave. Raises: KeyError, ValueError."""
        return cls(int(fields["pid"]), float(fields["started_s"]), str(fields["command"]))

    def as_json(self) -> dict[str, Any]:
        """Plain fields for a JSON file."""
        return asdict(self)

    def process(self, *, of_root: Path | None = None) -> psutil.Process | None:
        """The process, if it still runs: same id, same start time and, when `of_root` is given, that folder on its
        command line; else None."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            if abs(process.create_time() - self.started_s) > _START_TOLERANCE_S:
                return None
            if of_root is None or any(str(of_root) in word for word in process.cmdline()):
                return process
        return None

    def is_stopped(self) -> bool:
        """Does the process exist and do nothing, since a signal stopped it (SIGSTOP)?"""
        process = self.process()
        with contextlib.suppress(psutil.Error):
            return process is not None and process.status() == psutil.STATUS_STOPPED
        return False


def end(process: psutil.Process, *, grace_s: float) -> None:
    """SIGTERM, then SIGKILL after `grace_s`; returns when the process is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(grace_s)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(grace_s)
