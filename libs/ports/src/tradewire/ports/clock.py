"""Time comes from outside: domain code never reads a clock."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol


class ClockPort(Protocol):
    """Wall-clock and monotonic time."""

    @abstractmethod
    def now_us(self) -> int:
        """UTC, µs since the epoch."""

    @abstractmethod
    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
