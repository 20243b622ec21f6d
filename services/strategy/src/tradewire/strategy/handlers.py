"""What the strategy service answers: event → events."""

from __future__ import annotations

from tradewire.ports.events import (
    IndicatorsUpdated,
    InstrumentChanged,
    StrategyConfigPublished,
    StrategyStatusChanged,
)
from tradewire.runtime.service import Input, on
from tradewire.strategy.domain.desk import StrategyDesk


def inputs(desk: StrategyDesk) -> tuple[Input, ...]:
    """The table, in the order in which broadcast topics are read at the start: answers before questions."""
    return (
        on(InstrumentChanged, desk.on_instrument),
        on(StrategyStatusChanged, desk.on_status, displaced=desk.on_displaced),
        on(StrategyConfigPublished, desk.on_config, deleted=desk.on_retired),
        on(IndicatorsUpdated, desk.on_snapshot),
    )
