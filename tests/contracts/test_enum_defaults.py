"""No enum's default opens, buys or lifts: not as the schemas are, not by a change of them."""

from __future__ import annotations

import copy
import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
from contracts.compatibility import Schemas
from contracts.enums import SAFE_DEFAULTS, unsafe_defaults, unsafe_readings
from contracts.release import HERE, history, problems, release

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import MAGIC_BYTE, PREFIX, Codec, SchemaIds

Schema = Any
NEWER_ID = 900_001
FORBIDDEN = {"BUY", "ENTRY", "MARKET", "GTC", "NORMAL", "NO_NEW", "TRADING", "ACCEPTED", "APPROVED", "LIVE"}
"""Symbols that open, buy or lift."""


def enums(topic: str) -> Iterator[Schema]:
    """Enums of a topic's schema as it is today."""
    named = Schemas.of(json.loads(TOPICS[topic].schema_json)).named
    return (schema for schema in named.values() if schema["type"] == "enum")


ENUMS = [
    pytest.param(topic, enum["name"], id=f"{topic}-{enum['name']}") for topic in sorted(TOPICS) for enum in enums(topic)
]


def newer(schema: Schema, enum: str) -> Schema:
    """The schema of a writer that knows one more symbol."""
    later = copy.deepcopy(schema)
    Schemas.of(later).named[f"tradewire.events.{enum}"]["symbols"].append("NEWER")
    return later


def first_symbol_replaced(value: Any, symbols: list[str]) -> Any:
    """A document with the newer symbol wherever one of the enum's stood."""
    if isinstance(value, dict):
        return {key: first_symbol_replaced(item, symbols) for key, item in value.items()}
    if isinstance(value, list):
        return [first_symbol_replaced(item, symbols) for item in value]
    return "NEWER" if value in symbols else value


@pytest.mark.parametrize(("topic", "name"), ENUMS)
def test_symbol_of_a_newer_writer_is_a_dead_letter_or_the_safe_default(topic: str, name: str) -> None:
    schema = json.loads(TOPICS[topic].schema_json)
    (enum,) = [one for one in enums(topic) if one["name"] == name]
    later, codec = newer(schema, name), Codec(SchemaIds.static())
    codec.ids.learn(NEWER_ID, json.dumps(later))
    golden = json.loads((HERE / "released" / topic / f"{len(history(topic))}.golden.json").read_text())[0]
    value = fastavro.schemaless_reader(
        io.BytesIO(bytes.fromhex(golden["hex"])), fastavro.parse_schema(schema, named_schemas={}), None
    )
    out = io.BytesIO()
    fastavro.schemaless_writer(
        out,
        fastavro.parse_schema(later, named_schemas={}),
        first_symbol_replaced(value, enum["symbols"]),
    )
    record = PREFIX.pack(MAGIC_BYTE, NEWER_ID) + out.getvalue()
    if "default" not in enum:
        with pytest.raises(ContractViolationError):
            codec.decode(topic, record)
        return
    assert enum["default"] not in FORBIDDEN
    assert f"'{SAFE_DEFAULTS[name]}'" in repr(codec.decode(topic, record))


def test_safe_defaults_are_known_to_open_buy_and_lift_nothing() -> None:
    assert FORBIDDEN.isdisjoint(SAFE_DEFAULTS.values())


@pytest.mark.parametrize(("topic", "name"), ENUMS)
def test_every_other_default_is_refused(topic: str, name: str) -> None:
    schema = json.loads(TOPICS[topic].schema_json)
    enum = Schemas.of(schema).named[f"tradewire.events.{name}"]
    for symbol in enum["symbols"]:
        enum["default"] = symbol
        found = unsafe_defaults(schema)
        assert bool(found) is (symbol != SAFE_DEFAULTS.get(name)), found


def test_a_field_that_opens_by_its_own_default_is_refused() -> None:
    schema = json.loads(TOPICS["risk.assessment.v1"].schema_json)
    schema["fields"].append({"name": "hedge_side", "type": "Side", "default": "BUY", "doc": "Side."})
    assert unsafe_defaults(schema) == [
        "field RiskAssessed.hedge_side: the default is BUY; allowed: no default (contracts/enums.py)"
    ]
    schema["fields"][-1] |= {"type": ["null", "Side"], "default": None}
    assert unsafe_defaults(schema) == []


def test_a_symbol_that_an_earlier_version_reads_as_buy_can_not_be_released(tmp_path: pathlib.Path) -> None:
    versions = history("risk.assessment.v1")
    assert unsafe_readings(versions) == []
    (found,) = unsafe_readings([versions[0], newer(versions[-1], "Side")])
    assert found.startswith("version 1 reads NEWER of version 2 as Side BUY")
    for path in [*HERE.glob("*.avsc"), *HERE.glob("*.yaml")]:
        (tmp_path / path.name).write_text(path.read_text())
    for topic in TOPICS:
        folder = tmp_path / "released" / topic
        folder.mkdir(parents=True)
        for path in (HERE / "released" / topic).iterdir():
            (folder / path.name).write_text(path.read_text())
    (tmp_path / "ops.control.v1.avsc").write_text(json.dumps(newer(history("ops.control.v1")[-1], "ControlLevel")))
    assert "as ControlLevel NORMAL" in "\n".join(problems(tmp_path))
    with pytest.raises(SystemExit, match="as ControlLevel NORMAL"):
        release(tmp_path)
