"""Messages as entries of the log store."""

from __future__ import annotations

from tradewire.ports.message import Event
from tradewire.ports.telemetry import TelemetryEntry
from tradewire.telemetry.domain.seen import Seen


def entry_of(seen: Seen[Event], *, recorded_at_us: int) -> TelemetryEntry:
    """The entry of a message. An id that the event does not have is None."""
    event, envelope = seen.event, seen.envelope
    return TelemetryEntry(
        event_id=envelope.event_id,
        topic=envelope.topic,
        partition=envelope.partition,
        offset=envelope.offset,
        event_time_us=envelope.event_time_us,
        recorded_at_us=recorded_at_us,
        kind=type(event).__name__,
        account_id=getattr(event, "account_id", None),
        strategy_id=getattr(event, "strategy_id", None),
        symbol=getattr(event, "symbol", None),
        client_order_id=getattr(event, "client_order_id", None),
        trace_id=getattr(event, "trace_id", None) or seen.trace_id,
        correlation_id=envelope.correlation_id or None,
        causation_id=envelope.causation_id or None,
        payload=event.to_avro(),
    )
