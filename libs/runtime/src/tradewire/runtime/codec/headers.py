"""Envelopes to record headers and back."""

from __future__ import annotations

from tradewire.ports.bus import Headers, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Envelope, derived_id

CLAIM = "claim"
"""Header of a saved state: the claim under which it was written (``changelog``)."""
_NONE = b""


def encode_headers(envelope: Envelope, *, tracestate: str = "") -> Headers:
    """Record headers of an envelope; an empty text is left out.

    ``topic``, ``partition``, ``offset``, ``sent_at_us`` and ``process_context`` belong to a reader and are not written.
    """
    headers = lineage(
        event_id=envelope.event_id,
        causation_id=envelope.causation_id,
        correlation_id=envelope.correlation_id,
        event_time_us=envelope.event_time_us,
        producer=envelope.producer.encode(),
        traceparent=envelope.traceparent,
    )
    return (*headers, ("tracestate", tracestate.encode())) if tracestate else headers


def lineage(
    *, event_id: str, causation_id: str, correlation_id: str, event_time_us: int, producer: bytes, traceparent: str
) -> Headers:
    """Record headers of a message, without the detour of an envelope."""
    if event_id and causation_id and correlation_id and producer and traceparent:  # nearly every message
        return (
            ("event_id", event_id.encode()),
            ("causation_id", causation_id.encode()),
            ("correlation_id", correlation_id.encode()),
            ("event_time_us", b"%d" % event_time_us),
            ("producer", producer),
            ("traceparent", traceparent.encode()),
        )
    texts = {
        "event_id": event_id.encode(),
        "causation_id": causation_id.encode(),
        "correlation_id": correlation_id.encode(),
        "event_time_us": b"%d" % event_time_us,
        "producer": producer,
        "traceparent": traceparent.encode(),
    }
    return tuple((name, text) for name, text in texts.items() if text)


OFFSET_DIGITS_MAX = 19


def decode_headers(record: Record) -> Envelope:
    """Envelope of a record. Of a repeated header the last one counts; tracestate is not kept.

    A record without our headers (written by a stock client) is named after its place, so its id is the
    same whenever it is read; its event time is then the record's timestamp.

    Raises: ContractViolationError(stage="decode") for a header that is not UTF-8 or a bad time.
    """
    text = dict(record.headers).get
    try:
        event_id = (text("event_id") or _NONE).decode()
        causation_id = (text("causation_id") or _NONE).decode()
        correlation_id = (text("correlation_id") or _NONE).decode()
        producer = (text("producer") or _NONE).decode()
        traceparent = (text("traceparent") or _NONE).decode()
        time = text("event_time_us")
        event_time_us = int(time.decode()) if time else record.timestamp_ms * 1000
    except ValueError as error:
        raise ContractViolationError(
            f"{record.topic}: header: {error}; allowed: UTF-8, and an integer as event_time_us", stage="decode"
        ) from error
    event_id = event_id or derived_id(f"{record.topic}/{record.partition}", "record", record.offset)
    return Envelope(
        event_id,
        causation_id,
        correlation_id or event_id,
        event_time_us,
        producer,
        traceparent,
        "",
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms * 1000,
    )


def header_of(record: Record, wanted: str) -> str:
    """A header as text, whatever else is wrong with the record; empty when it is missing."""
    return next((value.decode(errors="replace") for name, value in record.headers if name == wanted), "")


def has_event_time(record: Record) -> bool:
    """Does its producer say when it happened? The time of writing says nothing about its age."""
    return any(name == "event_time_us" and value not in (b"", b"0") for name, value in record.headers)


def claim_of(record: Record) -> int | None:
    """Claim under which a state was written; None if it was written before there were claims.

    Raises: ContractViolationError(stage="decode") when it is none that its writer can have had.
    """
    claim = dict(record.headers).get(CLAIM)
    if claim is None:
        return None
    if not claim.isdigit() or len(claim) > OFFSET_DIGITS_MAX or int(claim) > record.offset:
        allowed = f"an offset up to {record.offset}, where it stands"
        raise ContractViolationError(
            f"{record.topic}: header {CLAIM}: found {claim[:40]!r}; allowed: {allowed}", stage="decode"
        )
    return int(claim)
