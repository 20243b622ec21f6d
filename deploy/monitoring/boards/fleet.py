"""Does anything need me now?"""

from __future__ import annotations

from deploy.monitoring.objectives import OBJECTIVES
from deploy.monitoring.panels import Board, Panel, increase, own, rate, since

REACHED = "tradewire_dependency_reached_timestamp_seconds"


def fleet() -> Board:
    """All services at once."""
    rows = {"Work": _work(), "Objectives": _objectives(), "What runs": _what_runs()}
    return Board("tradewire-fleet", "tradewire: fleet", "Does anything need me now?", rows)


def _work() -> list[Panel]:
    return [
        Panel("Ready", "1 while an instance does its work", "short", {own("tradewire_service_ready"): "{{service}}"}),
        Panel(
            "Heartbeat records",
            "Age of the newest that came through each stage; the first old one is where it stands",
            "s",
            {since("tradewire_pipeline_heartbeat_timestamp_seconds", "stage"): "{{stage}}"},
        ),
        Panel(
            "Records",
            "Handled a second",
            "reqps",
            {rate("tradewire_messages_processed_total", "service"): "{{service}}"},
        ),
        Panel(
            "Servers",
            "Seconds since each server last answered",
            "s",
            {since(REACHED, "service, dependency"): "{{service}} {{dependency}}"},
        ),
    ]


def _objectives() -> list[Panel]:
    budgets = {
        f"{own(f'tradewire:{found.name}_errors:ratio_rate1h')} / {round(1 - found.target, 6):g}": found.name
        for found in OBJECTIVES
    }
    put_aside = {
        increase("tradewire_dead_letters_total", "service", "10m"): "{{service}} dead letters",
        increase("tradewire_records_lost_total", "service", "10m"): "{{service}} lost",
        own("tradewire_parked_keys"): "{{service}} parked keys",
    }
    return [
        Panel("Budgets", "Times faster than allowed that each error budget burns, over an hour", "short", budgets),
        Panel("Put aside or lost", "Dead letters, parked keys, records deleted unread", "short", put_aside),
    ]


def _what_runs() -> list[Panel]:
    versions = f"count by (version, git_sha, schema_set) ({own('tradewire_build_info')})"
    return [
        Panel(
            "Log records",
            "By severity, a second",
            "reqps",
            {rate("tradewire_log_records_total", "severity"): "{{severity}}"},
        ),
        Panel(
            "Versions",
            "One line for each version and set of schemas that runs",
            "short",
            {versions: "{{version}} {{git_sha}} {{schema_set}}"},
        ),
        Panel(
            "Modes",
            "Live, replay or paper, as services say",
            "short",
            {f"max by (service, mode) ({own('tradewire_mode_info')})": "{{service}} {{mode}}"},
        ),
    ]
