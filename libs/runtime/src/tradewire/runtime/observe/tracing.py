"""Spans and trace context: one trace per bar, whose id is that of the event that began it, masked with the run's.

Event ids are the same in every replay; two replays of the same data are two sets of traces all the same.

Names and attributes follow the OpenTelemetry semantic conventions for messaging, v1.44. ``process`` spans have the
``send`` span as parent and also link to it: a documented opt-in of those conventions, so that a bar is one waterfall.

Sampling: the event that begins a trace decides by its id whether all of it is recorded (``TRADEWIRE_TRACE_RATIO``).
Orders and errors are recorded whatever it decided: from the work that is ``kept`` on, under the same trace id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from tradewire.ports.bus import Ack, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.message import Emit, Envelope, Work
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.observe.secrets import scrub

Attributes = Mapping[str, str | int | float | bool]

# Finished spans that wait for the exporter (some 3 KiB each); what comes on top is dropped, with a warning. The SDK's
# 2,048 last less than a second of a replay at full speed when the exporter's thread gets little of a busy machine.
SPAN_QUEUE_MAX = int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "16384"))
LINKS_MAX = 128
"""Most links of a span, as in the SDK's own limits."""
_ROOT = trace.set_span_in_context(trace.INVALID_SPAN)


def random_run() -> int:
    """128 random bits that tell the traces of a run from those of another with the same events."""
    return int.from_bytes(os.urandom(16))


def root_traceparent(event_id: str, *, sampled: bool, run: int = 0) -> str:
    """W3C traceparent of the trace that ``event_id`` begins; ``run``: 128 random bits that tell runs apart."""
    digits = f"{trace_id_of(event_id, run):032x}"
    return f"00-{digits}-{digits[16:]}-{'01' if sampled else '00'}"


def trace_id_of(event_id: str, run: int) -> int:
    """Trace id of the trace that an event begins in a run: different events, or runs, have different ones."""
    return int(event_id.replace("-", ""), 16) ^ run


def span_context(traceparent: str, *, kept: bool = False) -> SpanContext | None:
    """The remote span that a traceparent names, if it is sampled, or ``kept`` in spite of that.

    None for one that is malformed (W3C: ignore it).
    """
    if len(traceparent) != 55:
        return None
    try:
        trace_id, span_id, flags = (int(traceparent[a:b], 16) for a, b in ((3, 35), (36, 52), (53, 55)))
    except ValueError:
        return None
    return SpanContext(trace_id, span_id, True, TraceFlags(1)) if kept or flags & TraceFlags.SAMPLED else None


def traceparent_of(span: Span) -> str:
    """W3C traceparent naming ``span``."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_of(span: Span) -> dict[str, str]:
    """The exemplar that names a span's trace."""
    return {"trace_id": f"{span.get_span_context().trace_id:032x}"}


def _links(traceparents: Sequence[str]) -> list[Link]:
    return [Link(context) for context in map(span_context, traceparents[:LINKS_MAX]) if context is not None]


class _TraceIds(RandomIdGenerator):
    """Random span ids; a root's trace id is the one set just before."""

    next_trace_id: int | None = None

    def generate_trace_id(self) -> int:
        chosen, self.next_trace_id = self.next_trace_id, None
        return chosen if chosen is not None else super().generate_trace_id()


class Begun(NamedTuple):
    """What follows is sent from ``traceparent``; ``span`` is to be ended, where one is recorded."""

    traceparent: str
    span: Span | None


class Batch(NamedTuple):
    """Records of one topic that were polled together, or whose offsets were committed together."""

    topic: str
    group: str
    records: int
    links: Sequence[str]


@dataclass
class Tracing:
    """Opens and closes the spans of one process. Without an exporter it only carries the context on."""

    service: str
    version: str
    exporter: SpanExporter | None = None
    ratio: float = 1.0
    environment: str = "local"
    run: int = field(default_factory=random_run)
    bus_url: str = "kafka:"
    instance: str = ""
    clock: ClockPort = field(default_factory=SystemClock)
    _ids: _TraceIds = field(default_factory=_TraceIds)

    def __post_init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        self._server = _server(self.bus_url) | {"messaging.client.id": self.instance or self.service}
        if self.exporter is not None:
            resource = Resource.create(
                {
                    "service.name": self.service,
                    "service.version": self.version,
                    "service.instance.id": self.instance or self.service,
                    "deployment.environment.name": self.environment,
                }
            )
            self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(self.exporter, max_queue_size=SPAN_QUEUE_MAX))
            self._tracer = self._provider.get_tracer("tradewire", self.version)

    def close(self) -> None:
        """Export what is left."""
        if self._provider is not None:
            self._provider.shutdown()

    def now_ns(self) -> int:
        """The time that spans begin and end at."""
        return self.clock.now_us() * 1000

    # ---- work ----

    def root(self, event_id: str, work: Work, began_ns: int | None = None) -> Begun:
        """The trace that an event begins, with its INTERNAL root span when it is recorded; ended by ``ended``."""
        sampled = work.kept or int(event_id[:8], 16) < self.ratio * 2**32
        if self._tracer is None or not sampled:
            return Begun(root_traceparent(event_id, sampled=False, run=self.run), None)
        self._ids.next_trace_id = trace_id_of(event_id, self.run)
        span = self._tracer.start_span(
            work.name,
            context=_ROOT,
            attributes=dict(work.attributes),
            links=_links(work.links),
            start_time=began_ns or self.now_ns(),
        )
        return Begun(traceparent_of(span), span)

    def internal(self, work: Work, parent: str, began_ns: int | None = None) -> Begun:
        """The INTERNAL span of a piece of work under ``parent``, where it is recorded; ended by ``ended``."""
        context = span_context(parent, kept=work.kept) if self._tracer is not None else None
        if context is None:
            return Begun(parent, None)
        span = self._start(work.name, context, SpanKind.INTERNAL, work.attributes, _links(work.links), began_ns)
        for name, attributes in work.events:
            span.add_event(name, attributes, self.now_ns())
        return Begun(traceparent_of(span), span)

    def ended(self, span: Span) -> None:
        """End the span of a piece of work."""
        span.end(self.now_ns())

    # ---- messages ----

    def process(self, record: Record, envelope: Envelope, group: str, *, kept: bool = False) -> Span | None:
        """CONSUMER span of one record's handling, or None when its trace is not recorded here."""
        parent = span_context(envelope.traceparent, kept=kept) if self._tracer is not None else None
        if parent is None:
            return None
        attributes = self._messaging("process", "process", record.topic) | {
            "messaging.destination.partition.id": str(record.partition),
            "messaging.consumer.group.name": group,
            "messaging.kafka.offset": record.offset,
            "messaging.message.id": envelope.event_id,
            "messaging.message.conversation_id": envelope.correlation_id,
            "tradewire.event_age_ms": (self.clock.now_us() - envelope.event_time_us) / 1e3,
        }
        if record.key is not None:
            attributes["messaging.kafka.message.key"] = record.key.decode(errors="replace")
        return self._start(f"process {record.topic}", parent, SpanKind.CONSUMER, attributes, [Link(parent)])

    def send(self, topic: str, key: str, emit: Emit, parent: str, event_id: str) -> Span | None:
        """PRODUCER span, to be ended by ``sent``."""
        context = span_context(parent) if self._tracer is not None else None
        if context is None:
            return None
        attributes = self._messaging("send", "send", topic) | {
            "messaging.kafka.message.key": key,
            "messaging.message.id": event_id,
            "messaging.message.conversation_id": emit.cause.correlation_id if emit.cause is not None else event_id,
            **emit.attributes,
        }
        return self._start(f"send {topic}", context, SpanKind.PRODUCER, attributes)

    def sent(self, span: Span, ack: Ack) -> None:
        """End a ``send`` span at the broker's acknowledgement."""
        span.set_attribute("messaging.destination.partition.id", str(ack.partition))
        span.set_attribute("messaging.kafka.offset", ack.offset)
        span.end(self.now_ns())

    def failed(self, span: Span, error: BaseException) -> None:
        """End a span with an error."""
        span.set_status(Status(StatusCode.ERROR, scrub(str(error))))
        span.set_attribute("error.type", type(error).__name__)
        span.end(self.now_ns())

    def batch(self, operation: str, kind: str, batch: Batch, began_ns: int) -> str:
        """A finished CLIENT span, a trace of its own, for a poll (``receive``) or a commit (``settle``)."""
        if self._tracer is None or not self.ratio:
            return ""
        attributes = self._messaging(operation, kind, batch.topic) | {
            "messaging.consumer.group.name": batch.group,
            "messaging.batch.message_count": batch.records,
        }
        span = self._tracer.start_span(
            f"{operation} {batch.topic}",
            context=_ROOT,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            links=_links(batch.links),
            start_time=began_ns,
        )
        span.end(self.now_ns())
        return traceparent_of(span)

    # ---- inside ----

    def _messaging(self, operation: str, kind: str, topic: str) -> dict[str, str | int | float | bool]:
        return {
            **self._server,
            "messaging.operation.name": operation,
            "messaging.operation.type": kind,
            "messaging.destination.name": topic,
        }

    def _start(
        self,
        name: str,
        parent: SpanContext,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] = (),
        began_ns: int | None = None,
    ) -> Span:
        assert self._tracer is not None
        return self._tracer.start_span(
            name,
            context=trace.set_span_in_context(NonRecordingSpan(parent)),
            kind=kind,
            attributes=dict(attributes),
            links=links,
            start_time=began_ns or self.now_ns(),
        )


def _server(bus_url: str) -> dict[str, str | int | float | bool]:
    """What spans of messages say of the bus: its kind, and one server of it."""
    parts = urlsplit(bus_url.partition(",")[0])
    found: dict[str, str | int | float | bool] = {"messaging.system": parts.scheme or "kafka"}
    if parts.hostname:
        found["server.address"] = parts.hostname
        if parts.port:
            found["server.port"] = parts.port
    return found
