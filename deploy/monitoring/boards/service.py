"""What does a service do, and what holds it up?"""

from __future__ import annotations

from deploy.monitoring.panels import Board, Panel, increase, own, quantile, rate, since


def service(name: str) -> Board:
    """One service."""
    its = f'service="{name}"'
    rows = {"Work": _work(its, f'messaging_consumer_group_name="{name}"'), "State": _state(its, f'group="{name}"')}
    return Board(f"tradewire-{name}", f"tradewire: {name}", f"What does {name} do, and what holds it up?", rows)


def _work(its: str, group: str) -> list[Panel]:
    topic = "messaging_destination_name"
    answers = {
        quantile(share, "tradewire_answer_latency_seconds", "event", its): f"{{{{event}}}} {word}"
        for share, word in ((0.5, "median"), (0.99, "p99"))
    }
    return [
        Panel(
            "Records",
            "Handled a second, by topic and outcome",
            "reqps",
            {rate("tradewire_messages_processed_total", "topic, outcome", its): "{{topic}} {{outcome}}"},
        ),
        Panel(
            "Sent",
            "Acknowledged by the bus, a second",
            "reqps",
            {rate("messaging_client_sent_messages_total", topic, its): f"{{{{{topic}}}}}"},
        ),
        Panel(
            "Time in handlers",
            "99th percentile per record",
            "s",
            {quantile(0.99, "messaging_process_duration_seconds", topic, group): f"{{{{{topic}}}}}"},
        ),
        Panel("Answers", "From a message to the acknowledgement of its answer", "s", answers, exemplars=True),
    ]


def _state(its: str, group: str) -> list[Panel]:
    repeated = {
        rate("tradewire_checkpoints_total", "service", its): "checkpoints",
        rate("tradewire_publish_retries_total", "service", its): "publish retries",
    }
    put_aside = {
        increase("tradewire_dead_letters_total", "stage, reason", "10m", its): "{{stage}} {{reason}}",
        own("tradewire_parked_keys", its): "parked keys",
    }
    loop = since("tradewire_service_heartbeat_timestamp_seconds", "instance", its)
    return [
        Panel(
            "Behind",
            "Age of the oldest unread record",
            "s",
            {own("tradewire_kafka_consumer_lag_seconds", group): "{{topic}}"},
        ),
        Panel("Loop", "Seconds since the loop last came round", "s", {loop: "{{instance}}"}),
        Panel("Checkpoints and retries", "A second", "reqps", repeated),
        Panel("Put aside", "Dead letters in ten minutes by stage and reason, parked keys", "short", put_aside),
        Panel(
            "Kill switch",
            "1 while a level is in force, as the service has read it",
            "short",
            {own("tradewire_kill_switch_engaged", its): "{{scope}}"},
        ),
    ]
