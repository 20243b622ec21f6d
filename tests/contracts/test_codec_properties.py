"""The codec over every event type: what is written is read, and no bytes whatsoever get past it unnoticed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.instances import events

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import PREFIX, Codec, SchemaIds

CODEC = Codec(SchemaIds.static())


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_decode_after_encode_gives_the_same_event(topic: str, data: st.DataObject) -> None:
    event = data.draw(events(topic))

    assert CODEC.decode(topic, CODEC.encode(event)) == event


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_decode_when_cut_anywhere_refuses(topic: str, data: st.DataObject) -> None:
    value = CODEC.encode(data.draw(events(topic)))
    cut = data.draw(st.integers(0, len(value) - 1))

    with pytest.raises(ContractViolationError) as caught:
        CODEC.decode(topic, value[:cut])

    assert caught.value.stage == "decode"


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=200))
def test_decode_of_any_bytes_gives_an_event_or_a_contract_violation(topic: str, body: bytes) -> None:
    value = PREFIX.pack(0, CODEC.ids.own(topic)) + body
    try:
        event = CODEC.decode(topic, value)
    except ContractViolationError:
        return
    assert CODEC.decode(topic, CODEC.encode(event)) == event


@settings(max_examples=100, deadline=None)
@given(data=st.data(), topic=st.sampled_from(sorted(TOPICS)))
def test_decode_with_flipped_bytes_gives_an_event_or_a_contract_violation(data: st.DataObject, topic: str) -> None:
    value = bytearray(CODEC.encode(data.draw(events(topic))))
    for at in data.draw(st.lists(st.integers(0, len(value) - 1), max_size=4)):
        value[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ContractViolationError):
        assert isinstance(CODEC.decode(topic, bytes(value)), TOPICS[topic].event)
