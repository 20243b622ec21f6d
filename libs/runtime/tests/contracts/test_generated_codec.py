"""The generated readers and writers against fastavro and pydantic, which they stand in for."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.codec.number_maps import map_reader, map_writer
from tradewire.runtime.codec.varints import read_long, varint

CODEC = Codec(SchemaIds.static())
LONGS = st.integers(-(2**63), 2**63 - 1) | st.integers(1_600_000_000_000_000, 1_900_000_000_000_000)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = {
    "string": st.text(max_size=8) | st.text("ab", min_size=60, max_size=70),
    "long": LONGS,
    "int": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "double": NUMBERS,
    "bytes": st.binary(max_size=200),
    "null": st.none(),
}


def values(schema: Any, named: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Values of any schema of ours, as pydantic takes them."""
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return PLAIN[schema] if schema in PLAIN else named[schema]
    if schema.get("logicalType") == "decimal":
        scale, digits = schema["scale"], 10 ** schema["precision"] - 1
        return st.integers(-digits, digits).map(lambda unscaled: Decimal((unscaled < 0, _digits(unscaled), -scale)))
    match schema["type"]:
        case "record":
            fields = {field["name"]: values(field["type"], named) for field in schema["fields"]}
            named[schema["name"]] = st.fixed_dictionaries(fields)
        case "enum":
            named[schema["name"]] = st.sampled_from(schema["symbols"])
        case "array":
            return st.lists(values(schema["items"], named), max_size=3)
        case "map":
            return st.dictionaries(PLAIN["string"], values(schema["values"], named), max_size=5)
        case plain:
            return PLAIN[plain]
    return named[schema["name"]]


def _digits(number: int) -> tuple[int, ...]:
    return tuple(map(int, str(abs(number))))


EVENTS = {
    topic: values(json.loads(spec.schema_json), {}).map(spec.event.model_validate) for topic, spec in TOPICS.items()
}


@pytest.mark.parametrize("topic", EVENTS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_every_event_is_written_and_read_as_by_fastavro_and_pydantic(topic: str, data: st.DataObject) -> None:
    event: Event = data.draw(EVENTS[topic])
    form = CODEC._formats[topic]

    value = form.write(event)

    assert value == CODEC._encode(form, event)
    read, told = form.read(value), CODEC._decode(form, value)
    assert type(read) is type(told)
    assert read == told
    assert repr(read) == repr(told)
    assert read.model_fields_set == told.model_fields_set
    assert read.model_copy(update={}) == told


@pytest.mark.parametrize("topic", EVENTS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_value_is_never_read_as_anything_else_than_fastavro_reads(topic: str, data: st.DataObject) -> None:
    value = bytearray(CODEC.encode(data.draw(EVENTS[topic])))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(5, len(value) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(value[: data.draw(st.integers(5, len(value)))] + data.draw(st.binary(max_size=3)))
    form = CODEC._formats[topic]

    try:
        read = form.read(damaged)
    except Exception:
        return

    assert repr(read) == repr(CODEC._decode(form, damaged))


def test_decode_of_an_infinite_number_names_the_field() -> None:
    (topic,) = [name for name, spec in TOPICS.items() if spec.event.__name__ == "IndicatorsUpdated"]
    fields: dict[str, Any] = {
        "venue": "v",
        "symbol": "s",
        "interval": "1h",
        "open_time_us": 1,
        "event_time_us": 2,
        "close": Decimal(1),
        "values": {"a": 1.0},
        "previous": {},
        "input_partition": 0,
        "input_offset": 0,
    }
    event = TOPICS[topic].event.model_construct(**fields | {"values": {"a": math.inf}})

    with pytest.raises(ContractViolationError, match=r"field values\.a: found inf"):
        CODEC.decode(topic, CODEC.encode(event))


@given(LONGS)
def test_a_long_comes_back(number: int) -> None:
    written = varint(number)

    assert read_long(b"\xff" + written + b"\xff", 1) == (number, 1 + len(written))


def test_a_long_beyond_64_bits_is_refused_both_ways() -> None:
    with pytest.raises(OverflowError):
        varint(2**63)
    with pytest.raises(OverflowError):
        read_long(b"\xff" * 9 + b"\x02", 0)
    with pytest.raises(OverflowError):
        read_long(b"\xff" * 12, 0)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), NUMBERS | st.none(), max_size=3), min_size=2, max_size=6))
def test_maps_of_changing_layouts_come_back(maps: list[dict[str, float | None]]) -> None:
    read, write = map_reader(nullable=True), map_writer(nullable=True)

    for numbers in maps * 2:
        found, end = read(b"ab" + write(numbers) + b"cd", 2)

        assert list(found.items()) == list(numbers.items())
        assert end == 2 + len(write(numbers))


def test_a_number_that_looks_like_a_name_is_not_taken_for_one() -> None:
    read, write = map_reader(nullable=False), map_writer(nullable=False)
    one: dict[str, float | None] = {"": 1.0}
    other: dict[str, float | None] = {"": 2.0}

    assert [read(write(numbers), 0)[0] for numbers in (one, other, one)] == [one, other, one]


def test_null_among_numbers_that_may_not_be_null_is_refused() -> None:
    with pytest.raises(TypeError):
        map_writer(nullable=False)({"a": None})


@pytest.mark.parametrize("numbers", [{"a": math.nan}, {"a": math.inf, "b": -math.inf}])
def test_numbers_that_are_not_finite_are_refused_the_first_time_and_later(numbers: dict[str, float | None]) -> None:
    read, write = map_reader(nullable=True), map_writer(nullable=True)
    read(write(dict.fromkeys(numbers, 1.0)), 0)

    for _ in range(2):
        with pytest.raises(ValueError, match="finite"):
            read(write(numbers), 0)


def test_finite_numbers_with_an_infinite_sum_are_read() -> None:
    read, write = map_reader(nullable=True), map_writer(nullable=True)
    numbers: dict[str, float | None] = {"a": 1e308, "b": 1e308}

    assert [read(write(numbers), 0)[0] for _ in range(2)] == [numbers, numbers]
