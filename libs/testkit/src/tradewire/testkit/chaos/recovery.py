"""How long after a crash a service is heard of again: from SIGKILL to its next record on the bus."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorsUpdated,
    OrderChanged,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.ports.topics import BY_EVENT

SPOKEN = {
    BY_EVENT[event].name: service
    for event, service in (
        (CandleClosed, "ingest"),
        (IndicatorsUpdated, "indicator"),
        (StrategyEvaluated, "strategy"),
        (RiskAssessed, "risk"),
        (OrderChanged, "execution"),
        (AccountStateChanged, "execution"),
    )
}
"""What a service of a running platform says at every bar."""


class Recovery:
    """Watches the outputs of the services. Times are those that producers give their records, of one machine."""

    def __init__(self, bus: EventBusPort, clock: ClockPort) -> None:
        self._bus, self._clock = bus, clock
        self._killed_ms: dict[str, float] = {}
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._was_heard = asyncio.Event()

    def killed(self, service: str) -> None:
        """A service was killed just now; a second time before it was heard of, the first counts."""
        self._killed_ms.setdefault(service, self._clock.now_us() / 1000)

    async def heard(self, service: str) -> None:
        """Wait until a service that was killed is heard of again."""
        while service in self._killed_ms:
            self._was_heard.clear()
            await self._was_heard.wait()

    async def watch(self) -> None:
        """Watch until cancelled."""
        places = [Place(topic, p) for topic in SPOKEN for p in range(await self._bus.partitions(topic))]
        tail = await self._bus.tail(await self._bus.end_offsets(places))
        try:
            while True:
                with suppress(RetryableError):
                    for record in await tail.poll(max_records=5_000, timeout_s=0.5):
                        self._heard(record)
                await asyncio.sleep(0)
        finally:
            await tail.close()

    def _heard(self, record: Record) -> None:
        service = SPOKEN[record.topic]
        killed_ms = self._killed_ms.get(service)
        if killed_ms is not None and record.value is not None and record.timestamp_ms > killed_ms:
            self.seconds[service].append((record.timestamp_ms - killed_ms) / 1000)
            del self._killed_ms[service]
            self._was_heard.set()

    def report(self) -> dict[str, dict[str, float]]:
        """Per service how many recoveries, their median and the longest, in seconds."""
        return {
            service: {
                "count": len(found),
                "median_s": round(sorted(found)[len(found) // 2], 2),
                "longest_s": round(max(found), 2),
            }
            for service, found in sorted(self.seconds.items())
        }
