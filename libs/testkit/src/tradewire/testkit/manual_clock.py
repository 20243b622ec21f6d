"""A clock that a test moves."""

from __future__ import annotations

from tradewire.ports.clock import ClockPort


class ManualClock(ClockPort):
    """A clock that stands still until moved."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def monotonic_s(self) -> float:
        return self._now_us / 1e6

    def advance(self, *, seconds: float) -> None:
        """Move time forward."""
        self._now_us += round(seconds * 1e6)
