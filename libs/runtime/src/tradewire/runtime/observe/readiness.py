"""Is a service doing its work? Judged from what it waits for, and for how long each of that has stood."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tradewire.ports.clock import ClockPort
from tradewire.ports.message import WaitReason

AT_ONCE = frozenset(
    {"starting", "partitions", "restoring", "parked_key", "lag"}
    | {"unreachable", "stuck", "busy", "crash_loop", "unknown"}
)
"""Reasons that are told only when they hold work up, or have done so for long already."""
DELIBERATE = frozenset({"paused"})
"""Reasons that an operator wants: told, and no fault."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Standing(NamedTuple):
    """Something that is waited for; ``seconds``: for how long it was seen to stand."""

    wait: WaitReason
    seconds: float

    @property
    def text(self) -> str:
        """For people: the reason, for what, and since when: "assessments: main: risk's answers since …, 12 min"."""
        step_us, minutes = self.wait.event_time_us, self.seconds >= 60
        for_long = f"{self.seconds / 60:.0f} min" if minutes else f"{self.seconds:.0f} s"
        since = "" if step_us is None else f" since {_iso(step_us)}, {for_long}"
        return f"{self.wait.reason}: {self.wait.what}{since}"


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

    def oldest_first(self, waits: Iterable[WaitReason]) -> list[Standing]:
        """What is waited for: first what is no step, then the steps, that which has stood for longest first."""
        now_s = self._clock.monotonic_s()
        standing = [Standing(wait, now_s - self._since_s.get(_same(wait), now_s)) for wait in waits]
        return sorted(standing, key=_by_age)

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


def _by_age(standing: Standing) -> tuple[bool, float, int]:
    step_us = standing.wait.event_time_us
    return (False, 0.0, 0) if step_us is None else (True, -standing.seconds, step_us)


def _iso(time_us: int) -> str:
    """UTC; what is no time, as its number."""
    try:
        return (EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"no time ({time_us} µs)"
