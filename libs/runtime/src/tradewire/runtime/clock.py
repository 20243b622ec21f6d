"""The only place that reads a clock."""

from __future__ import annotations

import time

from tradewire.ports.clock import ClockPort


class SystemClock(ClockPort):
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock(ClockPort):
    """A clock that stands still until moved: for tests and replays."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def monotonic_s(self) -> float:
        return self._now_us / 1e6

    def advance(self, *, seconds: float) -> None:
        """Move time forward."""
        self._now_us += round(seconds * 1e6)
