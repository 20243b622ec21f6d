"""Is a service doing its work? Judged from what it waits for, and for how long each of that has stood."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradewire.ports.clock import ClockPort
from tradewire.ports.message import WaitReason

AT_ONCE = frozenset(
    {"starting", "partitions", "restoring", "parked_key", "lag"}
    | {"unreachable", "stuck", "busy", "crash_loop", "unknown"}
)
"""Reasons that are told only when they hold work up, or have done so for long already."""
DELIBERATE = frozenset({"paused"})
"""Reasons that an operator wants: told, and no fault."""


class Readiness:
    """Judges one service. ``wait_s``: how long it may wait for the same thing and still be ready."""

    def __init__(self, waits: Callable[[], Iterable[WaitReason]], clock: ClockPort, wait_s: float) -> None:
        self._waits, self._clock, self._wait_s = waits, clock, wait_s
        self._since_s: dict[tuple[str, object], float] = {}

    def look(self) -> list[WaitReason]:
        """Note what is waited for now; returns what keeps the service from being ready. Asked once a second or more."""
        waits, now_s = list(self._waits()), self._clock.monotonic_s()
        self._since_s = {_same(wait): self._since_s.get(_same(wait), now_s) for wait in waits}
        return [wait for wait in waits if self._holds_up(wait, now_s)]

    def _holds_up(self, wait: WaitReason, now_s: float) -> bool:
        if wait.reason in DELIBERATE:
            return False
        return wait.reason in AT_ONCE or now_s - self._since_s[_same(wait)] >= self._wait_s


def _same(wait: WaitReason) -> tuple[str, object]:
    """What stays the same while something is waited for: an account's step, whoever still owes it; that it retries."""
    if wait.reason == "retry":
        return wait.reason, None
    if wait.event_time_us is not None:
        return wait.reason, (wait.what.split(":")[0], wait.event_time_us)
    return wait.reason, wait.what
