"""For every alert: series with which it fires, and series that come close and with which it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradewire.ports.topics import SERVICES

Series = dict[str, str]
"""Selector → values in promtool's notation, one a minute."""
NOW = "300"
"""Minutes after the epoch at which cases are looked at, unless they say otherwise."""


@dataclass(frozen=True)
class Case:
    """``labels``: which of the alert's rules is meant, where it has several. ``at``: minute of the look."""

    alert: str
    fires: Series
    quiet: Series
    labels: dict[str, str] = field(default_factory=dict)
    at: int = 300


def _since(minute: int, value: float) -> str:
    """The value up to a minute, then the minute's own time in seconds stands still: a timestamp that stopped."""
    return f"0+60x{minute} {minute * 60}x{400 - minute}" if value else ""


CLOCK = "0+60x400"
"""A timestamp that keeps up with the clock."""
LATE = _since(290, 1)
"""A timestamp that stopped ten minutes before the look."""
FINE = _since(299, 1)
"""A timestamp that is a minute old."""


def _of_each(template: str, services: tuple[str, ...], values: str) -> Series:
    return {template % service: values for service in services}


FAULT = 'tradewire_market_faults_total{kind="%s"}'
"""By kind. A hole that was closed, ``filled``, is counted beside the faults and is none."""
READY = 'tradewire_service_ready{service="%s"}'


def _gone(service: str) -> Case:
    others = tuple(name for name in SERVICES if name != service)
    return Case(
        "TradewireServiceAbsent",
        _of_each(READY, others, "1x400"),
        _of_each(READY, SERVICES, "0x400"),
        {"service": service},
    )


def _burning(metric: str, alert: str, bad: str, good: str) -> list[Case]:
    """A budget that burns at once, at length, and one that burns as it may."""
    return [
        Case(alert, {metric: bad}, {metric: good}, {"severity": severity}, at)
        for severity, at in (("page", 300), ("ticket", 1400))
    ]


def _histogram(metric: str, labels: str, bound: str, slow_share: float) -> Series:
    """Hundred observations a minute of which a share is above the bound."""
    within = 100 * (1 - slow_share)
    return {
        f'{metric}_bucket{{{labels}, le="{bound}"}}': f"0+{within:g}x1500",
        f"{metric}_count{{{labels}}}": "0+100x1500",
    }


LIVE = {'tradewire_mode_info{service="ingest", mode="live"}': "1x1500"}
REPLAY = {'tradewire_mode_info{service="ingest", mode="replay"}': "1x1500"}
AGE = ("tradewire_event_age_seconds", 'stage="execution"', "10.0")
ANSWER = ("tradewire_answer_latency_seconds", 'service="risk", event="RiskAssessed"', "1.0")


def _handled(dead: float) -> Series:
    name = "tradewire_messages_processed_total"
    return {
        f'{name}{{service="risk", topic="t", outcome="ok"}}': "0+1000x1500",
        f'{name}{{service="risk", topic="t", outcome="dead_lettered"}}': f"0+{dead:g}x1500",
    }


def _budget(alert: str, bad: Series, good: Series) -> list[Case]:
    return [Case(alert, bad, good, {"severity": kind}, at) for kind, at in (("page", 400), ("ticket", 1450))]


CASES = [
    *map(_gone, SERVICES),
    Case("TradewireServiceNotReady", {READY % "risk": "0x400"}, {READY % "risk": "0x296 1x100"}),
    Case(
        "TradewireInstanceNotReady",
        {
            'tradewire_service_ready{service="risk", pod="a"}': "1x400",
            'tradewire_service_ready{service="risk", pod="b"}': "0x400",
        },
        {
            'tradewire_service_ready{service="risk", pod="a"}': "1x400",
            'tradewire_service_ready{service="risk", pod="b"}': "1x290 0x100",
        },
    ),
    Case(
        "TradewireLoopStands",
        {'tradewire_service_heartbeat_timestamp_seconds{service="risk"}': LATE},
        {'tradewire_service_heartbeat_timestamp_seconds{service="risk"}': CLOCK},
    ),
    Case(
        "TradewireNothingPasses",
        {'tradewire_pipeline_heartbeat_timestamp_seconds{stage="strategy"}': LATE},
        {'tradewire_pipeline_heartbeat_timestamp_seconds{stage="strategy"}': FINE},
        {"service": "strategy"},
    ),
    Case(
        "TradewireReadsLate",
        {'tradewire_kafka_consumer_lag_seconds{group="risk", topic="t"}': "61x400"},
        {'tradewire_kafka_consumer_lag_seconds{group="risk", topic="t"}': "0x297 500x100"},
        {"service": "risk", "topic": "t"},
    ),
    Case(
        "TradewireConsumerStands",
        {
            'tradewire_kafka_consumer_last_progress_timestamp_seconds{group="risk", topic="t"}': LATE,
            'tradewire_kafka_consumer_lag_records{group="risk", topic="t", partition="0"}': "7x400",
        },
        {
            'tradewire_kafka_consumer_last_progress_timestamp_seconds{group="risk", topic="t"}': LATE,
            'tradewire_kafka_consumer_lag_records{group="risk", topic="t", partition="0"}': "0x400",
        },
        {"service": "risk", "topic": "t"},
    ),
    Case(
        "TradewireDependencyAway",
        {'tradewire_dependency_reached_timestamp_seconds{service="risk", dependency="store"}': LATE},
        {'tradewire_dependency_reached_timestamp_seconds{service="risk", dependency="store"}': FINE},
    ),
    Case(
        "TradewireRebalancesTooOften",
        {'tradewire_kafka_rebalances_total{group="risk"}': "0+1x400"},
        {'tradewire_kafka_rebalances_total{group="risk"}': "0x290 8x100"},
        {"service": "risk"},
    ),
    Case(
        "TradewireDeadLetters",
        {'tradewire_dead_letters_total{service="risk", topic="t", stage="decode", reason="x"}': "0x295 1x100"},
        {'tradewire_dead_letters_total{service="risk", topic="t", stage="decode", reason="x"}': "0x280 1x100"},
        {"service": "risk", "topic": "t"},
    ),
    Case(
        "TradewireParkedKeys",
        {'tradewire_parked_keys{service="risk"}': "1x400"},
        {'tradewire_parked_keys{service="risk"}': "0x400"},
    ),
    Case(
        "TradewireRecordsLost",
        {'tradewire_records_lost_total{service="risk", topic="t"}': "0x295 91x100"},
        {'tradewire_records_lost_total{service="risk", topic="t"}': "91x400"},
        {"service": "risk", "topic": "t"},
    ),
    Case(
        "TradewireCandlesNotFollowing",
        {'tradewire_candles_not_following_total{service="indicator", verdict="unlinked"}': "0x295 1x100"},
        {'tradewire_candles_not_following_total{service="indicator", verdict="unlinked"}': "3x400"},
        {"service": "indicator", "verdict": "unlinked"},
    ),
    Case(
        "TradewireMarketFaults",
        {FAULT % "missing": "0x295 1x100"},
        {FAULT % "missing": "3x400", FAULT % "filled": "0x295 1x100"},
    ),
    Case(
        "TradewireErrorsLogged",
        {'tradewire_log_records_total{severity="ERROR"}': "0x295 1x100"},
        {
            'tradewire_log_records_total{severity="WARNING"}': "0x295 1x100",
            'tradewire_log_records_total{severity="ERROR"}': "5x400",
        },
    ),
    Case(
        "TradewireLedgerMismatch",
        {'tradewire_ledger_mismatch_orders{account="main"}': "2x400"},
        {'tradewire_ledger_mismatch_orders{account="main"}': "0x299 2x1 0x100"},
    ),
    Case(
        "TradewireAccountHalted",
        {'tradewire_account_halted{account="main"}': "1x400"},
        {'tradewire_account_halted{account="main"}': "0x400"},
    ),
    Case(
        "TradewireExposureAboveLimit",
        {'tradewire_exposure_ratio{account="main"}': "1.2x400"},
        {'tradewire_exposure_ratio{account="main"}': "1x400"},
    ),
    Case(
        "TradewireClockOff",
        {"tradewire_exchange_clock_offset_seconds": "-0.6x400"},
        {"tradewire_exchange_clock_offset_seconds": "0.5x400"},
    ),
    Case(
        "TradewireKillSwitchEngaged",
        {'tradewire_kill_switch_engaged{service="risk", scope="global"}': "1x400"},
        {'tradewire_kill_switch_engaged{service="risk", scope="global"}': "0x250 1x100"},
    ),
    Case(
        "TradewireVersionsDiffer",
        {f'tradewire_build_info{{service="{name}", schema_set="{name}"}}': "1x400" for name in ("risk", "execution")},
        {f'tradewire_build_info{{service="{name}", schema_set="one"}}': "1x400" for name in ("risk", "execution")},
    ),
    *_budget("TradewireEventAgeBudgetBurns", LIVE | _histogram(*AGE, 0.2), LIVE | _histogram(*AGE, 0.005)),
    *_budget("TradewireEventAgeBudgetBurns", LIVE | _histogram(*AGE, 0.2), REPLAY | _histogram(*AGE, 1.0)),
    *_budget("TradewireDecisionLatencyBudgetBurns", _histogram(*ANSWER, 0.2), _histogram(*ANSWER, 0.005)),
    *_budget("TradewireDeadLetterBudgetBurns", _handled(2), _handled(0.05)),
    *_budget(
        "TradewireHeartbeatBudgetBurns",
        {'tradewire_pipeline_heartbeat_timestamp_seconds{stage="risk"}': "0x1500"},
        {'tradewire_pipeline_heartbeat_timestamp_seconds{stage="risk"}': "0+60x1500"},
    ),
    *_budget(
        "TradewireLedgerBudgetBurns",
        {'tradewire_ledger_mismatch_orders{account="main"}': "1x1500"},
        {'tradewire_ledger_mismatch_orders{account="main"}': "0x1500"},
    ),
]
