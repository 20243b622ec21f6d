"""How long a start is waited for: as long as something moves, so that a busy machine is slow and nothing worse; never
for ever, as what fails again and again moves too.
"""

from __future__ import annotations

import psutil

from tradewire.ports.clock import ClockPort

QUIET_TIMES_MAX = 10
"""How many times as long as it may do nothing what moves is waited for in all."""


class Patience:
    """Runs out when nothing has moved for ``quiet_s``, or when it has moved for ``QUIET_TIMES_MAX`` times as long."""

    def __init__(self, quiet_s: float, clock: ClockPort) -> None:
        self.quiet_s, self._clock = quiet_s, clock
        self._moved: object = None
        self._began_s = self._since_s = clock.monotonic_s()
        self.why = ""
        """What was waited for in vain, once it is over: it did nothing, or worked and came to no end."""

    def is_over(self, moved: object) -> bool:
        """Has ``moved``, whatever changes while work is done, been the same for too long?"""
        now_s = self._clock.monotonic_s()
        if moved != self._moved:
            self._moved, self._since_s = moved, now_s
        quiet_s, whole_s = now_s - self._since_s, now_s - self._began_s
        if quiet_s > self.quiet_s:
            self.why = f"did nothing for {quiet_s:.0f} s"
        elif whole_s > QUIET_TIMES_MAX * self.quiet_s:
            self.why = f"was at work for {whole_s:.0f} s"
        else:
            self.why = ""
        return bool(self.why)


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
