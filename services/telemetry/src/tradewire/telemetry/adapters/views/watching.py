"""Faust's worker as health, metrics and reports ask about it: by the same parts as a service of our own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.message import WaitReason
from tradewire.runtime.codec import SchemaIds
from tradewire.runtime.loop.waiting import waiting_of
from tradewire.runtime.observe.lag import LagWatch
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.telemetry.adapters.views.worker import NAME, TOPIC_NAMES, ViewWorker

LOOK_SECONDS = 15.0
LOOKS_WITHOUT_PROGRESS_MAX = 6
"""Then the worker is stalled while there is work (faust-streaming#175, #629): the process ends and is started again."""


async def places_of(bus: EventBusPort) -> list[Place]:
    """Every partition that the views read: each process has a group of its own. Raises RetryableError."""
    return [Place(topic, number) for topic in TOPIC_NAMES for number in range(await bus.partitions(topic))]


class Watching:
    """The views' worker, watched from beside faust: the broker is asked by a client of our own."""

    def __init__(
        self,
        service: Service,
        worker: ViewWorker,
        bus: EventBusPort,
        places: Sequence[Place],
        settings: RuntimeSettings,
        ids: SchemaIds,
        parts: tuple[str, ClockPort, Metrics],
    ) -> None:
        """``parts``: the version, and what tells the time and the figures."""
        self.version, self._clock, metrics = parts
        self.service, self._worker, self._places = service, worker, places
        self.lag = LagWatch(NAME, bus, self._positions, dict, metrics, self._clock, group=worker.group)
        worker.handled = lambda record: self.lag.note([record])
        self._waiting = waiting_of(service, worker.progress, settings, self.lag, (), ids, metrics, self._clock)

    def _positions(self) -> Mapping[Place, int | None]:
        return {place: self._worker.progress.positions.get(place) for place in self._places}

    @property
    def progress(self) -> Progress:
        """What was done so far. The loop comes round while no record is in hand: one that waits shows as lag."""
        self._note_phase()
        return self._worker.progress

    def _note_phase(self) -> None:
        progress = self._worker.progress
        progress.phase = "running" if self._worker.assigned else "joining the group"
        if self._worker.assigned and not self._worker.busy:
            progress.turned_s = self._clock.monotonic_s()

    def waits(self) -> list[WaitReason]:
        """What it can't go on without just now, the servers first."""
        self._note_phase()
        return self._waiting.reasons()

    async def watch(self) -> None:
        """Ask the servers until cancelled. Raises FatalError when records wait and faust takes none for long."""
        async with self._waiting.watching():
            await self._until_stalled()

    async def _until_stalled(self) -> None:
        idle, before = 0, -1
        while True:
            with suppress(RetryableError):
                await self.lag.ask()
                handled = self._worker.progress.handled
                idle = idle + 1 if self.lag.records and handled == before else 0
                before = handled
                if idle >= LOOKS_WITHOUT_PROGRESS_MAX:
                    waited_s = idle * LOOK_SECONDS
                    raise FatalError(f"{self.lag.records} records wait and none was handled for {waited_s:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)
