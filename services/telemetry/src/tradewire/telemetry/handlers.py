"""What the telemetry service takes: every topic that tells what happened."""

from __future__ import annotations

from tradewire.ports.events import (
    AccountStateChanged,
    AuditRecorded,
    CandleClosed,
    ControlChanged,
    ControlStatusChanged,
    GapDetected,
    IndicatorsUpdated,
    InstrumentChanged,
    MarkPriceUpdated,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    RiskLimitsAnswered,
    RiskLimitsChanged,
    StrategyConfigPublished,
    StrategyEvaluated,
    StrategyStatusChanged,
    TopOfBook,
    TradeSeen,
)
from tradewire.runtime.service import Input, on
from tradewire.telemetry.domain.desk import TelemetryDesk


def inputs(desk: TelemetryDesk) -> tuple[Input, ...]:
    """The table, in the order in which broadcast topics are read at the start."""
    return (
        on(InstrumentChanged, desk.on_fact),
        on(StrategyConfigPublished, desk.on_fact, deleted=desk.on_config_deleted),
        on(StrategyStatusChanged, desk.on_fact),
        on(RiskLimitsChanged, desk.on_fact),
        on(RiskLimitsAnswered, desk.on_fact),
        on(ControlChanged, desk.on_fact),
        on(ControlStatusChanged, desk.on_fact),
        on(CandleClosed, desk.on_candle, heartbeat=desk.on_heartbeat),
        on(TradeSeen, desk.on_market),
        on(TopOfBook, desk.on_market),
        on(MarkPriceUpdated, desk.on_market),
        on(IndicatorsUpdated, desk.on_market, heartbeat=desk.on_heartbeat),
        on(GapDetected, desk.on_fact),
        on(StrategyEvaluated, desk.on_fact, heartbeat=desk.on_heartbeat),
        on(RiskAssessed, desk.on_fact, heartbeat=desk.on_heartbeat),
        on(OrderChanged, desk.on_fact),
        on(OrderFilled, desk.on_fact),
        on(AccountStateChanged, desk.on_fact),
        on(AuditRecorded, desk.on_fact),
    )
