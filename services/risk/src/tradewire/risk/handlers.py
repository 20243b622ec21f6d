"""What the risk service answers: event → events."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from tradewire.ports.events import (
    AccountStateChanged,
    ControlChanged,
    InstrumentChanged,
    RiskLimitsAnswered,
    RiskLimitsChanged,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Emit, Envelope
from tradewire.risk.domain.desk import RiskDesk
from tradewire.runtime.service import Input, on


def inputs(desk: RiskDesk) -> tuple[Input, ...]:
    """The table, in the order in which broadcast topics are read at the start."""

    def on_skipped(event: StrategyEvaluated, envelope: Envelope) -> Iterable[Emit]:
        return desk.admission.skip(event, envelope, desk.accounts().get(event.account_id))

    return (
        on(InstrumentChanged, desk.on_instrument),
        on(RiskLimitsAnswered, desk.limits.on_answer, displaced=desk.limits.on_displaced),
        on(RiskLimitsChanged, desk.limits.on_change),
        on(ControlChanged, desk.on_control, deleted=desk.on_control_deleted),
        on(StrategyStatusChanged, desk.on_status),
        on(StrategyEvaluated, desk.on_evaluation, skipped=on_skipped),
        on(AccountStateChanged, desk.on_account, skipped=partial(desk.on_account, goes_on=True)),
    )
