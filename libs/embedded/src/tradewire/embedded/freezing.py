"""Freezing a process: it does nothing more, and whoever talks to it is not told."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

STOPPED = {"T", "t", "Z", "X"}
FREEZE_SECONDS = 30.0


def freeze(pid: int) -> None:
    """SIGSTOP; returns when no thread of the process runs any more: the signal alone takes effect later.

    Raises TimeoutError when a thread still runs after FREEZE_SECONDS, ProcessLookupError when there is no such process.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + FREEZE_SECONDS
    while running := _running_threads(pid):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{running} threads of process {pid} still run {FREEZE_SECONDS:.0f} s after SIGSTOP")
        time.sleep(0.001)  # between two looks


def thaw(pid: int) -> None:
    """SIGCONT: a frozen process goes on where it was; nothing happens when it has gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _running_threads(pid: int) -> int:
    return sum(_state(stat) not in STOPPED for stat in Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(stat: Path) -> str:
    """One letter as in proc(5); of a thread that has ended, X."""
    try:
        # The name, in parentheses, may hold anything: the state follows the last one.
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"
