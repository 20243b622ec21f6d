"""The evolution gate: schemas as released, planted changes each found, golden bytes readable for ever."""

from __future__ import annotations

import io
import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import fastavro
import pytest
import yaml
from contracts.consumers import field_paths
from contracts.examples import plain
from contracts.release import HERE, current, history, problems, release

from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import PREFIX, Codec, SchemaIds

Schema = Any
FILL = "execution.fill.v1"
TRADES = "market.trade.v1"
GOLDEN = [
    pytest.param(topic, version, golden, id=f"{topic}-{version}-{golden['name']}")
    for topic in TOPICS
    for version in range(1, len(history(topic)) + 1)
    for golden in json.loads((HERE / "released" / topic / f"{version}.golden.json").read_text())
]


@pytest.fixture
def contracts(tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the contracts to spoil."""
    for path in [*HERE.glob("*.avsc"), *HERE.glob("*.yaml")]:
        shutil.copy(path, tmp_path)
    shutil.copytree(HERE / "released", tmp_path / "released")
    return tmp_path


def edit(contracts: pathlib.Path, topic: str, change: Callable[[Schema], None]) -> None:
    schema = current(topic, contracts)
    change(schema)
    (contracts / f"{topic}.avsc").write_text(json.dumps(schema))


def field(schema: Schema, name: str) -> Schema:
    return next(one for one in schema["fields"] if one["name"] == name)


def remove(name: str) -> Callable[[Schema], None]:
    return lambda schema: schema["fields"].remove(field(schema, name))


def add(**new: Any) -> Callable[[Schema], None]:
    return lambda schema: schema["fields"].append(new)


def update(at: str, **changes: Any) -> Callable[[Schema], None]:
    return lambda schema: field(schema, at).update(changes)


def rename_symbols(schema: Schema) -> None:
    symbols = field(schema, "side")["type"]
    symbols["symbols"] = ["LONG", "SHORT"]


def rescale(schema: Schema) -> None:
    field(schema, "price")["type"]["scale"] = 6


def test_today_every_schema_is_released_keeps_its_mode_and_has_what_consumers_use() -> None:
    assert problems() == []


PLANTED = {
    "field removed": (remove("fee"), "version 1 can't read version 3: fee: the field is not written"),
    "field added without default": (
        add(name="x", type="int", doc="X."),
        "version 3 can't read version 1: x: the field is not written and has no default",
    ),
    "field retyped": (update("sequence", type="string"), "sequence: long is written; allowed: what promotes to string"),
    "field widened": (update("sequence", type="double"), "version 1 can't read version 3: sequence: double is written"),
    "field made optional": (update("leg", type=["null", "string"]), "version 1 can't read version 3: leg"),
    "field renamed": (update("leg", name="purpose"), "purpose: the field is not written and has no default"),
    "symbols replaced": (rename_symbols, "symbols BUY, SELL are written"),
    "decimal rescaled": (rescale, "price: decimal(38, 8) is written; allowed: decimal(38, 6)"),
    "record renamed": (lambda schema: schema.update(name="Fill"), "record tradewire.events.OrderFilled is written"),
}


@pytest.mark.parametrize(("change", "said"), PLANTED.values(), ids=PLANTED.keys())
def test_planted_incompatible_change_is_found_and_can_not_be_released(
    contracts: pathlib.Path, change: Callable[[Schema], None], said: str
) -> None:
    edit(contracts, FILL, change)

    found = "\n".join(problems(contracts))
    assert said in found
    assert f"{FILL}: version" in found
    with pytest.raises(SystemExit, match=FILL.replace(".", r"\.")):
        release(contracts)


def test_compatible_change_not_released_says_what_to_do_then_is_released(contracts: pathlib.Path) -> None:
    edit(contracts, FILL, add(name="venue_fee_asset", type=["null", "string"], default=None, doc="Asset."))

    (found,) = problems(contracts)
    assert found == (
        f"{FILL}: the schema differs from its last release (2). Run `python -m contracts.release`, "
        "then `python -m contracts.generate`, and commit what they write."
    )
    written = release(contracts)

    assert [path.name for path in written] == ["3.avsc", "3.golden.json"]
    assert problems(contracts) == []
    assert release(contracts) == []


def test_backward_topic_may_drop_a_field_that_nobody_uses(contracts: pathlib.Path) -> None:
    edit(contracts, TRADES, remove("trade_id"))
    declared = yaml.safe_load((contracts / "consumers.yaml").read_text())
    for topics in declared.values():
        topics[TRADES] = [name for name in topics[TRADES] if name != "trade_id"] if TRADES in topics else []
    used = {service: {t: f for t, f in topics.items() if f or t != TRADES} for service, topics in declared.items()}
    (contracts / "consumers.yaml").write_text(yaml.safe_dump(used))

    (found,) = problems(contracts)
    assert "the schema differs from its last release" in found


def test_third_version_is_held_against_the_first_too(contracts: pathlib.Path) -> None:
    edit(contracts, FILL, add(name="asset", type="string", default="USDT", doc="Asset."))
    release(contracts)
    edit(contracts, FILL, lambda schema: field(schema, "asset").pop("default"))

    assert any("version 4 can't read version 1: asset" in found for found in problems(contracts))


def used_fields() -> list[Any]:
    declared = yaml.safe_load((HERE / "consumers.yaml").read_text())
    return [
        pytest.param(service, topic, id=f"{service}-{topic}")
        for service, topics in declared.items()
        for topic, fields in topics.items()
        if fields
    ]


@pytest.mark.parametrize(("service", "topic"), used_fields())
def test_removing_a_used_field_names_its_consumer(contracts: pathlib.Path, service: str, topic: str) -> None:
    declared = yaml.safe_load((contracts / "consumers.yaml").read_text())
    used = declared[service][topic][0]
    assert used in set(field_paths(current(topic, contracts)))

    edit(contracts, topic, remove(used))

    assert any(f"{service} uses {used} of {topic}" in found for found in problems(contracts))


def test_consumer_that_only_one_file_names_is_found(contracts: pathlib.Path) -> None:
    declared = yaml.safe_load((contracts / "consumers.yaml").read_text())
    del declared["risk"]["strategy.evaluation.v1"]
    declared["ingest"]["market.quote.v1"] = ["bid"]
    (contracts / "consumers.yaml").write_text(yaml.safe_dump(declared))

    assert problems(contracts) == [
        "consumers.yaml: ingest reads market.quote.v1, topics.yaml does not say so",
        "topics.yaml: risk reads strategy.evaluation.v1, consumers.yaml lists no fields",
    ]


@pytest.mark.parametrize(("topic", "version", "golden"), GOLDEN)
def test_golden_bytes_of_every_release_decode(topic: str, version: int, golden: dict[str, Any]) -> None:
    written, body = history(topic)[version - 1], bytes.fromhex(golden["hex"])
    ids = SchemaIds.static()
    ids.learn(900_000 + version, json.dumps(written))

    by_its_own_schema = fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(written), None)
    event = Codec(ids).decode(topic, PREFIX.pack(0, 900_000 + version) + body)

    assert plain(by_its_own_schema) == golden["event"]
    today = plain(event.to_avro())
    unchanged = [one["name"] for one in written["fields"] if one in current(topic)["fields"]]
    assert {name: today[name] for name in unchanged} == {name: golden["event"][name] for name in unchanged}


@pytest.mark.parametrize("topic", TOPICS)
def test_codec_writes_the_golden_bytes_of_the_newest_release(topic: str) -> None:
    codec, newest = Codec(SchemaIds.static()), len(history(topic))
    for golden in json.loads((HERE / "released" / topic / f"{newest}.golden.json").read_text()):
        body = bytes.fromhex(golden["hex"])

        event = codec.decode(topic, PREFIX.pack(0, codec.ids.own(topic)) + body)

        assert codec.encode(event)[PREFIX.size :] == body
