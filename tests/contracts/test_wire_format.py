"""A stock client and our codec read each other's records, with ids from a registry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from contracts.examples import example, plain

from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import Codec, SchemaIds, UnknownSchemaIdError
from tradewire.runtime.codec.schema_registry import register

pytest_plugins = ["tradewire.embedded.fixtures"]


# Named, for else the client first asks for "associations", which only Confluent's own registry knows: Apicurio 3.3.3
# logs a 404 for them and was seen to leave the client waiting for it.
BY_TOPIC = {"subject.name.strategy": topic_subject_name_strategy}


@pytest.fixture
async def codec(any_registry_url: str) -> Codec:
    await register(any_registry_url)
    return Codec(await SchemaIds.from_registry(any_registry_url))


@pytest.fixture
def stock_client(any_registry_url: str) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": any_registry_url})


def context(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE)


def fields_of(topic: str, *, full: bool) -> dict[str, Any]:
    fields: dict[str, Any] = example(json.loads(TOPICS[topic].schema_json), full=full)
    return fields


@pytest.mark.parametrize("full", [True, False], ids=["full", "sparse"])
async def test_stock_deserializer_reads_every_topic(
    codec: Codec, stock_client: SchemaRegistryClient, *, full: bool
) -> None:
    read = AvroDeserializer(stock_client, conf=BY_TOPIC)
    for topic, spec in TOPICS.items():
        fields = fields_of(topic, full=full)

        value = codec.encode(spec.event.model_validate(fields))

        assert plain(read(value, context(topic))) == plain(fields), topic


@pytest.mark.parametrize("full", [True, False], ids=["full", "sparse"])
async def test_codec_reads_what_the_stock_serializer_writes(
    codec: Codec, stock_client: SchemaRegistryClient, *, full: bool
) -> None:
    for topic, spec in TOPICS.items():
        fields = fields_of(topic, full=full)
        write = AvroSerializer(stock_client, spec.schema_json, conf={**BY_TOPIC, "auto.register.schemas": False})

        value = write(fields, context(topic))

        assert value is not None
        assert value[:5] == codec.encode(spec.event.model_validate(fields))[:5]
        assert codec.decode(topic, value) == spec.event.model_validate(fields), topic


async def test_newer_writers_schema_is_fetched_once_then_read(any_registry_url: str, codec: Codec) -> None:
    topic = "market.candle.v1"
    newer = json.loads(TOPICS[topic].schema_json)
    newer["fields"].append({"name": "trades", "type": "long", "default": 0})
    fields = fields_of(topic, full=True)
    write = AvroSerializer(SchemaRegistryClient({"url": any_registry_url}), json.dumps(newer), conf=BY_TOPIC)
    value = write(fields | {"trades": 12}, context(topic))
    assert value is not None

    with pytest.raises(UnknownSchemaIdError) as caught:
        codec.decode(topic, value)
    await codec.ids.fetch(caught.value.schema_id)

    assert codec.decode(topic, value) == TOPICS[topic].event.model_validate(fields)


async def test_id_unknown_to_the_registry_too_is_a_contract_violation(codec: Codec) -> None:
    with pytest.raises(ContractViolationError, match="schema id 987654 is unknown to http"):
        await codec.ids.fetch(987654)


async def test_start_without_our_schemas_names_them_and_the_command(empty_registry_url: str) -> None:
    with pytest.raises(FatalError, match=r"market\.candle\.v1-value.*tradewire contracts register"):
        await SchemaIds.from_registry(empty_registry_url)


async def test_registry_away_is_retryable() -> None:
    with pytest.raises(RetryableError, match="no answer from the registry at http"):
        await SchemaIds.from_registry("http://127.0.0.1:1")
