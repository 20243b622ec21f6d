"""What happened, as Prometheus metrics (names: docs/metrics.md). Labels come from configured sets: bounded series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tradewire.ports.telemetry import TelemetryEntry, TelemetryPort
from tradewire.telemetry.domain.figures import GAUGES, Figure
from tradewire.telemetry.domain.latency import Took

REMEMBERED_IDS_MAX = 100_000
"""Event ids that are known to be counted: far more than one interrupted batch delivers again."""
LABEL_VALUES_MAX = 100
"""Different rules that are told apart; what comes after counts as `other`."""
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
    """Counts entries as they come; gauges are read from ``figures`` at each scrape, so a message costs them nothing.

    ``newest``: newest event time (µs) by topic. The registry has the metrics from ``open`` to ``close``.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        figures: Callable[[], Iterable[Figure]],
        newest: Callable[[], Iterable[tuple[str, int]]],
    ) -> None:
        self._registry, self._newest = registry, newest
        self._gauges = _Gauges(figures)
        self._orders = Counter("tradewire_orders", "Order transitions.", ["outcome"], registry=None)
        self._decisions = Counter(
            "tradewire_risk_decisions", "Risk's answers; a refusal by its rule.", ["decision", "rule"], registry=None
        )
        self._faults = Counter("tradewire_market_faults", "Faults in market streams.", ["kind"], registry=None)
        self._heartbeat = Gauge(
            "tradewire_pipeline_heartbeat_timestamp_seconds", "Newest event time seen.", ["stage"], registry=None
        )
        self._latency = Histogram(
            "tradewire_order_latency_seconds",
            "Time from one message of an order to the next.",
            ["stage"],
            registry=None,
            buckets=LATENCY_BUCKETS_SECONDS,
        )
        self._counted: dict[str, None] = {}
        self._rules: set[str] = set()

    @property
    def _collectors(self) -> tuple[Collector, ...]:
        return self._gauges, self._orders, self._decisions, self._faults, self._heartbeat, self._latency

    def open(self) -> None:
        """Show the metrics."""
        for collector in self._collectors:
            self._registry.register(collector)

    def close(self) -> None:
        """Show them no longer."""
        for collector in self._collectors:
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
                self._heartbeat.labels(STAGES[topic]).set(time_us / 1e6)

    def _count(self, kind: str, payload: Any) -> None:
        match kind:
            case "OrderChanged":
                self._orders.labels(str(payload["status"]).lower()).inc()
            case "RiskAssessed":
                refused = [rule["rule"] for rule in payload["rules"] if not rule["passed"]]
                rule = self._bounded(refused[0]) if refused else ""
                self._decisions.labels(str(payload["decision"]).lower(), rule).inc()
            case "GapDetected":
                self._faults.labels(str(payload["kind"]).lower()).inc()

    def _bounded(self, rule: str) -> str:
        if rule not in self._rules and len(self._rules) >= LABEL_VALUES_MAX:
            return "other"
        self._rules.add(rule)
        return rule


class _Gauges(Collector):
    """Figures as gauges, made when they are asked for."""

    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._figures = figures

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in GAUGES.items()]

    def collect(self) -> list[GaugeMetricFamily]:
        families = {family.name: family for family in self.describe()}
        for name, labels, value in self._figures():
            families[name].add_metric(labels, value)
        return list(families.values())
