"""Dead letters: the original bytes and headers, and where, when and why they could not be handled."""

from __future__ import annotations

import hashlib
import logging

from tradewire.ports.bus import Headers, Outgoing, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, record_bytes
from tradewire.runtime.codec.headers import header_of
from tradewire.runtime.observe.logs import CURRENT_TRACEPARENT
from tradewire.runtime.observe.secrets import scrub

log = logging.getLogger(__name__)
MESSAGE_BYTES_MAX = 1024
KEY_BYTES_SHOWN = 128
"""Of a key in a log line."""
VALUE_KEPT_BYTES = 65_536
"""What a letter keeps of a value that is too large for it; as much is kept of own headers, or none of them."""
KEY_KEPT_BYTES = 1024
PARKED = "parked"
PREFIX = "dlq."
"""Headers of the lineage begin with this."""
WRITTEN_MS = "dlq.written_ms"
"""Header of a copy of a letter: when that was written first."""
VALUE_BYTES = "dlq.value.bytes"
"""Header of a letter that holds only the beginning of a value: the size of all of it."""


def dead_letter(
    record: Record, *, service: str, version: str, stage: str, error: BaseException, attempts: int = 1
) -> Outgoing:
    """The record for ``dlq.<service>.v1``. ``stage``: decode, validate, handle, publish or parked.

    It always fits: see ``_cut``.
    """
    lineage = {
        "dlq.topic": record.topic,
        "dlq.partition": record.partition,
        "dlq.offset": record.offset,
        "dlq.timestamp_ms": record.timestamp_ms,
        "dlq.group": service,
        "dlq.error.type": type(error).__name__,
        "dlq.error.message": scrub(str(error)),
        "dlq.error.stage": stage,
        "dlq.attempts": attempts,
        "dlq.service.version": version,
    }
    said = tuple((name, str(value).encode()[:MESSAGE_BYTES_MAX]) for name, value in lineage.items())
    letter = Outgoing(DEAD_LETTERS[service], record.key, record.value, record.headers + said)
    return letter if record_bytes(letter) <= RECORD_BYTES_MAX else _cut(letter, record, said)


def copy_of(letter: Record) -> Outgoing:
    """A letter once more, which says when it was written first."""
    first = (WRITTEN_MS, str(written_ms(letter)).encode())
    headers = (*((name, value) for name, value in letter.headers if name != WRITTEN_MS), first)
    return Outgoing(letter.topic, letter.key, letter.value, headers, letter.partition)


def written_ms(letter: Record) -> int:
    """When a letter was written first."""
    first_ms = number(letter, WRITTEN_MS)
    return first_ms if first_ms >= 0 else letter.timestamp_ms


def _cut(letter: Outgoing, record: Record, said: Headers) -> Outgoing:
    """A letter that would be too large: the beginning of the value, its size and SHA-256; a short key as it was.

    A key beyond 1 KiB is replaced by its SHA-256, own headers beyond 64 KiB are left out.
    """
    key, value, own = record.key, record.value or b"", record.headers
    if key is not None and len(key) > KEY_KEPT_BYTES:
        key = hashlib.sha256(key).hexdigest().encode()
    if record_bytes(Outgoing(record.topic, None, None, own)) > VALUE_KEPT_BYTES:
        own = ()
    sizes = (
        (VALUE_BYTES, str(len(value)).encode()),
        ("dlq.value.sha256", hashlib.sha256(value).hexdigest().encode()),
    )
    return Outgoing(letter.topic, key, value[:VALUE_KEPT_BYTES], own + said + sizes)


def origin(record: Record) -> tuple[str, bytes | None] | None:
    """The (topic, key) that a dead letter or a marker is about; None when it does not say."""
    topic = dict(record.headers).get("dlq.topic")
    return None if topic is None else (topic.decode(errors="replace"), record.key)


def letter_place(record: Record) -> tuple[int, int]:
    """Partition and offset of the record that a letter holds; -1 for what it does not say."""
    return number(record, "dlq.partition"), number(record, "dlq.offset")


def original(letter: Record) -> Record:
    """The record that a letter holds, at its own place and with its own headers.

    Raises ContractViolationError for a letter that does not hold all of it, or does not say where it came from.
    """
    size = number(letter, VALUE_BYTES)
    if size >= 0:
        kept = len(letter.value or b"")
        raise ContractViolationError(
            f"letter {letter.partition}/{letter.offset} holds {kept} of {size} bytes: give it up, and publish its "
            "cause again",
            stage="publish",
        )
    found = origin(letter)
    if found is None:
        raise ContractViolationError(f"letter {letter.partition}/{letter.offset} does not say its topic")
    topic, key = found
    sent_ms = number(letter, "dlq.timestamp_ms")
    return Record(topic, *letter_place(letter), key, letter.value, own_headers(letter), sent_ms)


def own_headers(letter: Record) -> Headers:
    """Headers that the record had before it became a letter."""
    return tuple((name, value) for name, value in letter.headers if not name.startswith(PREFIX))


def stage_of(letter: Record) -> str:
    """Where the record failed: decode, validate, handle, publish or parked."""
    return dict(letter.headers).get("dlq.error.stage", b"").decode(errors="replace")


def is_letter(record: Record) -> bool:
    """True for what ``dead_letter`` wrote; the markers of ``releases`` have no place of origin."""
    return any(name == "dlq.offset" for name, _ in record.headers)


def number(record: Record, name: str) -> int:
    """The header's number; -1 when it is missing or none."""
    text = dict(record.headers).get(name, b"-1")
    try:
        return int(text)
    except ValueError:
        return -1


def log_letter(record: Record, error: ContractViolationError) -> None:
    """A line with the record's place, key, id and trace, as far as it has them."""
    token = CURRENT_TRACEPARENT.set(header_of(record, "traceparent"))
    try:
        log.error(
            "dead letter: %s",
            error,
            extra={
                "event": "dead_letter",
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "key": (record.key or b"")[:KEY_BYTES_SHOWN].decode(errors="replace"),
                "event_id": header_of(record, "event_id"),
                "stage": error.stage,
                "reason": type(error).__name__,
            },
        )
    finally:
        CURRENT_TRACEPARENT.reset(token)
