"""A worker for which hours pass: a test moves its clock in steps, and at each all parts of the worker look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tradewire.ports.message import Event
from tradewire.runtime.loop import waiting
from tradewire.runtime.loop import worker as loop
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.health import Health
from tradewire.runtime.service import Service
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

THRESHOLD_SECONDS, STEP_SECONDS, HOUR_SECONDS = 60, 40, 3600
"""How long something may wait, which is more than one step."""
LOOK_SECONDS = 0.001


class PassingHours:
    """A service at work on a memory bus. Its parts look every moment, as nothing but the test moves its clock."""

    worker: Worker
    health: Health

    def __init__(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.service, self.clock = service, ManualClock(1_700_000_000_000_000)
        self.rig = WorkerRig(clock=self.clock)
        for module, name in ((waiting, "ASK_SECONDS"), (waiting, "PING_SECONDS"), (loop, "TICK_SECONDS")):
            monkeypatch.setattr(module, name, LOOK_SECONDS)

    @asynccontextmanager
    async def working(self, *known: Event) -> AsyncIterator[None]:
        """The service runs and is ready; ``known``: what was published before."""
        await self.rig.say(*known)
        bounds = dict.fromkeys(("ready_lag_seconds", "ready_wait_seconds"), THRESHOLD_SECONDS)
        async with self.rig.running(self.service, **bounds) as self.worker:
            self.health = Health([self.worker], self.clock, None, wait_s=THRESHOLD_SECONDS)
            await self.rig.until(lambda: self.health.ready)
            yield

    async def passes(self, seconds: int) -> set[str]:
        """Let so many seconds pass; returns the words for what the service was not ready for meanwhile."""
        await self.worker.lag.ask()
        found = {wait.reason for wait in self.health.unready(self.service.name)}
        for _ in range(0, seconds, STEP_SECONDS):
            self.clock.advance(seconds=STEP_SECONDS)
            await self.rig.until(self._seen)
            found |= {wait.reason for wait in self.health.unready(self.service.name)}
        return found

    def _seen(self) -> bool:
        silent = [wait for reach in self.worker._waiting.reaches for wait in reach.waits(0.0)]
        return not silent and self.worker.progress.turned_s == self.clock.monotonic_s()

    def committed(self) -> bool:
        """Is everything committed that the group reads, and all else handled? Then whoever asks sees no lag."""
        topics, group = self.service.topics()[-1], self.service.name
        read = self.worker.progress.handled >= sum(self.rig.count(item.topic) for item in self.service.inputs)
        return read and all(self.rig.bus_committed(topic, group) == self.rig.count(topic) for topic in topics)

    def texts(self) -> list[str]:
        """What the service waits for, as people are told."""
        return [each.text for each in self.health.standing(self.service.name, self.worker.waits())]
