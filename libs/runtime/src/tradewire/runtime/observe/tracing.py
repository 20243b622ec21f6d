"""Spans and trace context: one trace per bar, whose id is that of the event that began it, masked with the run's.

Event ids are the same in every replay; two replays of the same data are two sets of traces all the same.

Names and attributes follow the OpenTelemetry semantic conventions for messaging, v1.44. ``process`` spans have the
``send`` span as parent and also link to it: a documented opt-in of those conventions, so that a bar is one waterfall.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from tradewire.ports.bus import Ack, Record
from tradewire.ports.message import Emit
from tradewire.runtime.observe.secrets import scrub

Attributes = Mapping[str, str | int | float | bool]

# Finished spans that wait for the exporter (some 3 KiB each); what comes on top is dropped, with a warning. The SDK's
# 2,048 last less than a second of a replay at full speed when the exporter's thread gets little of a busy machine.
SPAN_QUEUE_MAX = int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "16384"))


def root_traceparent(event_id: str, *, sampled: bool, run: int = 0) -> str:
    """W3C traceparent of the trace that ``event_id`` begins; ``run``: 128 random bits that tell runs apart."""
    digits = f"{trace_id_of(event_id, run):032x}"
    return f"00-{digits}-{digits[16:]}-{'01' if sampled else '00'}"


def trace_id_of(event_id: str, run: int) -> int:
    """Trace id of the trace that an event begins in a run: different events, or runs, have different ones."""
    return int(event_id.replace("-", ""), 16) ^ run


def span_context(traceparent: str) -> SpanContext | None:
    """The remote span that a traceparent names, if it is sampled; None for one that is malformed (W3C: ignore it)."""
    if len(traceparent) != 55:
        return None
    try:
        trace_id, span_id, flags = (int(traceparent[a:b], 16) for a, b in ((3, 35), (36, 52), (53, 55)))
    except ValueError:
        return None
    return SpanContext(trace_id, span_id, True, TraceFlags(1)) if flags & TraceFlags.SAMPLED else None


def traceparent_of(span: Span) -> str:
    """W3C traceparent naming ``span``."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_of(span: Span) -> dict[str, str]:
    """The exemplar that names a span's trace."""
    return {"trace_id": f"{span.get_span_context().trace_id:032x}"}


def _links(traceparents: Sequence[str]) -> list[Link]:
    return [Link(context) for context in map(span_context, traceparents) if context is not None]


class _TraceIds(RandomIdGenerator):
    """Random span ids; a root's trace id is the one set just before."""

    next_trace_id: int | None = None

    def generate_trace_id(self) -> int:
        chosen, self.next_trace_id = self.next_trace_id, None
        return chosen if chosen is not None else super().generate_trace_id()


@dataclass
class Tracing:
    """Opens and closes the spans of one process. Without an exporter it only carries the context on."""

    service: str
    version: str
    exporter: SpanExporter | None = None
    ratio: float = 1.0
    environment: str = "local"
    run: int = field(default_factory=lambda: int.from_bytes(os.urandom(16)))
    _ids: _TraceIds = field(default_factory=_TraceIds)

    def __post_init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        if self.exporter is not None:
            resource = Resource.create(
                {
                    "service.name": self.service,
                    "service.version": self.version,
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

    def root(self, event_id: str, name: str, attributes: Attributes, links: Sequence[str] = ()) -> str:
        """Traceparent of a new trace that an event begins; its INTERNAL root span when sampled."""
        if self._tracer is None or int(event_id[:8], 16) >= self.ratio * 2**32:
            return root_traceparent(event_id, sampled=False, run=self.run)
        self._ids.next_trace_id = trace_id_of(event_id, self.run)
        context = trace.set_span_in_context(trace.INVALID_SPAN)
        span = self._tracer.start_span(name, context=context, attributes=dict(attributes), links=_links(links))
        span.end()
        return traceparent_of(span)

    def _start(
        self,
        name: str,
        parent: SpanContext,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] = (),
    ) -> Span:
        assert self._tracer is not None
        context = trace.set_span_in_context(NonRecordingSpan(parent))
        return self._tracer.start_span(name, context=context, kind=kind, attributes=dict(attributes), links=links)

    def process(self, record: Record, traceparent: str, group: str, age_ms: float) -> Span | None:
        """CONSUMER span of one record's handling, or None when its trace is not sampled here."""
        parent = span_context(traceparent) if self._tracer is not None else None
        if parent is None:
            return None
        attributes: dict[str, str | int | float | bool] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.consumer.group.name": group,
            "messaging.kafka.offset": record.offset,
            "tradewire.event_age_ms": age_ms,
        }
        if record.key is not None:
            attributes["messaging.kafka.message.key"] = record.key.decode(errors="replace")
        return self._start(f"process {record.topic}", parent, SpanKind.CONSUMER, attributes, [Link(parent)])

    def internal(self, name: str, parent: str, attributes: Attributes, links: Sequence[str] = ()) -> str:
        """A finished INTERNAL span under ``parent``; returns its traceparent, or ``parent`` when not sampled."""
        context = span_context(parent) if self._tracer is not None else None
        if context is None:
            return parent
        span = self._start(name, context, SpanKind.INTERNAL, attributes, _links(links))
        span.end()
        return traceparent_of(span)

    def send(self, topic: str, key: str, emit: Emit, parent: str, event_id: str) -> Span | None:
        """PRODUCER span, to be ended by ``sent``."""
        context = span_context(parent) if self._tracer is not None else None
        if context is None:
            return None
        attributes: dict[str, str | int | float | bool] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
            "messaging.kafka.message.key": key,
            "messaging.message.id": event_id,
            **emit.attributes,
        }
        return self._start(f"send {topic}", context, SpanKind.PRODUCER, attributes)

    @staticmethod
    def sent(span: Span, ack: Ack) -> None:
        """End a ``send`` span at the broker's acknowledgement."""
        span.set_attribute("messaging.destination.partition.id", str(ack.partition))
        span.set_attribute("messaging.kafka.offset", ack.offset)
        span.end()

    @staticmethod
    def failed(span: Span, error: BaseException) -> None:
        """End a span with an error."""
        span.set_status(Status(StatusCode.ERROR, scrub(str(error))))
        span.set_attribute("error.type", type(error).__name__)
        span.end()
