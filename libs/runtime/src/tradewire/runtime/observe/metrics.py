"""Prometheus metrics that every service has. Names and units: docs/metrics.md (Prometheus naming rules)."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from tradewire.ports.errors import ContractViolationError

LATENCY_BUCKETS_S = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
)
AGE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
STAGES = ("decode", "validate", "handle", "publish", "parked")
OUTCOMES = ("ok", "retried", "dead_lettered", "parked")


class Metrics:
    """The metrics of one process. Several services in one process (the monolith) share one instance."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._work(registry)
        self._group(registry)
        self._delivery(registry)
        self._process(registry)

    def _work(self, registry: CollectorRegistry) -> None:
        self.processed = Counter(
            "tradewire_messages_processed",
            "Records handled, by outcome.",
            ["service", "topic", "outcome"],
            registry=registry,
        )
        self.sent = Counter(
            "messaging_client_sent_messages",
            "Records sent.",
            ["service", "messaging_destination_name"],
            registry=registry,
        )
        self.process_duration = Histogram(
            "messaging_process_duration_seconds",
            "Time in the handlers per batch and topic, divided by its records.",
            ["messaging_destination_name", "messaging_consumer_group_name", "error_type"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.event_age = Histogram(
            "tradewire_event_age_seconds",
            "Event time to the start of processing.",
            ["stage"],
            buckets=AGE_BUCKETS_S,
            registry=registry,
        )

    def _group(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "tradewire_kafka_consumer_lag_records",
            "Records behind the end.",
            ["group", "topic", "partition"],
            registry=registry,
        )
        self.lag_seconds = Gauge(
            "tradewire_kafka_consumer_lag_seconds",
            "Age of the oldest unread record; 0 when there is none.",
            ["group", "topic"],
            registry=registry,
        )
        self.progress = Gauge(
            "tradewire_kafka_consumer_last_progress_timestamp_seconds",
            "When a record was last handled.",
            ["group", "topic"],
            registry=registry,
        )
        self.rebalances = Counter("tradewire_kafka_rebalances", "Assignments received.", ["group"], registry=registry)
        self.rebalance_duration = Histogram(
            "tradewire_kafka_rebalance_duration_seconds",
            "From the join or the revocation until the new partitions' state was restored.",
            ["group"],
            buckets=AGE_BUCKETS_S,
            registry=registry,
        )

    def _delivery(self, registry: CollectorRegistry) -> None:
        self.dead_letters = Counter(
            "tradewire_dead_letters",
            "Records sent to the dead-letter topic.",
            ["service", "topic", "stage", "reason"],
            registry=registry,
        )
        self.records_lost = Counter(
            "tradewire_records_lost",
            "Records that were deleted before the service read them.",
            ["service", "topic"],
            registry=registry,
        )
        self.parked_keys = Gauge(
            "tradewire_parked_keys",
            "Keys whose records wait behind a dead letter.",
            ["service"],
            registry=registry,
        )
        self.publish_retries = Counter(
            "tradewire_publish_retries",
            "Batches published again after an unknown outcome.",
            ["service"],
            registry=registry,
        )
        self.checkpoints = Counter(
            "tradewire_checkpoints", "State written and offsets committed.", ["service"], registry=registry
        )
        self.producer_reinits = Counter(
            "tradewire_producer_reinit",
            "Producers thrown away because the outcome of a send was unknown.",
            registry=registry,
        )

    def _process(self, registry: CollectorRegistry) -> None:
        self.heartbeat = Gauge(
            "tradewire_service_heartbeat_timestamp_seconds",
            "When the service's loop last came round.",
            ["service"],
            registry=registry,
        )
        self.ready = Gauge(
            "tradewire_service_ready", "1 while the service does its work.", ["service"], registry=registry
        )
        self.reached = Gauge(
            "tradewire_dependency_reached_timestamp_seconds",
            "When a server that the service depends on last answered.",
            ["service", "dependency"],
            registry=registry,
        )
        self.log_records = Counter("tradewire_log_records", "Log records by severity.", ["severity"], registry=registry)
        self.kill_switch = Gauge(
            "tradewire_kill_switch_engaged", "1 while the scope is not NORMAL.", ["service", "scope"], registry=registry
        )
        self.kill_switch_propagation = Histogram(
            "tradewire_kill_switch_propagation_seconds",
            "Order of the operator to its effect here.",
            ["service"],
            registry=registry,
        )
        self.build_info = Gauge(
            "tradewire_build_info",
            "Always 1; what runs here.",
            ["service", "version", "git_sha", "schema_set"],
            registry=registry,
        )
        self.mode_info = Gauge(
            "tradewire_mode_info", "Always 1; live, replay, paper or unknown.", ["service", "mode"], registry=registry
        )

    def begin(self, service: str, topics: Sequence[str]) -> None:
        """Counters of a service exist from its start, at 0: an alert on a rate sees the first increase."""
        for topic in topics:
            for outcome in OUTCOMES:
                self.processed.labels(service, topic, outcome)
            for stage in STAGES:
                self.dead_letters.labels(service, topic, stage, ContractViolationError.__name__)
        for counter in (self.rebalances, self.publish_retries, self.checkpoints):
            counter.labels(service)
        self.parked_keys.labels(service).set(0)
        for severity in ("WARNING", "ERROR", "CRITICAL"):
            self.log_records.labels(severity)
