"""The only file that names adapters."""

from __future__ import annotations

from tradewire.ports.events import AuditRecorded, ControlStatusChanged, RiskAssessed, RiskLimitsAnswered
from tradewire.ports.risk import RiskPort
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.adapters.postgres_rules import PostgresRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.figures import METRICS, DecisionCounts, figures
from tradewire.risk.handlers import inputs
from tradewire.risk.settings import Settings
from tradewire.risk.store import RiskStore
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.service import Service


def build(settings: Settings) -> Service:
    """The risk service as a value."""
    kept = PostgresRules(settings.risk_dsn) if settings.risk_dsn is not None else None
    grace_us = round(settings.join_grace_seconds * 1e6) if settings.join_grace_seconds is not None else None
    rules: RiskPort = kept or MemoryRules()
    desk, decisions = RiskDesk(rules, grace_us=grace_us), DecisionCounts()
    return Service(
        name="risk",
        inputs=inputs(desk),
        outputs=(RiskAssessed, RiskLimitsAnswered, ControlStatusChanged, AuditRecorded),
        store=RiskStore(desk, kept, SystemClock()),
        held=desk.pending.lowest,
        holds=desk.pending.has,
        backlog=desk.pending.counts,
        tick=desk.tick,
        status=desk.status,
        waits=desk.waits,
        hurried=desk.admission.unknown.doubts,
        doubts=desk.admission.unknown.doubts,
        settle=desk.admission.unknown.settle,
        levels=desk.controls.told,
        accounts=desk.accounts,
        renew=lambda: build(settings),
        mode="replay" if grace_us is None else "live",
        metrics=METRICS,
        figures=lambda: figures(desk.accounts().values(), rules, decisions),
        sent=decisions.count,
    )
