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
