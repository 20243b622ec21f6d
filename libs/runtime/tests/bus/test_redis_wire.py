"""What is written to Redis is what is read from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing, Place
from tradewire.runtime.bus.redis_wire import decode, encode, offset_of

CONTENT = st.binary(max_size=50)
HEADERS = st.lists(st.tuples(st.text(max_size=10), CONTENT), max_size=5).map(tuple)


@given(st.none() | CONTENT, st.none() | CONTENT, HEADERS, st.integers(0, 2**50), st.integers(0, 2**50))
def test_decode_when_any_record_was_encoded_then_equal(
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes], ...],
    time_ms: int,
    offset: int,
) -> None:
    record = decode(Place("t", 3), f"{offset}-1".encode(), encode(Outgoing("t", key, value, headers), time_ms))
    assert (record.topic, record.partition, record.offset) == ("t", 3, offset)
    assert (record.key, record.value, record.headers, record.timestamp_ms) == (key, value, headers, time_ms)


def test_offset_of_when_first_record_then_zero() -> None:
    assert offset_of(b"0-1") == 0
