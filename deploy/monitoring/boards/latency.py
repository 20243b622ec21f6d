"""How long does it take from tick to fill, and where?"""

from __future__ import annotations

from deploy.monitoring.panels import Board, Panel, increase, own, quantile, since


def tick_to_fill() -> Board:
    """Bars and orders through the stages."""
    rows = {"Bars": _bars(), "Orders": _orders(), "Surroundings": _surroundings()}
    return Board("tradewire-tick-to-fill", "tradewire: tick to fill", "How long does it take, and where?", rows)


def _bars() -> list[Panel]:
    return [
        Panel(
            "Age at each stage",
            "99th percentile of event time to the start of processing; in a replay the age of the recording",
            "s",
            {quantile(0.99, "tradewire_event_age_seconds", "stage"): "{{stage}}"},
            exemplars=True,
        ),
        Panel(
            "Answers of each service",
            "99th percentile",
            "s",
            {quantile(0.99, "tradewire_answer_latency_seconds", "service"): "{{service}}"},
            exemplars=True,
        ),
    ]


def _orders() -> list[Panel]:
    return [
        Panel(
            f"Steps, {word}",
            "From message to message of an order",
            "s",
            {quantile(share, "tradewire_order_latency_seconds", "stage"): "{{stage}}"},
            exemplars=True,
        )
        for word, share in (("median", 0.5), ("99th percentile", 0.99))
    ]


def _surroundings() -> list[Panel]:
    return [
        Panel(
            "Clock",
            "How far the venue's clock is ahead of ours",
            "s",
            {own("tradewire_exchange_clock_offset_seconds"): "{{instance}}"},
        ),
        Panel(
            "Kill switch",
            "From an operator's order to its effect, 99th percentile",
            "s",
            {quantile(0.99, "tradewire_kill_switch_propagation_seconds", "service"): "{{service}}"},
        ),
        Panel(
            "Faults of the market stream",
            "In 15 minutes, by kind",
            "short",
            {increase("tradewire_market_faults_total", "kind", "15m"): "{{kind}}"},
        ),
        Panel(
            "Newest event",
            "Age of the newest event time of each stage",
            "s",
            {since("tradewire_newest_event_timestamp_seconds", "stage"): "{{stage}}"},
        ),
    ]
