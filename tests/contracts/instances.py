"""Hypothesis strategies made from Avro schemas: every value that a schema can hold, none that it can't."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tradewire.ports.message import Event
from tradewire.ports.topics import TOPICS

Schema = Any
LONGS = st.integers(-(2**63), 2**63 - 1)
INTS = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
ITEMS_MAX = 3


def values(schema: Schema, named: dict[str, Schema] | None = None) -> st.SearchStrategy[Any]:
    """Values as the Avro writer takes them. Names are looked up without namespaces."""
    named = {} if named is None else named
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return values(named[schema], named) if schema in named else _primitive(schema)
    if "name" in schema:
        named[schema["name"]] = schema
    match schema["type"]:
        case "record":
            return st.fixed_dictionaries({field["name"]: values(field["type"], named) for field in schema["fields"]})
        case "array":
            return st.lists(values(schema["items"], named), max_size=ITEMS_MAX)
        case "map":
            return st.dictionaries(TEXTS, values(schema["values"], named), max_size=ITEMS_MAX)
        case "enum":
            return st.sampled_from(schema["symbols"])
        case "fixed":
            return st.binary(min_size=schema["size"], max_size=schema["size"])
    if schema.get("logicalType") == "decimal":
        return decimals(schema["precision"], schema.get("scale", 0))
    return _primitive(schema["type"])


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """Decimals with at most ``precision`` digits, at most ``scale`` of them after the point."""
    whole = 10 ** (precision - scale) - 1
    digits = st.tuples(st.integers(-whole, whole), st.integers(0, scale))
    return digits.map(lambda pair: Decimal(f"{pair[0]}e-{pair[1]}"))


def events(topic: str) -> st.SearchStrategy[Event]:
    """Events of one topic."""
    spec = TOPICS[topic]
    return values(json.loads(spec.schema_json)).map(spec.event.model_validate)


def _primitive(kind: str) -> st.SearchStrategy[Any]:
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "int": INTS,
        "long": LONGS,
        "float": FLOATS,
        "double": DOUBLES,
        "bytes": st.binary(max_size=8),
        "string": TEXTS,
    }[kind]
