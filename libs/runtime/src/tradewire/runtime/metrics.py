"""Prometheus metrics that every service has. Names and units: docs/metrics.md (Prometheus naming rules)."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

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
            ["messaging_destination_name", "messaging_consumer_group_name"],
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
            "Age of the newest record read while behind; 0 when caught up.",
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
            ["service", "topic", "stage"],
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
            "tradewire_build_info", "Always 1; what runs here.", ["service", "version"], registry=registry
        )

    def forget_partition(self, group: str, topic: str, partition: int) -> None:
        """Drop the series of a partition that left: a frozen lag would lie."""
        try:
            self.lag.remove(group, topic, str(partition))
        except KeyError:
            return
