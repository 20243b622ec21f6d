"""Service level objectives, as recorded ratios of what was bad, and the speed at which an error budget burns.

Windows and factors are those of the Site Reliability Workbook (Google, 2018), chapter 5, for a budget of 30 days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deploy.monitoring.scope import Scope

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BURNS = (
    ("page", "1h", "5m", 14.4),
    ("page", "6h", "30m", 6.0),
    ("ticket", "1d", "2h", 3.0),
    ("ticket", "3d", "6h", 1.0),
)
"""Severity, long window, short window, how many times faster than the budget allows."""
AGE_S, ANSWER_S, HEARTBEAT_S = "10.0", "1.0", 60
"""A bar is late, an answer slow, a heartbeat record lost after so many seconds. The first two are bounds of buckets."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What share must be good over 30 days. ``bad`` gives the expression of the bad share over a window."""

    name: str
    target: float
    alert: str
    promise: str
    bad: Callable[[Scope, str], str]


def _slow(scope: Scope, metric: str, window: str, bound: str, **labels: str) -> str:
    """Share of a histogram's observations above a bucket's bound; nothing where there were none."""
    within = f"sum(rate({scope.of(f'{metric}_bucket', le=bound, **labels)}[{window}]))"
    every = f"sum(rate({scope.of(f'{metric}_count', **labels)}[{window}]))"
    return f"1 - {within} / ({every} > 0)"


def _age(scope: Scope, window: str) -> str:
    live = f"(max({scope.of('tradewire_mode_info', service='ingest', mode='live')}) == 1)"
    return f"({_slow(scope, 'tradewire_event_age_seconds', window, AGE_S, stage='execution')}) and {live}"


def _answers(scope: Scope, window: str) -> str:
    return _slow(scope, "tradewire_answer_latency_seconds", window, ANSWER_S, service="~indicator|strategy|risk")


def _failed(scope: Scope, window: str) -> str:
    failed = scope.of("tradewire_messages_processed_total", outcome="~dead_lettered|parked")
    every = scope.of("tradewire_messages_processed_total", outcome="!heartbeat")
    return f"sum(rate({failed}[{window}])) / (sum(rate({every}[{window}])) > 0)"


def _lost_heartbeats(scope: Scope, window: str) -> str:
    return f"avg_over_time({scope.of('tradewire:heartbeat_lost:bool')}[{window}])"


def _mismatches(scope: Scope, window: str) -> str:
    return f"avg_over_time({scope.of('tradewire:ledger_mismatch:bool')}[{window}])"


OBJECTIVES = (
    Objective(
        "event_age",
        0.99,
        "TradewireEventAgeBudgetBurns",
        f"live, 99 % of bars reach execution within {float(AGE_S):g} s of their close",
        _age,
    ),
    Objective(
        "decision_latency",
        0.99,
        "TradewireDecisionLatencyBudgetBurns",
        f"indicator, strategy and risk give 99 % of their answers within {float(ANSWER_S):g} s",
        _answers,
    ),
    Objective(
        "heartbeat",
        0.995,
        "TradewireHeartbeatBudgetBurns",
        f"99.5 % of the time a heartbeat record of the last {HEARTBEAT_S} s has come through every stage",
        _lost_heartbeats,
    ),
    Objective(
        "dead_letters",
        0.9999,
        "TradewireDeadLetterBudgetBurns",
        "99.99 % of records are handled, not put aside",
        _failed,
    ),
    Objective(
        "ledger",
        0.999,
        "TradewireLedgerBudgetBurns",
        "99.9 % of the time ledger and venue know the same orders",
        _mismatches,
    ),
)


def recorded(objective: Objective, window: str) -> str:
    """Name of the series that holds the bad share over a window."""
    return f"tradewire:{objective.name}_errors:ratio_rate{window}"


def recordings(scope: Scope) -> Iterator[tuple[str, str]]:
    """Name and expression of every recorded series; what others are averaged of comes first."""
    heartbeat = f"max(time() - max by (stage) ({scope.of('tradewire_pipeline_heartbeat_timestamp_seconds')}))"
    yield "tradewire:heartbeat_lost:bool", f"{heartbeat} > bool {HEARTBEAT_S}"
    yield "tradewire:ledger_mismatch:bool", f"max({scope.of('tradewire_ledger_mismatch_orders')}) > bool 0"
    for objective in OBJECTIVES:
        for window in WINDOWS:
            yield recorded(objective, window), objective.bad(scope, window)


def burns(scope: Scope, objective: Objective, severity: str) -> str:
    """True while the budget burns too fast, over a long window and still over a short one."""
    budget = round(1 - objective.target, 6)
    return " or ".join(
        f"({scope.of(recorded(objective, long))} > {factor:g} * {budget:g} "
        f"and {scope.of(recorded(objective, short))} > {factor:g} * {budget:g})"
        for kind, long, short, factor in BURNS
        if kind == severity
    )
