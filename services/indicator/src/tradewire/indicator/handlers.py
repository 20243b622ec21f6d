"""What the indicator service answers: event → events."""

from __future__ import annotations

from tradewire.indicator.domain.desk import IndicatorDesk
from tradewire.ports.events import CandleClosed, StrategyStatusChanged
from tradewire.runtime.service import Input, on


def inputs(desk: IndicatorDesk) -> tuple[Input, ...]:
    """The table, in the order in which broadcast topics are read at the start."""
    return (on(StrategyStatusChanged, desk.on_status), on(CandleClosed, desk.on_candle))
