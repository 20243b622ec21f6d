"""Records that an operator had passed over (``tradewire dlq skip``): noted, and answered by who owes an answer.

What others wait for must not vanish without a word: a service may answer such a record, where it can be read, in
another way than it would have handled it. That must not end the service again: when it fails, the worker begins anew
and passes the record over without an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tradewire.ports.bus import Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import Severity
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import check_record, decode_record
from tradewire.runtime.codec.schema_ids import UnknownSchemaIdError
from tradewire.runtime.loop.event_times import hold_past
from tradewire.runtime.loop.failures import SkippedRecordError
from tradewire.runtime.loop.publisher import Draft
from tradewire.runtime.observe.auditing import Audit
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.service import Service

log = logging.getLogger(__name__)


class SkippedRecords:
    """``draft``: an answer as it is published."""

    def __init__(
        self,
        service: Service,
        codec: Codec,
        clock: ClockPort,
        audit: Audit,
        progress: Progress,
        draft: Callable[..., Draft],
    ) -> None:
        self._answers = {item.topic: item.skipped for item in service.inputs if item.skipped is not None}
        self._codec, self._clock, self._audit, self._progress, self._draft = codec, clock, audit, progress, draft

    def passed_over(self, record: Record, why: str) -> list[Draft]:
        """Note a record; what the service answers to it. ``why``: who asked, and the reason.

        Raises SkippedRecordError when that answer fails.
        """
        place = f"{record.topic}/{record.partition} offset {record.offset}"
        drafts = self._answer(record, place)
        log.warning("passed over %s, as asked by %s", place, why, extra={"event": "record_skipped"})
        self._audit.note(
            "record_skipped",
            f"passed over {place}, as asked by {why}",
            severity=Severity.WARNING,
            cause=f"{record.topic}|{record.partition}|{record.offset}",
        )
        return drafts

    def _answer(self, record: Record, place: str) -> list[Draft]:
        answer, failed = self._answers.get(record.topic), self._progress.unanswered_skips
        if answer is None or record.value is None or (record.place, record.offset) in failed:
            return []
        try:
            event, envelope = decode_record(self._codec, record), self._codec.decode_headers(record)
            check_record(record, event)
            hold_past(event, envelope, self._clock.now_us())
        except (ContractViolationError, UnknownSchemaIdError):
            return []  # nobody knows what it asks for
        try:
            return [self._draft(emit) for emit in answer(event, envelope)]
        except Exception as error:
            failed.add((record.place, record.offset))
            log.exception("%s is passed over without an answer", place, extra={"event": "skip_unanswered"})
            raise SkippedRecordError(f"the answer to {place}, which is passed over, failed: {error}") from error
