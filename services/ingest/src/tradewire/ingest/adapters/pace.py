"""How fast a recorded stream is played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tradewire.ports.clock import ClockPort

EVENTS_PER_TURN = 256
"""At full speed, events between two turns that other tasks of the loop get."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed of a replay: at most one of the two; neither = as fast as it is taken.

    ``bars_per_second`` counts moments: bars that close together go out together. ``speed`` is event time ÷
    wall time, e.g. 3600 = an hourly bar each second. Raises ValueError when both are given or one is not > 0.
    """

    bars_per_second: float | None = None
    speed: float | None = None

    def __post_init__(self) -> None:
        if self.bars_per_second is not None and self.speed is not None:
            raise ValueError("found both bars_per_second and speed, allowed one of them")
        for name, value in (("bars_per_second", self.bars_per_second), ("speed", self.speed)):
            if value is not None and not value > 0:
                raise ValueError(f"{name}: found {value}, allowed > 0")

    def wait_s(self, step_us: int) -> float:
        """Seconds between two moments that are ``step_us`` apart in event time."""
        if self.bars_per_second is not None:
            return 1 / self.bars_per_second
        return step_us / 1e6 / self.speed if self.speed is not None else 0.0


FULL_SPEED = Pace()


class Pacer:
    """Holds a replay to its pace. Late moments are caught up with, so that the average keeps to it."""

    def __init__(self, pace: Pace, clock: ClockPort, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._pace, self._clock, self._sleep = pace, clock, sleep
        self._moment_us: int | None = None
        self._due_s = 0.0
        self._events = 0

    async def until(self, moment_us: int) -> None:
        """Return when it is time for ``moment_us`` of event time; moments must not fall."""
        self._events += 1
        if self._pace == FULL_SPEED:
            if self._events % EVENTS_PER_TURN == 0:
                await self._sleep(0)
            return
        if self._moment_us is None:
            self._due_s = self._clock.monotonic_s()
        elif moment_us > self._moment_us:
            self._due_s += self._pace.wait_s(moment_us - self._moment_us)
            await self._sleep(max(0.0, self._due_s - self._clock.monotonic_s()))
        self._moment_us = moment_us
