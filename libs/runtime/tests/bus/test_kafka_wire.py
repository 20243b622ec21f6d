"""Fetches are packed and read as aiokafka's own codec does it, only faster."""

from __future__ import annotations

from io import BytesIO

import pytest
from aiokafka.protocol.fetch import FetchRequest_v10, FetchRequest_v11, FetchResponse_v10, FetchResponse_v11
from hypothesis import given
from hypothesis import strategies as st

from tradewire.runtime.bus.kafka_wire import speed_up_fetches, with_fast_partitions

INT16, INT32, INT64 = (st.integers(-(2**bits), 2**bits - 1) for bits in (15, 31, 63))
COUNTS = st.integers(0, 2**31 - 1)
ASKED = st.tuples(INT32, INT32, INT64, INT64, INT32)
ABORTED = st.none() | st.lists(st.tuples(INT64, INT64), max_size=3)
ANSWERED = st.tuples(INT32, INT16, INT64, INT64, INT64, ABORTED, INT32, st.none() | st.binary(max_size=40))


def topics(rows: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[list[tuple[str, list[object]]]]:
    return st.lists(st.tuples(st.text(max_size=8), st.lists(rows, max_size=4)), max_size=3)


ASKING, ANSWERING = FetchRequest_v11.SCHEMA, FetchResponse_v11.SCHEMA
"""aiokafka's own, as long as no bus of this process has started when this file is imported."""


@given(topics(ASKED))
def test_request_when_written_then_the_bytes_are_those_of_aiokafka(asked: list[tuple[str, list[object]]]) -> None:
    message: tuple[object, ...] = (-1, 100, 1, 2**20, 1, 0, -1, asked, [], "")
    assert with_fast_partitions(ASKING).encode(message) == ASKING.encode(message)


@given(topics(ANSWERED))
def test_answer_when_read_then_the_values_are_those_of_aiokafka(answered: list[tuple[str, list[object]]]) -> None:
    data = ANSWERING.encode((0, 0, 0, answered))
    fast, known = BytesIO(data), BytesIO(data)
    assert with_fast_partitions(ANSWERING).decode(fast) == ANSWERING.decode(known)
    assert fast.tell() == len(data)


@given(topics(ANSWERED.filter(lambda row: row[-1])).filter(lambda found: bool(found and found[-1][1])), st.data())
def test_answer_when_cut_short_then_an_error(answered: list[tuple[str, list[object]]], data: st.DataObject) -> None:
    whole = ANSWERING.encode((0, 0, 0, answered))
    cut = data.draw(st.integers(10, len(whole) - 1))
    with pytest.raises(Exception, match=r"unpack|bytes|underrun|characters"):
        with_fast_partitions(ANSWERING).decode(BytesIO(whole[:cut]))


def test_speeding_up_when_repeated_then_only_version_11_differs_and_still_works() -> None:
    before = FetchRequest_v10.SCHEMA, FetchResponse_v10.SCHEMA
    speed_up_fetches()
    speed_up_fetches()
    assert before == (FetchRequest_v10.SCHEMA, FetchResponse_v10.SCHEMA)
    answer = FetchResponse_v11(0, 0, 0, [("t", [(3, 0, 9, 9, 0, None, -1, b"records")])])
    data = ANSWERING.encode((0, 0, 0, answer.topics))
    assert FetchResponse_v11.decode(data).topics == answer.topics
