"""What a worker can't go on without, the servers first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tradewire.ports.clock import ClockPort
from tradewire.ports.message import WaitReason
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.codec import SchemaIds
from tradewire.runtime.observe.lag import LagWatch
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.observe.reach import Reach
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASK_SECONDS, PING_SECONDS = 1.0, 5.0
"""Between two questions to the bus, and to the store or the registry."""


class Waits(Protocol):
    """A part of a worker that may wait for something of its own."""

    def waits(self) -> Iterable[WaitReason]:
        """What it can't go on without just now."""
        ...


def waiting_of(
    service: Service,
    progress: Progress,
    settings: RuntimeSettings,
    lag: LagWatch,
    parts: Sequence[Waits],
    ids: SchemaIds,
    metrics: Metrics,
    clock: ClockPort,
) -> Waiting:
    """What a service may wait for: its bus, asked for the lag, its store, its registry, and what its parts say."""
    asked = [("bus", lag.ask, ASK_SECONDS), ("store", service.store.ping, PING_SECONDS)]
    if ids.has_registry:
        asked.append(("registry", ids.ping, PING_SECONDS))
    reaches = [
        Reach(name, ask, service=service.name, metrics=metrics, clock=clock, every_s=every_s)
        for name, ask, every_s in asked
    ]
    others = [*(part.waits for part in parts), service.waits]
    return Waiting(progress, settings, clock, lag, reaches, others)


@dataclass
class Waiting:
    """Asked by health. ``others``: parts of the worker that wait for something of their own.

    ``group``: the subscription, once there is one; ``restoring``: the state of new partitions is being read.
    """

    progress: Progress
    settings: RuntimeSettings
    clock: ClockPort
    lag: LagWatch
    reaches: Sequence[Reach]
    others: Sequence[Callable[[], Iterable[WaitReason]]]
    group: Reader | None = None
    restoring: bool = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Ask the dependencies meanwhile."""
        tasks = [asyncio.create_task(reach.watch()) for reach in self.reaches]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()  # not awaited: what ends the worker must not be replaced by a cancellation here

    @asynccontextmanager
    async def for_restoring(self, lock: asyncio.Lock) -> AsyncIterator[None]:
        """The state of new partitions is being read meanwhile, under the worker's lock."""
        self.restoring = True
        try:
            async with lock:
                yield
        finally:
            self.restoring = False

    def reasons(self) -> list[WaitReason]:
        """All of it; nothing while the worker is idle or at work."""
        silent = [wait for reach in self.reaches for wait in reach.waits(self.settings.ready_wait_seconds)]
        if self.progress.phase not in ("running", "stopping"):
            return [WaitReason("starting", f"its start: {self.progress.phase}"), *silent]
        others = [wait for waits in self.others for wait in waits()]
        return [*silent, *self._partitions(), *self._busy(), *others, *self.lag.waits(self.settings.ready_lag_seconds)]

    def _partitions(self) -> Iterator[WaitReason]:
        """The group, while it is not certain which partitions are ours, and their state."""
        if self.restoring:
            yield WaitReason("restoring", "the state of its partitions")
        elif self.group is not None and not (self.group.joined and self.group.holds()):
            yield WaitReason("partitions", "its partitions from the group")

    def _busy(self) -> Iterator[WaitReason]:
        """The worker's own loop, which hangs in one round."""
        turned_s = self.progress.turned_s
        hangs_s = 0.0 if turned_s is None else self.clock.monotonic_s() - turned_s
        if hangs_s > self.settings.ready_wait_seconds:
            yield WaitReason("busy", f"the end of a round that began {hangs_s:.0f} s ago")
