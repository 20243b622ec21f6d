"""Topics and headers on a real broker: planned, created, corrected; shared with a stock client."""

from __future__ import annotations

import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from confluent_kafka import Consumer, Producer

from tradewire.embedded.stack import Stack
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.message import Envelope
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.bus.kafka_topics import FoundTopic, TopicPlan, WantedTopic, apply, compare, plan, wanted_topics
from tradewire.runtime.codec import Codec

pytest_plugins = ["tradewire.embedded.fixtures"]

WAIT_SECONDS = 120.0
ENVELOPE = Envelope("e-1", "c-1", "r-1", 1_700_000_000_000_000, "ingest@0.1.0", f"00-{'a' * 32}-{'b' * 16}-01")


@pytest.fixture
def bootstrap_servers(stack: Stack) -> str:
    assert stack.endpoints.bootstrap_servers is not None
    return stack.endpoints.bootstrap_servers


async def own_settings(bootstrap_servers: str, topic: str) -> dict[str, str]:
    """Settings made on a topic itself, asked of the broker by other means than the code under test."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return {entry[0]: entry[1] for entry in response.resources[0][4] if entry[3] == 1}


async def test_apply_creates_every_topic_then_the_plan_is_empty(bootstrap_servers: str) -> None:
    before = await plan(bootstrap_servers, replication=1)
    await apply(bootstrap_servers, before)
    after = await plan(bootstrap_servers, replication=1)

    assert (after.empty, after.blocked) == (True, False), str(after)
    assert not {*TOPICS, *DEAD_LETTERS.values()} & set(after.unmanaged)
    limits = await own_settings(bootstrap_servers, "strategy.config.v1")
    assert limits == {"cleanup.policy": "compact", "delete.retention.ms": "604800000", "min.insync.replicas": "1"}


async def test_apply_corrects_drift_and_leaves_other_settings(bootstrap_servers: str) -> None:
    await apply(bootstrap_servers, await plan(bootstrap_servers, replication=1))
    drifted = {"retention.ms": "60000", "max.message.bytes": "2000000"}
    await apply(bootstrap_servers, TopicPlan(configs_after={"market.gap.v1": drifted}))

    found = await plan(bootstrap_servers, replication=1)
    assert "market.gap.v1: retention.ms 60000 → 7776000000" in str(found)
    await apply(bootstrap_servers, found)

    assert (await plan(bootstrap_servers, replication=1)).empty
    assert (await own_settings(bootstrap_servers, "market.gap.v1"))["max.message.bytes"] == "2000000"


async def test_plan_with_other_counts_is_blocked(bootstrap_servers: str) -> None:
    await apply(bootstrap_servers, await plan(bootstrap_servers, replication=1))

    found = await plan(bootstrap_servers, partitions={"S": 5}, replication=1)

    expected = {topic.name for topic in wanted_topics() if topic.name in TOPICS and TOPICS[topic.name].group == "S"}
    assert {mismatch.topic for mismatch in found.partition_mismatches} == expected


async def test_headers_cross_between_the_bus_and_a_stock_client(bootstrap_servers: str) -> None:
    topic = f"headers.{uuid.uuid4()}"
    await apply(bootstrap_servers, compare([WantedTopic(topic, 1, 1, {})], list[FoundTopic]()))
    bus = KafkaBus(bootstrap_servers, client_id="tests")
    await bus.start()
    try:
        await bus.publish([Outgoing(topic, b"key", b"ours", Codec.encode_headers(ENVELOPE, tracestate="v=1"))])
        headers = read_by_stock_client(bootstrap_servers, topic)
        producer = Producer({"bootstrap.servers": bootstrap_servers})
        producer.produce(topic, key=b"key", value=b"theirs", headers=dict(headers))
        assert producer.flush(WAIT_SECONDS) == 0
        tail = await bus.tail({Place(topic, 0): 1})
        records = await tail.poll(max_records=1, timeout_s=WAIT_SECONDS)
        await tail.close()
    finally:
        await bus.close()

    (record,) = records
    assert headers[-1] == ("tracestate", b"v=1")
    assert record.value == b"theirs"
    found = Codec.decode_headers(record)
    assert (found.event_id, found.causation_id, found.correlation_id) == ("e-1", "c-1", "r-1")
    assert (found.event_time_us, found.producer, found.traceparent) == (
        ENVELOPE.event_time_us,
        ENVELOPE.producer,
        ENVELOPE.traceparent,
    )


def read_by_stock_client(bootstrap_servers: str, topic: str) -> list[tuple[str, bytes]]:
    """Headers of the topic's first record."""
    settings = {"bootstrap.servers": bootstrap_servers, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    message = consumer.poll(WAIT_SECONDS)
    consumer.close()
    assert message is not None
    assert message.error() is None
    assert message.value() == b"ours"
    headers = message.headers()
    assert headers is not None
    assert isinstance(headers, list)
    return [(name, value) for name, value in headers if isinstance(value, bytes)]
