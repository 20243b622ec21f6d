"""The heartbeat of a process: that each service's loop comes round, as a metric each second and a log line each minute.

A loop that waits for its servers does not come round: the age of the timestamp is how long it has been waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.runtime.observe.failures_logged import FailuresLogged
from tradewire.runtime.observe.health import Health, Watched
from tradewire.runtime.observe.metrics import Metrics

log = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
LOG_SECONDS = 60.0


class Heartbeat:
    """Says for each worker of a process how it is."""

    def __init__(
        self, workers: Sequence[Watched], bus: EventBusPort, metrics: Metrics, clock: ClockPort, health: Health
    ) -> None:
        self._workers, self._bus, self._metrics, self._clock = workers, bus, metrics, clock
        self._health = health
        self._logged_s = clock.monotonic_s()
        self._reinits = 0

    async def beat(self) -> None:
        """Beat until cancelled."""
        failures = FailuresLogged("a heartbeat")
        while True:
            with failures:
                self.once()
            await asyncio.sleep(BEAT_SECONDS)

    def once(self) -> None:
        """One beat."""
        now_s, wall_s = self._clock.monotonic_s(), self._clock.now_us() / 1e6
        for worker in self._workers:
            name = worker.service.name
            self._metrics.ready.labels(name).set(self._health.is_ready(name))
            turned_s = worker.progress.turned_s
            if turned_s is not None:
                self._metrics.heartbeat.labels(name).set(wall_s - (now_s - turned_s))
        reinits = getattr(self._bus, "producer_reinits", 0)
        self._metrics.producer_reinits.inc(reinits - self._reinits)
        self._reinits = reinits
        if now_s - self._logged_s >= LOG_SECONDS:
            self._logged_s = now_s
            self._log(now_s)

    def _log(self, now_s: float) -> None:
        for worker in self._workers:
            progress = worker.progress
            log.info(
                "%s is %s",
                worker.service.name,
                progress.phase,
                extra={
                    "event": "heartbeat",
                    "service": worker.service.name,
                    "phase": progress.phase,
                    "handled": progress.handled,
                    "published": progress.published,
                    "dead_letters": progress.dead_letters,
                    "turned_seconds_ago": None if progress.turned_s is None else round(now_s - progress.turned_s, 3),
                },
            )
