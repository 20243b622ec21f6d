"""Prometheus metrics that every service has. Names and units: docs/metrics.md (Prometheus naming rules)."""

from __future__ import annotations

from collections.abc import Sequence

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
_JUDGED = ("ContractViolationError", "OutOfBoundsError", "RefusedRecordError")
REASONS = {
    "decode": ("ContractViolationError",),
    "validate": _JUDGED,
    "handle": (*_JUDGED, "OrderIdReusedError"),
    "publish": ("ContractViolationError", "OutOfBoundsError", "OversizeError"),
    "parked": ("ContractViolationError",),
}
"""Stage of a dead letter → types of the error that it may have. A test derives the types."""
OUTCOMES = ("ok", "retried", "dead_lettered", "parked", "skipped", "heartbeat")


class Metrics:
    """The metrics of one process. Several services in one process (the monolith) share one instance."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._work(registry)
        self._group(registry)
        self._delivery(registry)
        self._process(registry)
        self._told(registry)

    def _work(self, registry: CollectorRegistry) -> None:
        self.processed = Counter(
            "tradewire_messages_processed",
            "Records handled; outcome is ok, retried, dead_lettered, parked (its letter is there "
            "already), skipped (an operator asked for it) or heartbeat.",
            ["service", "topic", "outcome"],
            registry=registry,
        )
        self.sent = Counter(
            "messaging_client_sent_messages",
            "Records acknowledged by the bus.",
            ["service", "messaging_destination_name"],
            registry=registry,
        )
        self.process_duration = Histogram(
            "messaging_process_duration_seconds",
            "Time in the handlers per record, one observation per topic, batch and type of error; error_type is "
            "empty where all went well.",
            ["messaging_destination_name", "messaging_consumer_group_name", "error_type"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.answer_latency = Histogram(
            "tradewire_answer_latency_seconds",
            "From the sending of a message to the acknowledgement of an answer to it.",
            ["service", "event"],
            buckets=(*LATENCY_BUCKETS_S, 30, 60),
            registry=registry,
        )
        self.event_age = Histogram(
            "tradewire_event_age_seconds",
            "Event time to the start of processing, at ingest to the publication; stage is the service. In a "
            "replay it is the age of the recording. Exemplars name a trace. Records whose producer says no time "
            "are left out.",
            ["stage"],
            buckets=AGE_BUCKETS_S,
            registry=registry,
        )

    def _group(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "tradewire_kafka_consumer_lag_records",
            "Records behind the end; dropped when the partition leaves.",
            ["group", "topic", "partition"],
            registry=registry,
        )
        self.lag_seconds = Gauge(
            "tradewire_kafka_consumer_lag_seconds",
            "Age of the oldest unread record; 0 when there is none. It grows while the bus does not answer.",
            ["group", "topic"],
            registry=registry,
        )
        self.progress = Gauge(
            "tradewire_kafka_consumer_last_progress_timestamp_seconds",
            "When a record was last handled, seconds since the epoch.",
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
            "Records sent to dlq.<service>.v1; stage is decode, validate, handle, publish or parked; reason is "
            "the type of the error.",
            ["service", "topic", "stage", "reason"],
            registry=registry,
        )
        self.records_lost = Counter(
            "tradewire_records_lost",
            "Records that were deleted before the service read them; 0 from the start for each topic that it reads.",
            ["service", "topic"],
            registry=registry,
        )
        self.parked_keys = Gauge(
            "tradewire_parked_keys",
            "Account keys whose records wait behind a dead letter.",
            ["service"],
            registry=registry,
        )
        self.publish_retries = Counter(
            "tradewire_publish_retries",
            "Tries repeated because the outcome of one was unknown.",
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
            "When the service's loop last came round; it stands still while the service waits for its servers.",
            ["service"],
            registry=registry,
        )
        self.pipeline_heartbeat = Gauge(
            "tradewire_pipeline_heartbeat_timestamp_seconds",
            "When the newest heartbeat record seen here was sent by ingest, which does so every "
            "TRADEWIRE_HEARTBEAT_SECONDS; stage is the service.",
            ["stage"],
            registry=registry,
        )
        self.ready = Gauge(
            "tradewire_service_ready",
            "1 while the service does its work: see /health/ready.",
            ["service"],
            registry=registry,
        )
        self.reached = Gauge(
            "tradewire_dependency_reached_timestamp_seconds",
            "When the bus, the store or the registry last answered.",
            ["service", "dependency"],
            registry=registry,
        )

    def _told(self, registry: CollectorRegistry) -> None:
        self.log_records = Counter("tradewire_log_records", "Log records.", ["severity"], registry=registry)
        self.kill_switch = Gauge(
            "tradewire_kill_switch_engaged",
            "1 while a kill switch or pause is on for the scope, as this service has read it.",
            ["service", "scope"],
            registry=registry,
        )
        self.kill_switch_propagation = Histogram(
            "tradewire_kill_switch_propagation_seconds",
            "From the operator's order to its effect in this service.",
            ["service"],
            registry=registry,
        )
        self.build_info = Gauge(
            "tradewire_build_info",
            "Always 1; what runs here. git_sha is TRADEWIRE_REVISION, schema_set names the schemas of all topics "
            "together.",
            ["service", "version", "git_sha", "schema_set"],
            registry=registry,
        )
        self.mode_info = Gauge(
            "tradewire_mode_info",
            "Always 1; ingest and risk are live or replay, execution is paper, others unknown.",
            ["service", "mode"],
            registry=registry,
        )

    def begin(self, service: str, reads: Sequence[str], writes: Sequence[str]) -> None:
        """Counters of a service exist from its start, at 0: an alert on a rate sees the first increase."""
        for topic in reads:
            for outcome in OUTCOMES:
                self.processed.labels(service, topic, outcome)
            for stage, reasons in REASONS.items():
                for reason in reasons:
                    self.dead_letters.labels(service, topic, stage, reason)
        for topic in writes:
            self.sent.labels(service, topic)
            for reason in REASONS["publish"]:
                self.dead_letters.labels(service, topic, "publish", reason)
        for counter in (self.rebalances, self.publish_retries, self.checkpoints):
            counter.labels(service)
        self.parked_keys.labels(service).set(0)
        for severity in ("WARNING", "ERROR", "CRITICAL"):
            self.log_records.labels(severity)
