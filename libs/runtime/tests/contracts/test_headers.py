"""Envelopes as record headers."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Headers, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Envelope
from tradewire.runtime.codec import Codec

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def record(headers: Headers, *, offset: int = 7) -> Record:
    return Record("market.candle.v1", 3, offset, b"binance:BTCUSDT", b"", headers, timestamp_ms=1_700_000_000_000)


@given(
    ids=st.tuples(st.uuids().map(str), TEXTS, st.uuids().map(str)),
    event_time_us=st.integers(0, 2**63),
    producer=TEXTS,
    traceparent=TEXTS,
)
def test_decode_after_encode_gives_the_same_envelope(
    ids: tuple[str, str, str], event_time_us: int, producer: str, traceparent: str
) -> None:
    envelope = Envelope(*ids, event_time_us=event_time_us, producer=producer, traceparent=traceparent)

    found = Codec.decode_headers(record(Codec.encode_headers(envelope)))

    assert found == Envelope(
        *ids,
        event_time_us=event_time_us,
        producer=producer,
        traceparent=traceparent,
        topic="market.candle.v1",
        partition=3,
        offset=7,
        sent_at_us=1_700_000_000_000_000,
    )


def test_encode_writes_the_documented_headers_and_nothing_of_the_reader() -> None:
    envelope = Envelope(
        "e", "c", "r", 5, "risk@1", "00-a-b-01", process_context="00-x-y-01", topic="t", partition=1, offset=2
    )

    assert Codec.encode_headers(envelope, tracestate="v=1") == (
        ("event_id", b"e"),
        ("causation_id", b"c"),
        ("correlation_id", b"r"),
        ("event_time_us", b"5"),
        ("producer", b"risk@1"),
        ("traceparent", b"00-a-b-01"),
        ("tracestate", b"v=1"),
    )


def test_decode_without_headers_names_the_record_after_its_place_every_time() -> None:
    first, again, next_one = (Codec.decode_headers(record((), offset=offset)) for offset in (7, 7, 8))

    assert first == again
    assert uuid.UUID(first.event_id).version == 5
    assert first.event_id != next_one.event_id
    assert first.correlation_id == first.event_id
    assert first.event_time_us == 1_700_000_000_000_000


def test_decode_of_a_repeated_header_takes_the_last() -> None:
    found = Codec.decode_headers(record((("event_id", b"old"), ("traceparent", b"1"), ("event_id", b"new"))))

    assert (found.event_id, found.traceparent) == ("new", "1")


@pytest.mark.parametrize("header", [("event_id", b"\xff\xfe"), ("event_time_us", b"noon"), ("producer", b"\x80")])
def test_decode_of_a_broken_header_is_a_contract_violation(header: tuple[str, bytes]) -> None:
    with pytest.raises(ContractViolationError, match=r"market\.candle\.v1: header") as caught:
        Codec.decode_headers(record((header,)))

    assert caught.value.stage == "decode"
