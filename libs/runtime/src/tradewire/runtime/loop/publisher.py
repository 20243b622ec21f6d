"""From the events that handlers return to acknowledged records: ids, headers, spans, retries."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from opentelemetry.trace import Span

from tradewire.ports.bus import Ack, EventBusPort, Outgoing
from tradewire.ports.checks import CHECKS
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, FencedError, RetryableError
from tradewire.ports.events import AuditRecorded, Severity
from tradewire.ports.message import Emit, Envelope, Event, WaitReason, Work, derived_id
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, record_bytes
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.headers import lineage
from tradewire.runtime.loop.lease import Lease, LeaseLostError
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.logs import CURRENT_RECORD, CURRENT_TRACEPARENT
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Begun, Tracing, span_context, trace_of, traceparent_of
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
RETRY_SECONDS_FIRST = 0.05
VALUE_BYTES_UNDOUBTED = RECORD_BYTES_MAX // 2
"""A value up to this size fits with any key and headers of ours."""
EVENT = Work("event")
"""What begins a trace that nobody named."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draft:
    """A record about to be published, what it says, and the span that its acknowledgement ends.

    ``around``: the span of the work that it is sent from, which ends then too. ``asked_us``: when the message that it
    answers was sent, µs; 0 where it answers none or that is not known.
    """

    record: Outgoing
    span: Span | None = None
    event: Event | None = None
    asked_us: int = 0
    around: Span | None = None


class OversizeError(ContractViolationError):
    """What was to be published is larger than any bus takes."""

    def __init__(self, record: Outgoing) -> None:
        super().__init__(
            f"a record of {record_bytes(record)} bytes for {record.topic} is above {RECORD_BYTES_MAX} bytes",
            stage="publish",
        )
        self.record = record


def event_time_us(event: Event, cause: Envelope | None) -> int:
    """Event time of a message: its own, else its bar's close, else its cause's."""
    fields = event.__dict__
    own = fields.get("event_time_us") or fields.get("close_time_us")
    return int(own) if own is not None else (cause.event_time_us if cause is not None else 0)


def _log_work(work: Work, traceparent: str, event: Event) -> None:
    """A line that carries the trace it belongs to, whichever record is being handled; as severe as what it led to."""
    token = CURRENT_TRACEPARENT.set(traceparent)
    level = logging.getLevelNamesMapping()[event.severity] if isinstance(event, AuditRecorded) else logging.INFO
    try:
        log.log(level, work.name, extra={"event": work.name.replace(".", "_"), **work.attributes})
    finally:
        CURRENT_TRACEPARENT.reset(token)


class Publisher:
    """Publishes for one service, in order, until acknowledged; only while its ``lease`` holds."""

    def __init__(
        self,
        service: Service,
        version: str,
        bus: EventBusPort,
        codec: Codec,
        tracing: Tracing,
        metrics: Metrics,
        settings: RuntimeSettings,
        audit: Audit,
        clock: ClockPort,
    ) -> None:
        self.retrying: str | None = None
        """What is tried again just now, and why."""
        self.lease = Lease()
        self._audit = audit
        self.clock, self._sent = clock, service.sent
        self._service, self._producer = service.name, f"{service.name}@{version}".encode()
        self._bus, self._codec, self._store = bus, codec, service.store
        self._tracing, self._metrics, self._retry_seconds_max = tracing, metrics, settings.retry_seconds_max

    def draft(self, emit: Emit, began_ns: int | None = None) -> Draft:
        """Check and encode an event with its lineage, and open its ``send`` span.

        ``began_ns``: when the work that led to it began. Raises ContractViolationError for a value out of its bounds or
        of what the wire holds; OversizeError.
        """
        event, cause = emit.event, emit.cause
        kind = type(event)
        CHECKS[kind](event)
        spec = BY_EVENT[kind]
        key = spec.key_of(event)
        if cause is None:
            assert emit.event_id is not None, f"{kind.__name__} begins a trace and so needs an event id"
            event_id = correlation_id = emit.event_id
            causation_id, begun = "", self._tracing.root(event_id, emit.work or EVENT, began_ns)
        else:
            event_id = emit.event_id or derived_id(cause.event_id, kind.__name__, emit.ordinal)
            causation_id, correlation_id = cause.event_id, cause.correlation_id
            begun = Begun(cause.child_context, None)
            if emit.work is not None:
                begun = self._work(emit.work, begun.traceparent, event_id, began_ns)
        parent = begun.traceparent
        if emit.work is not None and emit.work.logged:
            _log_work(emit.work, parent, event)
        span = self._tracing.send(spec.name, key, emit, parent, event_id)
        headers = lineage(
            event_id=event_id,
            causation_id=causation_id,
            correlation_id=correlation_id,
            event_time_us=event_time_us(event, cause),
            producer=self._producer,
            traceparent=traceparent_of(span) if span is not None else parent,
        )
        record = Outgoing(spec.name, key.encode(), self._codec.encode(event), headers, emit.partition)
        if len(record.value or b"") > VALUE_BYTES_UNDOUBTED and record_bytes(record) > RECORD_BYTES_MAX:
            raise self._refused(record, span, begun.span)
        answered = CURRENT_RECORD.get()
        return Draft(record, span, event, answered.sent_at_us if answered is not None else 0, begun.span)

    def _refused(self, record: Outgoing, *spans: Span | None) -> OversizeError:
        error = OversizeError(record)
        for span in spans:
            if span is not None:
                self._tracing.failed(span, error)
        return error

    def _work(self, work: Work, parent: str, event_id: str, began_ns: int | None) -> Begun:
        """Record a piece of work; returns what its message is sent from."""
        if work.detached:
            return self._tracing.root(event_id, replace(work, links=(parent, *work.links)), began_ns)
        begun = self._tracing.internal(work, parent, began_ns)
        if begun.span is None or work.carries_send or (work.kept and span_context(parent) is None):
            return begun
        self._tracing.ended(begun.span)
        return Begun(parent, None)

    async def publish(self, drafts: Sequence[Draft]) -> None:
        """Make durable, publish, confirm; tries again until every record is acknowledged.

        Raises FatalError; LeaseLostError.
        """
        if not drafts:
            return
        records = [draft.record for draft in drafts]
        await self.until_written(lambda: self._store.persist(records), "persist")
        acks = await self.until_written(lambda: self._bus.publish(records), "publish")
        now_us = self.clock.now_us()
        for draft, ack in zip(drafts, acks, strict=True):
            self._acknowledged(draft, ack, now_us)
        for topic, count in Counter(ack.topic for ack in acks).items():
            self._metrics.sent.labels(self._service, topic).inc(count)
        await self.until_done(lambda: self._store.published(records), "confirm")

    def _acknowledged(self, draft: Draft, ack: Ack, now_us: int) -> None:
        trace = None
        if draft.span is not None:
            trace = trace_of(draft.span)
            self._tracing.sent(draft.span, ack)
        if draft.around is not None:
            self._tracing.ended(draft.around)
        if draft.event is None:
            return
        self._sent(draft.event)
        if draft.asked_us:
            kind = type(draft.event).__name__
            took_s = max(now_us - draft.asked_us, 0) / 1e6
            self._metrics.answer_latency.labels(self._service, kind).observe(took_s, trace)

    async def publish_left(self, records: Sequence[Outgoing]) -> None:
        """Publish what a stop left unpublished. Raises FatalError; LeaseLostError."""
        if not records:
            return
        what = {"event": "outbox_recovered", "records": len(records)}
        log.info("publishing what a stop left unpublished", extra=what)
        await self.until_written(lambda: self._bus.publish(records), "publish")
        await self.until_done(lambda: self._store.published(records), "confirm")

    def waits(self) -> Iterator[WaitReason]:
        """Servers that something is tried on again and again."""
        if self.retrying is not None:
            yield WaitReason("retry", f"servers: {self.retrying}")

    async def until_written(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        """``until_done`` for what no member may write but the owner.

        Raises LeaseLostError, also when the store has another writer by now.
        """

        async def held() -> T:
            await self.lease.confirmed()
            try:
                return await attempt()
            except FencedError as error:
                raise LeaseLostError(f"{what} was refused: {error}") from error

        return await self.until_done(held, what)

    async def until_done(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        """Repeat after RetryableError, with jittered exponential pauses. The caller reads nothing meanwhile."""
        pause_s, tries = RETRY_SECONDS_FIRST, 1
        while True:
            try:
                outcome = await attempt()
            except RetryableError as error:
                self.retrying = f"{what} failed: {error}"
                self._metrics.publish_retries.labels(self._service).inc()
                log.warning(
                    "%s failed, trying again in %.2f s: %s",
                    what,
                    pause_s,
                    error,
                    extra={"event": f"{what.replace(' ', '_').replace('-', '')}_failed"},
                )
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311 (jitter needs no secrecy)
                pause_s, tries = min(pause_s * 2, self._retry_seconds_max), tries + 1
                continue
            if tries > 1:
                self._audit.note("recovered", f"{self.retrying}; it worked at try {tries}", severity=Severity.WARNING)
                self.retrying = None
            return outcome
