"""How fast a recorded stream is played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError

EVENTS_PER_TURN = 256
"""At full speed, events between two turns that other tasks of the loop get."""
LOOK_SECONDS = 0.02
"""How often a file is looked at that says how far a replay may go."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed of a replay: at most one of the two; neither = as fast as it is taken.

    ``bars_per_second`` counts moments: bars that close together go out together. ``speed`` is event time ÷
    wall time, e.g. 3600 = an hourly bar each second. ``until_file``: names the event time (µs) up to which the replay
    may go; it waits there until the file names a later one, and at its beginning while there is no file.
    Raises ValueError when both speeds are given or one is not > 0.
    """

    bars_per_second: float | None = None
    speed: float | None = None
    until_file: Path | None = None

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


CATCH_UP_SECONDS = 5.0
"""Late moments are caught up with, so that the average keeps to the pace; later than this, a replay stood still."""


class Pacer:
    """Holds a replay to its pace: a rate. After a standstill (a pause, a stopped process) it goes on at that rate."""

    def __init__(
        self,
        pace: Pace,
        clock: ClockPort,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        from_us: int = 0,
    ) -> None:
        """``from_us``: the first moment that the pace holds for; those before it go as fast as they are taken."""
        self._pace, self._clock, self._sleep, self._from_us = pace, clock, sleep, from_us
        self._moment_us: int | None = None
        self._due_s = 0.0
        self._events = 0
        self._until_us = -1

    async def until(self, moment_us: int) -> None:
        """Return when it is time for ``moment_us`` of event time; moments must not fall."""
        self._events += 1
        if self._pace.until_file is not None:
            await self._permitted(moment_us, self._pace.until_file)
        if moment_us < self._from_us or (self._pace.bars_per_second is None and self._pace.speed is None):
            if self._events % EVENTS_PER_TURN == 0:
                await self._sleep(0)
            return
        if self._moment_us is None:
            self._due_s = self._clock.monotonic_s()
        elif moment_us > self._moment_us:
            self._due_s += self._pace.wait_s(moment_us - self._moment_us)
            if self._clock.monotonic_s() - self._due_s > CATCH_UP_SECONDS:
                self._due_s = self._clock.monotonic_s()
            await self._sleep(max(0.0, self._due_s - self._clock.monotonic_s()))
        self._moment_us = moment_us

    async def _permitted(self, moment_us: int, file: Path) -> None:
        """Return when the file names ``moment_us`` or a later time."""
        while self._until_us < moment_us:
            self._until_us = _time_in(file)
            if self._until_us < moment_us:
                await self._sleep(LOOK_SECONDS)


def _time_in(file: Path) -> int:
    """The event time that a file names; -1 without a file. Raises FatalError for anything else in it."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return -1
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"{file}: can't be read: {error}") from error
    if not text.isdigit():
        raise FatalError(f"{file}: found {text[:40]!r}, allowed an event time in microseconds since 1970")
    return int(text)
