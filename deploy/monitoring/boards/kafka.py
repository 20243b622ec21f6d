"""Who is behind, and why?"""

from __future__ import annotations

from deploy.monitoring.panels import Board, Panel, increase, own, quantile, since

PROGRESS = "tradewire_kafka_consumer_last_progress_timestamp_seconds"
EACH = "{{group}} {{topic}}"


def kafka() -> Board:
    """Consumer groups and producers."""
    rows = {"Lag": _lag(), "Groups and producers": _groups()}
    return Board("tradewire-kafka", "tradewire: Kafka", "Who is behind, and why?", rows)


def _lag() -> list[Panel]:
    seconds = f"max by (group, topic) ({own('tradewire_kafka_consumer_lag_seconds')})"
    records = f"sum by (group, topic) ({own('tradewire_kafka_consumer_lag_records')})"
    return [
        Panel("Seconds", "Age of the oldest unread record", "s", {seconds: EACH}),
        Panel("Records", "Behind the end", "short", {records: EACH}),
        Panel("Progress", "Seconds since a record was last handled", "s", {since(PROGRESS, "group, topic"): EACH}),
        Panel(
            "Parked keys",
            "Accounts that stand still behind a dead letter",
            "short",
            {own("tradewire_parked_keys"): "{{service}}"},
        ),
    ]


def _groups() -> list[Panel]:
    return [
        Panel(
            "Rebalances",
            "In 15 minutes",
            "short",
            {increase("tradewire_kafka_rebalances_total", "group", "15m"): "{{group}}"},
        ),
        Panel(
            "Time of a rebalance",
            "99th percentile, until the state was restored",
            "s",
            {quantile(0.99, "tradewire_kafka_rebalance_duration_seconds", "group"): "{{group}}"},
        ),
        Panel(
            "Producers made anew",
            "Because the outcome of a send was unknown, in 15 minutes",
            "short",
            {increase("tradewire_producer_reinit_total", "instance", "15m"): "{{instance}}"},
        ),
    ]
