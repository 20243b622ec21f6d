"""What the execution service answers: event → events."""

from __future__ import annotations

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import CandleClosed, ControlChanged, InstrumentChanged, RiskAssessed, StrategyStatusChanged
from tradewire.runtime.service import Input, on


def inputs(desk: ExecutionDesk) -> tuple[Input, ...]:
    """The table, in the order in which broadcast topics are read at the start.

    Candles are read outside the group: an account may trade symbols of any partition.
    """
    return (
        on(InstrumentChanged, desk.on_instrument),
        on(ControlChanged, desk.on_control, deleted=desk.kill_switch.on_deleted),
        on(StrategyStatusChanged, desk.on_status),
        on(RiskAssessed, desk.on_assessment),
        on(CandleClosed, desk.on_candle, fanout=True, heartbeat=desk.positions.on_heartbeat),
    )
