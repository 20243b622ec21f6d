"""What execution remembers of an order that it places."""

from __future__ import annotations

from dataclasses import replace

from tradewire.execution.domain.account import OrderRecord
from tradewire.ports.events import OrderIntent, RiskAssessed
from tradewire.ports.message import Envelope
from tradewire.trading.wire import e8


def cause_of(envelope: Envelope) -> Envelope:
    """An assessment as the cause of what its orders lead to."""
    return replace(envelope, traceparent=envelope.child_context)


def record_of(event: RiskAssessed, intent: OrderIntent, envelope: Envelope, time_us: int) -> OrderRecord:
    """The record of one intent of an assessment, placed at an event time."""
    cause = cause_of(envelope)
    return OrderRecord(
        strategy_id=event.strategy_id,
        venue=event.venue,
        symbol=event.symbol,
        side=intent.side.value,
        order_type=intent.order_type.value,
        leg=intent.leg.value,
        qty_e8=e8(intent.qty),
        price_e8=e8(intent.price) if intent.price is not None else 0,
        stop_price_e8=e8(intent.stop_price) if intent.stop_price is not None else 0,
        reduce_only=intent.reduce_only,
        evaluation_id=event.evaluation_id,
        placed_us=time_us,
        event_id=cause.event_id,
        correlation_id=cause.correlation_id,
        traceparent=cause.traceparent,
        working_e8=e8(intent.qty),
        reference_e8=e8(intent.reference_price) if intent.reference_price is not None else 0,
    )
