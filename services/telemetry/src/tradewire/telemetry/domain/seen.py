"""One message as it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from tradewire.ports.message import Envelope, Event

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Seen(Generic[E_co]):
    """An event with its lineage."""

    event: E_co
    envelope: Envelope

    @property
    def order(self) -> tuple[int, str]:
        """Place in the order of pages: event time (µs), then event id. The same after every restart."""
        return self.envelope.event_time_us, self.envelope.event_id

    @property
    def trace_id(self) -> str | None:
        """32 hex digits of the trace that the message belongs to (W3C Trace Context)."""
        parts = self.envelope.traceparent.split("-")
        return parts[1] if len(parts) == 4 else None
