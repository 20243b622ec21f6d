"""A bar's evaluation by one version of a strategy."""

from __future__ import annotations

from tradewire.ports.events import (
    ActiveVersion,
    IndicatorsUpdated,
    Signal,
    Sizing,
    SizingMethod,
    StrategyEvaluated,
)
from tradewire.ports.message import Attributes, Emit, Envelope, Work
from tradewire.trading.language import CompiledStrategy


def evaluate(
    strategy_id: str, version: ActiveVersion, compiled: CompiledStrategy, event: IndicatorsUpdated, envelope: Envelope
) -> Emit:
    """What a version decides on a bar, and what it saw."""
    answer = compiled.evaluate(event.values, event.previous)
    evaluated = StrategyEvaluated(
        account_id=version.account_id,
        strategy_id=strategy_id,
        config_version=version.version,
        venue=event.venue,
        symbol=event.symbol,
        interval=event.interval,
        event_time_us=event.event_time_us,
        signal=Signal(answer.signal.name),
        ready=answer.ready,
        entry_long=answer.entry_long,
        exit_long=answer.exit_long,
        entry_short=answer.entry_short,
        exit_short=answer.exit_short,
        close=event.close,
        sizing=Sizing(
            method=SizingMethod(compiled.sizing.method.name),
            value=float(compiled.sizing.amount),
            max_leverage=float(compiled.sizing.max_leverage) if compiled.sizing.max_leverage is not None else None,
            inputs=dict(answer.sizing_inputs),
        ),
        stop_distance=answer.stop_distance,
        take_profit_distance=answer.take_profit_distance,
        trailing_distance=answer.trailing_distance,
        seen={key: event.values.get(key) for key in compiled.demands},
        candle_offset=event.input_offset,
        last_of_stream=event.last_of_stream,
    )
    attributes: Attributes = {"tradewire.strategy.id": strategy_id, "tradewire.config.version": version.version}
    return Emit(evaluated, envelope, strategy_id, work=Work("strategy.evaluate", attributes))
