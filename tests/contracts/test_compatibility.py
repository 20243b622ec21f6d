"""Our reading of Avro's schema resolution: each rule by example, then against fastavro resolving real data."""

from __future__ import annotations

import copy
import io
from contextlib import suppress
from typing import Any

import fastavro
import pytest
from contracts.compatibility import incompatibilities, violations
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.instances import values

Schema = Any

COLOURS = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]}
MORE_COLOURS = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN", "BLUE"]}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 8}


def record(*fields: Schema, name: str = "R", **more: Any) -> Schema:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Schema, **more: Any) -> Schema:
    return {"name": name, "type": kind, **more}


READABLE = {
    "same": (record(field("a", "int")), record(field("a", "int"))),
    "int as long": ("long", "int"),
    "int as double": ("double", "int"),
    "long as float": ("float", "long"),
    "float as double": ("double", "float"),
    "string as bytes": ("bytes", "string"),
    "field left out by the reader": (record(field("a", "int")), record(field("a", "int"), field("b", "int"))),
    "new field with a default": (record(field("a", "int", default=1)), record()),
    "field renamed with an alias": (record(field("b", "int", aliases=["a"])), record(field("a", "int"))),
    "record renamed with an alias": (record(name="S", aliases=["R"]), record()),
    "one type into a union": (["null", "int"], "int"),
    "union into a wider union": (["null", "int", "string"], ["null", "int"]),
    "promotion into a union": (["null", "double"], "int"),
    "symbol dropped by the writer": (MORE_COLOURS, COLOURS),
    "new symbol with a default": (COLOURS | {"default": "RED"}, MORE_COLOURS),
    "items promoted": ({"type": "array", "items": "long"}, {"type": "array", "items": "int"}),
    "values promoted": ({"type": "map", "values": "double"}, {"type": "map", "values": "float"}),
    "same decimal": (DECIMAL, DECIMAL),
    "name used twice": (
        record(field("a", COLOURS), field("b", "Colour")),
        record(field("a", COLOURS), field("b", "Colour")),
    ),
}

UNREADABLE = {
    "long as int": ("int", "long"),
    "double as float": ("float", "double"),
    "int as string": ("string", "int"),
    "boolean as int": ("int", "boolean"),
    "new field without a default": (record(field("a", "int")), record()),
    "field renamed without an alias": (record(field("b", "int")), record(field("a", "int"))),
    "record renamed without an alias": (record(name="S"), record()),
    "union into one of its types": ("int", ["null", "int"]),
    "type outside the union": (["null", "int"], "string"),
    "new symbol without a default": (COLOURS, MORE_COLOURS),
    "enum renamed": (COLOURS | {"name": "Color"}, COLOURS),
    "array as map": ({"type": "map", "values": "int"}, {"type": "array", "items": "int"}),
    "items narrowed": ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}),
    "fixed of another size": (
        {"type": "fixed", "name": "F", "size": 4},
        {"type": "fixed", "name": "F", "size": 8},
    ),
    "decimal of another scale": (DECIMAL, DECIMAL | {"scale": 6}),
    "decimal of another precision": (DECIMAL, DECIMAL | {"precision": 20}),
    "decimal as plain bytes": ("bytes", DECIMAL),
    "deep inside": (
        record(field("a", {"type": "array", "items": record(field("x", "int"), name="X")})),
        record(field("a", {"type": "array", "items": record(field("x", "long"), name="X")})),
    ),
}


@pytest.mark.parametrize(("reader", "writer"), READABLE.values(), ids=READABLE.keys())
def test_readable_pair_has_no_incompatibility(reader: Schema, writer: Schema) -> None:
    assert incompatibilities(reader=reader, writer=writer) == []


@pytest.mark.parametrize(("reader", "writer"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_pair_is_found(reader: Schema, writer: Schema) -> None:
    assert incompatibilities(reader=reader, writer=writer)


def test_incompatibility_names_the_path_what_was_found_and_allowed() -> None:
    (found,) = incompatibilities(reader=UNREADABLE["deep inside"][0], writer=UNREADABLE["deep inside"][1])

    assert str(found) == "a[].x: long is written; allowed: what promotes to int"


def test_full_mode_demands_both_directions_of_every_pair() -> None:
    first = record(field("a", "int"))
    second = record(field("a", "int"), field("b", "int", default=0))
    third = record(field("a", "int"), field("b", "int"))

    assert violations([first, second], "FULL_TRANSITIVE") == []
    assert violations([second, third], "BACKWARD_TRANSITIVE") == []
    (found,) = violations([first, second, third], "FULL_TRANSITIVE")
    assert found.startswith("version 3 can't read version 1: b: the field is not written and has no default")


def test_backward_mode_lets_a_field_go_that_old_readers_need_and_full_mode_does_not() -> None:
    old, new = record(field("a", "int"), field("b", "int")), record(field("a", "int"))

    assert violations([old, new], "BACKWARD_TRANSITIVE") == []
    assert violations([old, new], "FULL_TRANSITIVE")


PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
SYMBOLS = st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3, unique=True)


@st.composite
def enums(draw: st.DrawFn) -> Schema:
    symbols = draw(SYMBOLS)
    schema = {"type": "enum", "name": draw(st.sampled_from(["E", "E2"])), "symbols": symbols}
    return schema | ({"default": symbols[0]} if draw(st.booleans()) else {})


DEFAULTS = {"null": None, "boolean": False, "int": 0, "long": 0, "float": 0.0, "double": 0.0, "bytes": "", "string": ""}


@st.composite
def records(draw: st.DrawFn) -> Schema:
    fields = []
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)):
        kind = draw(st.one_of(PRIMITIVES, enums(), st.lists(PRIMITIVES, min_size=1, max_size=3, unique=True)))
        one = field(name, kind)
        if isinstance(kind, str) and draw(st.booleans()):
            one["default"] = DEFAULTS[kind]
        if draw(st.integers(0, 3)) == 0:
            one["aliases"] = ["old_" + name]
        fields.append(one)
    names = [one["type"]["name"] for one in fields if isinstance(one["type"], dict)]
    return record(*fields) if len(names) == len(set(names)) else record()


SCHEMAS = st.one_of(
    PRIMITIVES,
    enums(),
    records(),
    st.lists(PRIMITIVES, min_size=1, max_size=3, unique=True),
    st.builds(lambda items: {"type": "array", "items": items}, st.one_of(PRIMITIVES, records())),
    st.builds(lambda inner: {"type": "map", "values": inner}, PRIMITIVES),
)


@settings(max_examples=150, deadline=None)
@given(reader=SCHEMAS, writer=SCHEMAS, data=st.data())
def test_what_the_checker_allows_fastavro_resolves(reader: Schema, writer: Schema, data: st.DataObject) -> None:
    if incompatibilities(reader=reader, writer=writer):
        return
    value = data.draw(values(writer))

    with suppress(UnicodeDecodeError):  # Avro lets bytes be read as a string; that they are UTF-8 no schema can say
        resolve(reader, writer, value)


@st.composite
def edited(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """A record and the same one after a few edits: pairs that differ in one or two rules."""
    before = draw(records().filter(lambda schema: schema["fields"]))
    after = copy.deepcopy(before)
    for _ in range(draw(st.integers(1, 2))):
        change = draw(st.sampled_from(["drop", "add", "default", "retype", "rename"]))
        at = draw(st.integers(0, max(0, len(after["fields"]) - 1)))
        if change == "add":
            after["fields"].append(field(f"n{len(after['fields'])}", "int"))
        elif not after["fields"]:
            continue
        elif change == "drop":
            after["fields"].pop(at)
        elif change == "default":
            after["fields"][at] = field(after["fields"][at]["name"], "int", default=0)
        elif change == "retype":
            after["fields"][at] = field(after["fields"][at]["name"], draw(PRIMITIVES))
        else:
            after["fields"][at] = {**after["fields"][at], "name": f"old_{at}"}
    return before, after


@settings(max_examples=150, deadline=None)
@given(pair=edited())
def test_what_the_checker_forbids_fastavro_fails_on_for_some_value(pair: tuple[Schema, Schema]) -> None:
    """Of the two directions; a value that shows it is one of each union branch and each symbol of the writer."""
    before, after = pair
    for reader, writer in ((before, after), (after, before)):
        found = incompatibilities(reader=reader, writer=writer)
        failures = [outcome for value in witnesses(writer) if (outcome := failure(reader, writer, value))]
        if not found:
            assert not failures
        elif any("is written" in str(reason) or "not written" in str(reason) for reason in found):
            assert failures, [str(reason) for reason in found]


def witnesses(schema: Schema) -> list[Any]:
    """One value per union branch and symbol of each field, the others at their first."""
    options = {one["name"]: branch_values(one["type"]) for one in schema["fields"]}
    first = {name: choices[0] for name, choices in options.items()}
    return [first] + [{**first, name: choice} for name, choices in options.items() for choice in choices[1:]]


def branch_values(schema: Schema) -> list[Any]:
    if isinstance(schema, list):
        return [(branch, value) for branch in schema for value in branch_values(branch)]
    if isinstance(schema, dict):
        return list(schema["symbols"])
    zero = DEFAULTS[schema]
    return [b"" if schema == "bytes" else zero]


def resolve(reader: Schema, writer: Schema, value: Any) -> Any:
    out = io.BytesIO()
    parsed = fastavro.parse_schema(copy.deepcopy(writer), named_schemas={})
    fastavro.schemaless_writer(out, parsed, value)
    out.seek(0)
    return fastavro.schemaless_reader(out, parsed, fastavro.parse_schema(copy.deepcopy(reader), named_schemas={}))


def failure(reader: Schema, writer: Schema, value: Any) -> str | None:
    try:
        resolve(reader, writer, value)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
