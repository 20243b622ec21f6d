"""Each instance of a service says every few seconds how it is, on a topic: who asks finds all, wherever they run."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from typing import Protocol

from tradewire.ports.bus import EventBusPort, Outgoing
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import InstanceReported
from tradewire.ports.message import WaitReason, derived_id
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.headers import lineage
from tradewire.runtime.observe.failures_logged import FailuresLogged
from tradewire.runtime.observe.health import Health, Watched
from tradewire.runtime.observe.instance_reports import TOPIC, newest_reports
from tradewire.runtime.observe.lag import LagWatch
from tradewire.runtime.observe.readiness import Standing
from tradewire.runtime.observe.secrets import scrub
from tradewire.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
REPORT_SECONDS = 5.0
ERROR_CHARACTERS_MAX = 1_000
WAITS_MAX, WAIT_CHARACTERS_MAX = 50, 500
"""Most of what a service waits for that a report names, and most characters of each."""
LOOP_STARTS, LOOP_SECONDS, STEADY_SECONDS = 3, 600.0, 60.0
"""So many starts without an orderly stop in so long are a crash loop, until one has run for so long."""


class Reported(Watched, Protocol):
    """What is asked of a worker that reports itself."""

    version: str
    lag: LagWatch


class Instances:
    """The reports of one process's services."""

    def __init__(
        self,
        workers: Sequence[Reported],
        bus: EventBusPort,
        codec: Codec,
        health: Health,
        settings: RuntimeSettings,
        clock: ClockPort,
    ) -> None:
        self._workers, self._bus, self._codec, self._health, self._clock = workers, bus, codec, health, clock
        self._member, self._host = settings.member, socket.gethostname()
        self._began_us = clock.now_us()
        self._starts: dict[str, list[int]] = {self.id_of(w.service.name): [self._began_us] for w in workers}
        self._failing = False

    def id_of(self, service: str) -> str:
        """The member id, which a restarted process has again; else one that tells processes apart."""
        return self._member or f"{service}@{self._host}:{os.getpid()}"

    async def report(self) -> None:
        """Report until cancelled, first of all what earlier lives came to."""
        failures = FailuresLogged("a report of the instances")
        with failures:
            await self._read_back()
        while True:
            with failures:
                await self.once()
            await asyncio.sleep(REPORT_SECONDS)

    async def _read_back(self) -> None:
        """Starts that no orderly stop preceded."""
        try:
            before = await newest_reports(self._bus, self._codec)
        except TradewireError as error:
            self._note_failure(error)
            return
        for instance_id, starts in self._starts.items():
            last = before.get(instance_id)
            if last is not None and last.phase != "stopped":
                since_us = self._began_us - round(LOOP_SECONDS * 1e6)
                starts[:0] = [at_us for at_us in last.started_us if since_us < at_us < self._began_us]

    async def once(self, *, phase: str = "", error: str = "") -> None:
        """One report of each service. A bus that is away is no reason to end.

        ``phase``: stopped or ended, when this is the last one; ``error``: why it ended.
        """
        records = [self._record(worker, phase, error) for worker in self._workers]
        try:
            await self._bus.publish(records)
            self._failing = False
        except TradewireError as error:
            self._note_failure(error)

    def _note_failure(self, error: TradewireError) -> None:
        if not self._failing:
            log.warning("instances are not reported: %s", error, extra={"event": "instances_unreported"})
        self._failing = True

    def waits(self, service: str) -> list[WaitReason]:
        """A crash loop: one more start, until it has run for a while."""
        starts = self._starts[self.id_of(service)]
        ran_s = (self._clock.now_us() - self._began_us) / 1e6
        if len(starts) < LOOP_STARTS or ran_s > STEADY_SECONDS:
            return []
        return [WaitReason("crash_loop", f"a life of {STEADY_SECONDS:.0f} s: this is start {len(starts)} in a row")]

    def _record(self, worker: Reported, phase: str, error: str) -> Outgoing:
        name, progress, now_us = worker.service.name, worker.progress, self._clock.now_us()
        unready = self._health.unready(name)
        event = InstanceReported(
            instance_id=self.id_of(name),
            service=name,
            version=worker.version,
            host=self._host,
            pid=os.getpid(),
            phase=phase or progress.phase,
            ready=not phase and self._health.is_ready(name),
            unready=_texts(self._health.standing(name, unready)),
            waits_for=_texts(self._health.standing(name, self._health.waits(worker))),
            started_us=tuple(self._starts[self.id_of(name)]),
            reported_at_us=now_us,
            last_success_us=progress.last_success_us,
            handled=progress.handled,
            dead_letters=progress.dead_letters,
            lag_records=worker.lag.records,
            lag_seconds=worker.lag.oldest_seconds,
            last_error=scrub(error or progress.last_error or "")[:ERROR_CHARACTERS_MAX] or None,
        )
        headers = lineage(
            event_id=derived_id(event.instance_id, "InstanceReported", now_us),
            causation_id="",
            correlation_id="",
            event_time_us=now_us,
            producer=f"{name}@{worker.version}".encode(),
            traceparent="",
        )
        return Outgoing(TOPIC, event.instance_id.encode(), self._codec.encode(event), headers)


def _texts(waits: Sequence[Standing]) -> tuple[str, ...]:
    """The oldest of them, so that a report never grows too large to be published."""
    texts = [scrub(wait.text)[:WAIT_CHARACTERS_MAX] for wait in waits[:WAITS_MAX]]
    return (*texts, f"and {len(waits) - WAITS_MAX} more") if len(waits) > WAITS_MAX else tuple(texts)
