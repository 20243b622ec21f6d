"""How far behind a group member is, asked beside its work and shown as gauges."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from tradewire.ports.bus import Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.readers import Reader


class LagGauges:
    """Sets the lag and progress gauges of one group; the servers are asked once in ``every_s`` seconds at most."""

    def __init__(self, group: str, metrics: Metrics, clock: ClockPort, *, every_s: float) -> None:
        self._group, self._metrics, self._clock, self._every_s = group, metrics, clock, every_s
        self._newest_s: dict[str, float] = {}
        self._asked_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def observe(self, records: Sequence[Record], reader: Reader | None) -> None:
        """Note what was just handled, and ask for the lag when that is due. Never waits."""
        for topic, newest in {record.topic: record for record in records}.items():
            self._newest_s[topic] = newest.timestamp_ms / 1e3
            self._metrics.progress.labels(self._group, topic).set(self._clock.now_us() / 1e6)
        now_s = self._clock.monotonic_s()
        if reader is None or now_s - self._asked_s < self._every_s:
            return
        if self._asking is None or self._asking.done():
            self._asked_s = now_s
            self._asking = asyncio.create_task(self._ask(reader))

    async def _ask(self, reader: Reader) -> None:
        try:
            lag = await reader.lag()
        except RetryableError:
            return  # the gauges keep their last values while the servers are away
        behind: dict[str, int] = {}
        for place, count in lag.items():
            self._metrics.lag.labels(self._group, place.topic, str(place.partition)).set(count)
            behind[place.topic] = behind.get(place.topic, 0) + count
        now_s = self._clock.now_us() / 1e6
        for topic, count in behind.items():
            age_s = max(0.0, now_s - self._newest_s.get(topic, now_s)) if count else 0.0
            self._metrics.lag_seconds.labels(self._group, topic).set(age_s)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking
