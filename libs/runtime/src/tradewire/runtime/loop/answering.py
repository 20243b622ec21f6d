"""Records through the handlers of a service: decode, trace, call; what can't be handled becomes a dead letter."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from opentelemetry.trace import Span

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RefusedRecordError
from tradewire.ports.events import ControlChanged, Severity
from tradewire.ports.message import Emit
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.codec import Codec, UnknownSchemaIdError
from tradewire.runtime.codec.announced_ids import announcement
from tradewire.runtime.codec.control_records import TOPIC as CONTROLS
from tradewire.runtime.codec.control_records import control_envelope
from tradewire.runtime.codec.headers import has_event_time, header_of
from tradewire.runtime.codec.messages import check_record, decode_record, text_key
from tradewire.runtime.dead_letters.letters import PARKED, dead_letter, log_letter
from tradewire.runtime.dead_letters.parking import NOWHERE, Parking, Verdict
from tradewire.runtime.dead_letters.shared import SharedLetters
from tradewire.runtime.loop.control_status import ControlStatus
from tradewire.runtime.loop.event_times import hold_past
from tradewire.runtime.loop.failures import ENDING, HandlerFailedError, tell_how_to_skip, violation_of
from tradewire.runtime.loop.heartbeat_records import HeartbeatRecords, is_heartbeat
from tradewire.runtime.loop.publisher import Draft, OversizeError, Publisher, event_time_us
from tradewire.runtime.loop.skipped_records import SkippedRecords
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.logs import CURRENT_EVENT, CURRENT_RECORD, CURRENT_TRACEPARENT
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.observe.tracing import Tracing, trace_of, traceparent_of
from tradewire.runtime.service import Input, Service

log = logging.getLogger(__name__)
_topic_of = attrgetter("topic")


class Parts(NamedTuple):
    """The worker's other parts that answers are made with."""

    publisher: Publisher
    parking: Parking
    audit: Audit
    heartbeats: HeartbeatRecords
    shared: SharedLetters


class Answering:
    """Turns what one service reads, and what it says of itself, into drafts of what it publishes."""

    def __init__(
        self,
        service: Service,
        codec: Codec,
        parts: Parts,
        clock: ClockPort,
        tracing: Tracing,
        metrics: Metrics,
        progress: Progress,
        version: str,
    ) -> None:
        self._service, self._codec = service, codec
        self._publisher, self._parking, self._audit, self._heartbeats, self._shared = parts
        self._clock, self._tracing, self._metrics, self._progress = clock, tracing, metrics, progress
        self._version = version
        self._inputs: dict[str, Input] = {item.topic: item for item in service.inputs}
        self._age = metrics.event_age.labels(service.name)
        self._skipped = SkippedRecords(service, codec, clock, parts.audit, progress, parts.publisher.draft)
        self.control_status = ControlStatus(service, clock, parts.audit.member)

    async def answer(self, records: Sequence[Record]) -> list[Draft]:
        """Handle records in order; dead letters take their place among the outputs."""
        drafts: list[Draft] = []
        for topic, run in groupby(records, _topic_of):
            began_s, outcomes = self._clock.monotonic_s(), Counter[tuple[str, str]]()
            for record in run:
                outcomes[await self._answer_one(record, drafts)] += 1
                if topic == CONTROLS:
                    self.control_status.passed(record.offset)
            took_s = (self._clock.monotonic_s() - began_s) / outcomes.total()
            for error_type in {error_type for _, error_type in outcomes}:
                self._metrics.process_duration.labels(topic, self._service.name, error_type).observe(took_s)
            for (outcome, _), count in outcomes.items():
                self._metrics.processed.labels(self._service.name, topic, outcome).inc(count)
        if records:
            self._progress.handled += len(records)
            self._progress.last_success_us = self._clock.now_us()
        return drafts

    def say(self, emits: Iterable[Emit]) -> list[Draft]:
        """What the service says without being asked: its source and its ticks."""
        drafts = []
        for emit in emits:
            try:
                drafts.append(self._publisher.draft(emit))
            except ContractViolationError as error:
                drafts.append(self._letter(self._unwritten(emit, error), error))
        return drafts

    def say_letters(self, *, stopping: bool = False) -> list[Draft]:
        """Dead letters that were left to another instance and that nobody wrote."""
        return [self._letter(one.record, one.error) for one in self._shared.due(stopping=stopping)]

    def say_status(self) -> list[Draft]:
        """Which levels are obeyed, when that changed, and for commands the schema ids in use (``announced_ids``)."""
        drafts = self.say(self.control_status.take())
        ids = announcement(self._codec.ids)
        return [replace(d, record=replace(d.record, headers=(*d.record.headers, ids))) for d in drafts]

    def _unwritten(self, emit: Emit, error: ContractViolationError) -> Record:
        """The record that an event would have been; its text where it can't be encoded."""
        topic, now_ms = BY_EVENT[type(emit.event)].name, self._clock.now_us() // 1000
        if isinstance(error, OversizeError):
            whole = error.record
            return Record(topic, NOWHERE, NOWHERE, whole.key, whole.value, whole.headers, now_ms)
        return Record(topic, NOWHERE, NOWHERE, None, repr(emit.event).encode(errors="replace"), (), now_ms)

    async def _answer_one(self, record: Record, drafts: list[Draft]) -> tuple[str, str]:
        """Add the drafts of one record; returns the outcome, and the type of the error if there was one."""
        verdict = self._parking.verdict(record)
        if verdict is Verdict.SKIP:
            self._note_displaced(record)
            return "parked", ""
        if verdict is Verdict.PASS_OVER:
            drafts += self._skipped.passed_over(record, self._parking.reason_to_skip(record))
            self._parking.note_passed_over(record)
            return "skipped", ""
        if is_heartbeat(record):
            drafts += self._heartbeat(record)
            return "heartbeat", ""
        try:
            if verdict is Verdict.PARK:
                raise ContractViolationError(
                    "an earlier record of this key waits in the dead-letter topic", stage=PARKED
                )
            drafts += await self.handle(record)
        except ContractViolationError as error:
            self._parking.park(record)
            self.count_parked()
            self._note_displaced(record)
            if not self._shared.leave(record, error):
                drafts.append(self._letter(record, error))
            return "dead_lettered", type(error).__name__
        return "ok", ""

    async def handle(self, record: Record) -> list[Draft]:
        """One record, wherever it was kept, through its handler. Raises ContractViolationError."""
        try:
            return self._handle(record)
        except UnknownSchemaIdError as unknown:
            await self._learn(unknown.schema_id)
            return self._handle(record)

    def _heartbeat(self, record: Record) -> list[Draft]:
        if (told := self._inputs[record.topic].heartbeat) is not None:
            with suppress(ContractViolationError):  # one whose headers nobody can read tells nothing
                told(self._codec.decode_headers(record))
        return self._heartbeats.passed(record)

    def _note_displaced(self, record: Record) -> None:
        """Compaction will keep a record that says nothing in place of the one before it."""
        if (told := self._inputs[record.topic].displaced) is not None:
            with suppress(ContractViolationError):
                told(text_key(record))

    def refused(self, record: Record, error: ContractViolationError) -> Draft:
        """The dead letter of a record that no handler reads."""
        self._parking.park(record)
        return self._letter(record, error)

    def count_parked(self) -> None:
        """Show how many keys wait."""
        self._metrics.parked_keys.labels(self._service.name).set(len(self._parking))

    async def _learn(self, schema_id: int) -> None:
        """Fetch a writer's schema that was not seen before. Raises ContractViolationError when nobody knows it."""
        await self._publisher.until_done(lambda: self._codec.ids.fetch(schema_id), "fetch a schema")

    def _handle(self, record: Record) -> list[Draft]:
        """One record through its handler. Raises ContractViolationError."""
        spec = self._inputs[record.topic]
        is_control = record.topic == CONTROLS
        envelope = control_envelope(self._codec, record) if is_control else self._codec.decode_headers(record)
        if record.value is None:
            if is_control and self._service.levels is not None:
                self._metrics.kill_switch.labels(self._service.name, text_key(record)).set(0)
            deleted, key = spec.deleted, text_key(record)
            return [] if deleted is None else self._drafts(record, lambda: deleted(key, envelope))
        now_us = self._clock.now_us()
        age_us = now_us - envelope.event_time_us
        span = self._tracing.process(record, envelope, self._service.name)
        if has_event_time(record):
            self._observe_age(age_us, span)
        if span is not None:
            envelope = replace(envelope, process_context=traceparent_of(span))
        token, record_token = CURRENT_TRACEPARENT.set(envelope.child_context), CURRENT_RECORD.set(envelope)
        try:
            event = decode_record(self._codec, record)
            CURRENT_EVENT.set(event)
            check_record(record, event)
            if not TOPICS[record.topic].broadcast:  # what people ask for has no event time: the topic's order counts
                hold_past(event, envelope, now_us)
            drafts = self._drafts(record, lambda: spec.handler(event, envelope))
            if type(event) is ControlChanged and self._service.levels is not None:
                self._obeyed(event, now_us)
        except Exception as error:
            kept = span or self._tracing.process(record, envelope, self._service.name, kept=True)
            if kept is not None:
                self._tracing.failed(kept, error)
            raise
        finally:
            CURRENT_TRACEPARENT.reset(token)
            CURRENT_RECORD.reset(record_token)
            CURRENT_EVENT.set(None)
        if span is not None:
            self._tracing.ended(span)
        return drafts

    def _drafts(self, record: Record, handle: Callable[[], Iterable[Emit]]) -> list[Draft]:
        """What a handler answers, encoded. Raises HandlerFailedError when it fails, see ``failures``.

        A service that can't begin anew keeps its state: its handlers raise ContractViolationError before they change
        anything, and every other exception ends it.
        """
        try:
            drafts, began_ns = list[Draft](), self._tracing.now_ns()
            for emit in handle():
                drafts.append(self._publisher.draft(emit, began_ns))
                began_ns = self._tracing.now_ns()
            return drafts
        except ENDING as error:
            tell_how_to_skip(record, self._service.name, error)
            raise
        except Exception as error:
            if self._service.renew is None or isinstance(error, RefusedRecordError):
                raise
            raise HandlerFailedError(record, violation_of(error)) from error

    def failed(self, failure: HandlerFailedError) -> list[Outgoing]:
        """What is published in place of a failed record's effects: its dead letter, unless it was one already."""
        answer = list(failure.answer)
        if not answer and not self._shared.leave(failure.record, failure.violation):
            answer = [self._letter(failure.record, failure.violation).record]
        return [*answer, *(draft.record for draft in self.say(self._audit.take()))]

    def _observe_age(self, age_us: int, span: Span | None) -> None:
        """With the trace as exemplar, when there is one."""
        self._age.observe(age_us / 1e6, None if span is None else trace_of(span))

    def enter(self, emits: Sequence[Emit]) -> list[Draft]:
        """What enters the system here: its age counts from when it happened at the venue."""
        now_us = self._clock.now_us()
        for emit in emits:
            if time_us := event_time_us(emit.event, None):
                self._age.observe((now_us - time_us) / 1e6)
        return self.say(emits)

    def _obeyed(self, event: ControlChanged, now_us: int) -> None:
        """Show a kill switch, and how long it took to get here; not of those that are read again at a start."""
        name, levels = self._service.name, () if self._service.levels is None else self._service.levels()
        self._metrics.kill_switch.labels(name, event.scope).set(any(one.scope == event.scope for one in levels))
        if self._progress.phase == "running" and event.issued_at_us >= 0:  # before the epoch, no clock was meant
            self._metrics.kill_switch_propagation.labels(name).observe(max(now_us - event.issued_at_us, 0) / 1e6)

    def _letter(self, record: Record, error: ContractViolationError) -> Draft:
        """The dead letter of a record. Later records of an account's key follow it (see ``Parking``)."""
        name = self._service.name
        self._progress.dead_letters += 1
        self._metrics.dead_letters.labels(name, record.topic, error.stage, type(error).__name__).inc()
        log_letter(record, error)
        if error.stage != PARKED:  # what only waits behind it says nothing new
            self._audit.note(
                "dead_letter",
                str(error),
                severity=Severity.ERROR,
                cause=f"{record.topic}|{record.partition}|{record.offset}",
                traceparent=header_of(record, "traceparent"),
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                stage=error.stage,
            )
        return Draft(dead_letter(record, service=name, version=self._version, stage=error.stage, error=error))
