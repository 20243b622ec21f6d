"""Dead letters: the original bytes and headers, and where, when and why they could not be handled."""

from __future__ import annotations

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.topics import DEAD_LETTERS

MESSAGE_BYTES_MAX = 1024
PARKED = "parked"


def dead_letter(
    record: Record, *, service: str, version: str, stage: str, error: BaseException, attempts: int = 1
) -> Outgoing:
    """The record for ``dlq.<service>.v1``. ``stage``: decode, validate, handle, publish or parked."""
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
    headers = record.headers + tuple((name, str(value).encode()[:MESSAGE_BYTES_MAX]) for name, value in lineage.items())
    return Outgoing(DEAD_LETTERS[service], record.key, record.value, headers)


def origin(record: Record) -> tuple[str, bytes | None]:
    """The (topic, key) that a dead letter came from."""
    return dict(record.headers)["dlq.topic"].decode(), record.key


RELEASED = "dlq.released"
"""Header of the marker that ``tradewire dlq replay`` writes: the key's letters before it were replayed."""


def is_release(record: Record) -> bool:
    """True for the marker that un-parks a key."""
    return any(name == RELEASED for name, _ in record.headers)
