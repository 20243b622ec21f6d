"""Heartbeat records: sent by ingest into every partition, forwarded by each stage, read by the last one.

They show that records pass while no bar closes: docs/adr/0026-heartbeat-records.md. A heartbeat is a record of the
topics that bars' messages take, without a value, under a reserved key, with the header ``synthetic``. No handler sees
it, no state changes by it, and a reader that does not know it takes it for the deletion of a key that never was.
"""

from __future__ import annotations

from tradewire.ports.bus import EventBusPort, Outgoing, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated, RiskAssessed, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.codec.headers import decode_headers
from tradewire.runtime.loop.publisher import Draft
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.service import Service

KEY_PREFIX = b"__hb:"
HEADER = ("synthetic", b"1")
PIPELINE = tuple(BY_EVENT[kind].name for kind in (CandleClosed, IndicatorsUpdated, StrategyEvaluated, RiskAssessed))
"""The topics that a bar's messages take, in order."""

AHEAD_US_MAX = 60_000_000
"""Most that the sender's clock may be ahead of ours."""


def is_heartbeat(record: Record) -> bool:
    """Is it no message, but a sign that records pass?"""
    return record.value is None and (record.key or b"").startswith(KEY_PREFIX) and HEADER in record.headers


class HeartbeatRecords:
    """The part of one service: what it sends, or what it reads and forwards."""

    def __init__(
        self, service: Service, version: str, bus: EventBusPort, clock: ClockPort, metrics: Metrics, every_s: float
    ) -> None:
        """``every_s``: time between those that a source sends."""
        reads = [topic for topic in PIPELINE if any(item.topic == topic for item in service.inputs)]
        writes = [topic for topic in PIPELINE if any(BY_EVENT[kind].name == topic for kind in service.outputs)]
        self._reads = reads[-1] if reads else None
        self._writes = writes[-1] if writes else None
        self._begins = service.source is not None and self._writes is not None
        self._producer = f"{service.name}@{version}".encode()
        self._bus, self._clock, self._every_s = bus, clock, every_s
        self._newest, self._newest_us = metrics.pipeline_heartbeat, 0
        self._stage = service.name
        self._partitions = 0
        self._sent_s = clock.monotonic_s()

    async def open(self) -> None:
        """Learn where to send. Raises RetryableError."""
        if self._writes is not None:
            self._partitions = await self._bus.partitions(self._writes)

    def due(self) -> list[Draft]:
        """What a source sends now: one for each partition, when it is time."""
        now_s = self._clock.monotonic_s()
        if not self._begins or now_s - self._sent_s < self._every_s:
            return []
        self._sent_s, now_us = now_s, self._clock.now_us()
        self._show(now_us)
        return [self._draft(partition, now_us) for partition in range(self._partitions)]

    def passed(self, record: Record) -> list[Draft]:
        """What is forwarded of a heartbeat that was read; nothing of one without a time that can be."""
        try:
            sent_us = decode_headers(record).event_time_us
        except ContractViolationError:
            return []
        if record.topic != self._reads or sent_us > self._clock.now_us() + AHEAD_US_MAX:
            return []
        self._show(sent_us)
        return [self._draft(record.partition, sent_us)] if self._partitions else []

    def _show(self, sent_us: int) -> None:
        self._newest_us = max(sent_us, self._newest_us)
        self._newest.labels(self._stage).set(self._newest_us / 1e6)

    def _draft(self, number: int, sent_us: int) -> Draft:
        """``number``: of the partition where it came from; of fewer partitions, one has several."""
        headers = (HEADER, ("event_time_us", b"%d" % sent_us), ("producer", self._producer))
        partition = number % self._partitions
        return Draft(Outgoing(self._writes or "", KEY_PREFIX + b"%d" % number, None, headers, partition))
