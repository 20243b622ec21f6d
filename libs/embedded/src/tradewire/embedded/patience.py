"""How long a start is waited for: as long as something moves, so that a busy machine is slow and nothing worse."""

from __future__ import annotations

import psutil

from tradewire.ports.clock import ClockPort


class Patience:
    """Runs out when nothing has moved for ``quiet_s``."""

    def __init__(self, quiet_s: float, clock: ClockPort) -> None:
        self.quiet_s, self._clock = quiet_s, clock
        self._moved: object = None
        self._since_s = clock.monotonic_s()

    def is_over(self, moved: object) -> bool:
        """Has ``moved``, whatever changes while work is done, been the same for too long?"""
        now_s = self._clock.monotonic_s()
        if moved != self._moved:
            self._moved, self._since_s = moved, now_s
        return now_s - self._since_s > self.quiet_s


def cpu_seconds(pid: int | None) -> int:
    """Whole seconds of CPU that a process and what it started have used; 0 for none. One that hangs uses no more."""
    if pid is None:
        return 0
    try:
        every = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        times = [process.cpu_times() for process in every]
    except psutil.Error:
        return 0
    return int(sum(one.user + one.system for one in times))
