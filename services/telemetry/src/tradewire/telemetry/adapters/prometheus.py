"""What happened, as Prometheus metrics (names: docs/metrics.md). Labels come from configured sets: bounded series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from tradewire.ports.events import GapKind
from tradewire.ports.telemetry import TelemetryEntry, TelemetryPort
from tradewire.telemetry.domain.latency import Stage, Took

REMEMBERED_IDS_MAX = 100_000
"""Event ids that are known to be counted: far more than one interrupted batch delivers again."""
LATENCY_BUCKETS_SECONDS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
STAGES = {
    "market.candle.v1": "ingest",
    "indicator.snapshot.v1": "indicator",
    "strategy.evaluation.v1": "strategy",
    "risk.assessment.v1": "risk",
    "execution.account.v1": "execution",
}


class PrometheusTelemetry(TelemetryPort):
    """Counts entries as they come. ``newest``: newest event time (µs) by topic.

    The registry has the metrics from ``open`` to ``close``. PnL, exposure and orders are told by their owners.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        newest: Callable[[], Iterable[tuple[str, int]]],
    ) -> None:
        self._registry, self._newest = registry, newest
        self._faults = Counter(
            "tradewire_market_faults",
            "Faults in market streams: missing, doubled, late or impossible bars.",
            ["kind"],
            registry=None,
        )
        for kind in GapKind:
            self._faults.labels(kind.lower())
        self._newest_event = Gauge(
            "tradewire_newest_event_timestamp_seconds",
            "Newest event time of the messages of each stage.",
            ["stage"],
            registry=None,
        )
        self._latency = Histogram(
            "tradewire_order_latency_seconds",
            "From message to message of an order, steps of 1 ms: " + ", ".join(Stage) + ".",
            ["stage"],
            registry=None,
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._counted: dict[str, None] = {}

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """The metrics."""
        return self._faults, self._newest_event, self._latency

    def open(self) -> None:
        """Show the metrics."""
        for collector in self.collectors:
            self._registry.register(collector)

    def close(self) -> None:
        """Show them no longer."""
        for collector in self.collectors:
            self._registry.unregister(collector)

    def time(self, took: Took) -> None:
        """A stage of an order was completed."""
        self._latency.labels(took.stage.value).observe(took.seconds)

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        for entry in entries:
            if entry.event_id not in self._counted:
                self._counted[entry.event_id] = None
                self._count(entry.kind, entry.payload or {})
        while len(self._counted) > REMEMBERED_IDS_MAX:
            del self._counted[next(iter(self._counted))]
        for topic, time_us in self._newest():
            if topic in STAGES:
                self._newest_event.labels(STAGES[topic]).set(time_us / 1e6)

    def _count(self, kind: str, payload: Any) -> None:
        if kind == "GapDetected":
            self._faults.labels(str(payload["kind"]).lower()).inc()
