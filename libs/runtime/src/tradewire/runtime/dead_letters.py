"""Dead letters: the original bytes and headers, and where, when and why they could not be handled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tradewire.ports.bus import Headers, Outgoing, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, record_bytes

MESSAGE_BYTES_MAX = 1024
VALUE_KEPT_BYTES = 65_536
"""What a letter keeps of a value that is too large for it; as much is kept of own headers, or none of them."""
KEY_KEPT_BYTES = 1024
PARKED = "parked"
PREFIX = "dlq."
"""Headers of the lineage begin with this."""
RELEASED = "dlq.released"
"""Header of a marker: offset of the last letter of the key that was replayed."""
UNTIL = "dlq.until"
"""Header of a marker: offset behind the last record written again to the original topic."""
VALUE_BYTES = "dlq.value.bytes"
"""Header of a letter that holds only the beginning of a value: the size of all of it."""
REPLAYED = "dlq.replayed"
"""Header of a record that was written again: name of the replay."""


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
        "dlq.error.message": str(error),
        "dlq.error.stage": stage,
        "dlq.attempts": attempts,
        "dlq.service.version": version,
    }
    said = tuple((name, str(value).encode()[:MESSAGE_BYTES_MAX]) for name, value in lineage.items())
    letter = Outgoing(DEAD_LETTERS[service], record.key, record.value, record.headers + said)
    return letter if record_bytes(letter) <= RECORD_BYTES_MAX else _cut(letter, record, said)


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
    return _number(record, "dlq.partition"), _number(record, "dlq.offset")


def replayed(letter: Record, replay: str) -> Outgoing:
    """A letter's record for its original place once more: its own headers, and the name of the replay.

    Raises ContractViolationError for a letter that does not hold the whole record.
    """
    size = _number(letter, VALUE_BYTES)
    if size >= 0:
        kept = len(letter.value or b"")
        raise ContractViolationError(
            f"letter {letter.offset} holds {kept} of {size} bytes: discard it, and publish its cause again",
            stage="publish",
        )
    found = origin(letter)
    assert found is not None, "only letters with their lineage are replayed"
    partition, _ = letter_place(letter)
    headers = (*own_headers(letter), (REPLAYED, replay.encode()))
    return Outgoing(found[0], letter.key, letter.value, headers, partition if partition >= 0 else None)


def own_headers(letter: Record) -> Headers:
    """Headers that the record had before it became a letter."""
    return tuple((name, value) for name, value in letter.headers if not name.startswith(PREFIX))


def replay_of(record: Record) -> str | None:
    """Name of the replay that wrote a record, or a letter's record, again; None for one that was written once."""
    name = dict(record.headers).get(REPLAYED)
    return None if name is None else name.decode(errors="replace")


def stage_of(letter: Record) -> str:
    """Where the record failed: decode, validate, handle, publish or parked."""
    return dict(letter.headers).get("dlq.error.stage", b"").decode(errors="replace")


def release(letters: Sequence[Record], *, until_offset: int) -> Outgoing:
    """The marker that frees the key of ``letters`` (one topic and key, in order, not empty).

    ``until_offset``: behind the last record written again, in the original partition.
    """
    newest = letters[-1]
    found = origin(newest)
    assert found is not None, "only letters with their lineage are replayed"
    headers = (
        ("dlq.topic", found[0].encode()),
        (RELEASED, str(newest.offset).encode()),
        (UNTIL, str(until_offset).encode()),
    )
    return Outgoing(newest.topic, newest.key, b"", headers, newest.partition)


def is_release(record: Record) -> bool:
    """True for a marker."""
    return any(name == RELEASED for name, _ in record.headers)


def released_until(marker: Record) -> tuple[int, int]:
    """A marker's last letter replayed, and the offset from which its key is free."""
    return _number(marker, RELEASED), _number(marker, UNTIL)


def _number(record: Record, name: str) -> int:
    """The header's number; -1 when it is missing or none."""
    text = dict(record.headers).get(name, b"-1")
    try:
        return int(text)
    except ValueError:
        return -1
