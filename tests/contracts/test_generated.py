"""What is generated from the contracts: never stale, one thing per topic, and a valid AsyncAPI document."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from contracts.asyncapi import AVRO
from contracts.generate import allocate_ids, load_schemas, version_key
from contracts.release import HERE

from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.kafka_topics import wanted_topics

Json = Any


@pytest.fixture(scope="module")
def document() -> dict[str, Json]:
    found: dict[str, Json] = yaml.safe_load((HERE / "asyncapi.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def topic_map() -> dict[str, Json]:
    found: dict[str, Json] = yaml.safe_load((HERE / "topics.yaml").read_text())
    return found


def test_generated_files_are_as_generate_would_write_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contracts.generate", "--check"],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}run `python -m contracts.generate` and commit what it writes"
    )


def test_ids_stay_and_a_new_version_gets_the_next_free_one() -> None:
    schemas = load_schemas()
    known = json.loads((HERE / "ids.json").read_text())
    changed = {**schemas, "market.quote.v1": {**schemas["market.quote.v1"], "doc": "Changed."}}

    found = allocate_ids(changed, known)

    assert {key: found[key] for key in known} == known
    assert found.keys() - known.keys() == {version_key("market.quote.v1", 2)}
    assert found["market.quote.v1-value/2"] == max(known.values()) + 1


def test_groups_share_key_and_partitions(topic_map: dict[str, Json]) -> None:
    for group in ("S", "A"):
        specs = [spec for spec in TOPICS.values() if spec.group == group]
        assert {spec.partitions for spec in specs} == {topic_map["groups"][group]["partitions"]}
    assert {spec.partitions for spec in TOPICS.values() if spec.broadcast} == {1}


def test_key_names_fields_of_the_event() -> None:
    for spec in TOPICS.values():
        names = re.findall(r"{(\w+)}", spec.key)
        assert names, spec.name
        assert set(names) <= set(spec.event.model_fields), spec.name


def test_document_has_a_channel_per_topic_with_its_settings(document: dict[str, Json]) -> None:
    wanted = {topic.name: topic for topic in wanted_topics()}

    assert set(document["channels"]) == set(wanted)
    for name, channel in document["channels"].items():
        binding = channel["bindings"]["kafka"]
        assert (channel["address"], binding["topic"]) == (name, name)
        assert binding["partitions"] == wanted[name].partitions
        assert binding["replicas"] == wanted[name].replication
        own = {key: value for key, value in wanted[name].configs.items() if key != "min.insync.replicas"}
        settings = binding["topicConfiguration"]
        written = {key: ",".join(v) if isinstance(v, list) else str(v) for key, v in settings.items()}
        assert written == own


def test_document_has_one_operation_per_producer_and_consumer(document: dict[str, Json]) -> None:
    wanted = {f"{service}.send.{spec.name}" for spec in TOPICS.values() for service in spec.producers}
    wanted |= {f"{service}.receive.{spec.name}" for spec in TOPICS.values() for service in spec.consumers}
    wanted |= {f"{service}.send.{topic}" for service, topic in DEAD_LETTERS.items()}
    wanted |= {f"cli.receive.{topic}" for topic in DEAD_LETTERS.values()}

    assert set(document["operations"]) == wanted


def test_document_carries_every_schema_as_it_is(document: dict[str, Json]) -> None:
    for spec in TOPICS.values():
        payload = document["components"]["messages"][spec.event.__name__]["payload"]
        assert payload == {"schemaFormat": AVRO, "schema": json.loads(spec.schema_json)}


ROOT_KEYS = {"asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components"}
CHANNEL_KEYS = {"address", "title", "summary", "description", "messages", "servers", "parameters", "tags", "bindings"}
OPERATION_KEYS = {"action", "channel", "title", "summary", "description", "security", "tags", "bindings", "messages"}
MESSAGE_KEYS = {"name", "title", "summary", "description", "contentType", "headers", "payload", "tags", "bindings"}
SERVER_KEYS = {"host", "protocol", "protocolVersion", "pathname", "description", "variables", "bindings"}


def test_document_keeps_the_structure_of_asyncapi_3(document: dict[str, Json]) -> None:
    """The rules of the specification's own JSON schema that concern the objects used here."""
    assert document["asyncapi"] == "3.0.0"
    assert set(document) <= ROOT_KEYS
    assert {"title", "version"} <= set(document["info"])
    for server in document["servers"].values():
        assert {"host", "protocol"} <= set(server) <= SERVER_KEYS
        assert set(re.findall(r"{(\w+)}", server["host"])) == set(server["variables"])
    assert_objects(document["channels"], CHANNEL_KEYS)
    assert_objects(document["operations"], OPERATION_KEYS)
    assert_objects(document["components"]["messages"], MESSAGE_KEYS)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert set(operation["channel"]) == {"$ref"}
        (message,) = operation["messages"]
        assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
    for message in document["components"]["messages"].values():
        assert message["headers"]["type"] == "object"
        assert set(message["headers"]["required"]) <= set(message["headers"]["properties"])


def assert_objects(objects: dict[str, Json], allowed: set[str]) -> None:
    for name, found in objects.items():
        assert re.fullmatch(r"[\w.\-]+", name)
        assert {key for key in found if not key.startswith("x-")} <= allowed, name


def test_every_reference_leads_somewhere(document: dict[str, Json]) -> None:
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def references(node: Json) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)
