"""What every message has in common: the model, its envelope and the topic it travels on."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

EVENT_NAMESPACE = uuid.UUID("7d1d1c4e-6f0f-5c2e-9a53-0c5f2a1f7a11")
"""Namespace of all event ids; changing it changes every id and so every client order id."""

_NAMESPACE_BYTES = EVENT_NAMESPACE.bytes
_VARIANTS = {digit: f"{int(digit, 16) & 3 | 8:x}" for digit in "0123456789abcdef"}
"""RFC 9562's variant in the two highest bits of a hex digit."""


class Part(BaseModel):
    """A record inside a message. Frozen; unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="strings")

    def to_avro(self) -> dict[str, object]:
        """Plain values as the Avro writer takes them."""
        raise NotImplementedError


class Event(Part):
    """A message. Its topic and key follow from its type: see ``tradewire.ports.topics``."""


def derived_id(cause_id: str, kind: str, ordinal: str | int) -> str:
    """Event id of the ``ordinal``-th ``kind`` caused by ``cause_id``: the same on every replay.

    Source: RFC 9562 UUID version 5 over (cause, kind, ordinal).
    """
    return _uuid5(f"{cause_id}|{kind}|{ordinal}")


def root_id(venue: str, symbol: str, stream: str, time_us: int) -> str:
    """Event id of something the venue said: from venue, symbol, stream and the venue's own time."""
    return _uuid5(f"{venue}|{symbol}|{stream}|{time_us}")


def _uuid5(name: str) -> str:
    """``str(uuid.uuid5(EVENT_NAMESPACE, name))`` at a third of its cost: every message needs one."""
    digits = hashlib.sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Lineage of one message, carried in its record headers.

    ``traceparent`` is W3C Trace Context of the span that sent it; ``process_context`` of the span that handles it
    (the parent of whatever the handling causes). ``sent_at_us``: wall clock of its sender, µs in steps of 1 ms; 0 where
    it is not known. No decision may depend on it.
    """

    event_id: str
    causation_id: str = ""
    correlation_id: str = ""
    event_time_us: int = 0
    producer: str = ""
    traceparent: str = ""
    process_context: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    sent_at_us: int = 0

    @property
    def child_context(self) -> str:
        """The traceparent that effects of this message continue."""
        return self.process_context or self.traceparent


Attributes = dict[str, str | int | float | bool]
"""Attributes of a span, by their OpenTelemetry or ``tradewire.*`` names."""


@dataclass(frozen=True, slots=True)
class Work:
    """An INTERNAL span: a piece of domain work worth seeing in a trace.

    ``carries_send``: the message is sent from within the work, rather than beside it. ``detached``: it is too late to
    belong to its cause's trace and begins one of its own, linked to the first. ``logged``: it is also worth a log line.
    ``kept``: it is recorded whatever share of traces is. ``events``: what happened in it, as (name, attributes).
    """

    name: str
    attributes: Attributes = field(default_factory=dict)
    carries_send: bool = False
    detached: bool = False
    logged: bool = False
    links: tuple[str, ...] = ()
    kept: bool = False
    events: tuple[tuple[str, Attributes], ...] = ()


@dataclass(frozen=True, slots=True)
class Emit:
    """An event to publish, with the message that caused it.

    ``ordinal`` tells apart several effects of one kind and cause; ``partition`` overrides the key's partition (state
    changelogs follow their source); ``event_id`` is given only by root events and republished ones.
    """

    event: Event
    cause: Envelope | None = None
    ordinal: str | int = 0
    partition: int | None = None
    event_id: str | None = None
    work: Work | None = None
    attributes: Attributes = field(default_factory=dict)


class WaitReason(NamedTuple):
    """What a service can't go on without. ``reason``: a stable word, listed in docs/metrics.md.

    ``what``: for people; ``event_time_us``: the step that stands still, where it is one.
    """

    reason: str
    what: str
    event_time_us: int | None = None


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One row of the topic map."""

    name: str
    event: type[Event]
    group: str
    key: str
    partitions: int
    cleanup: str
    retention_ms: int | None
    delete_retention_ms: int | None
    min_compaction_lag_ms: int | None
    compatibility: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    fanout: tuple[str, ...]
    schema_id: int
    schema_json: str

    @property
    def broadcast(self) -> bool:
        """Read whole by every instance, rather than shared within a consumer group."""
        return self.group == "B"

    def is_shared_by(self, service: str) -> bool:
        """Do the instances of a service share its partitions as a consumer group?

        Not where each reads it whole (broadcast, fan-out), and not where it is the service's own changelog.
        """
        whole = self.broadcast or service in self.fanout
        return service in self.consumers and not whole and service not in self.producers

    def key_of(self, event: Event) -> str:
        """Record key of an event on this topic."""
        return self.key.format_map(event.__dict__)
