"""On a real broker each user of the overlays can do what the topic map says, and nothing else: every topic is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)
from tests.architecture.layout import SERVICES
from tests.deploy.guarded import Guarded, guarded_by
from tests.deploy.overlays import overlays

from tradewire.embedded.service_processes import VIEWS, ServiceProcess, until_ready
from tradewire.ports.topics import DEAD_LETTERS, TOPICS

ALL = {*TOPICS, *DEAD_LETTERS.values()}
ANSWER_S = 120


@pytest.fixture(scope="module")
def broker() -> Iterator[Guarded]:
    """A broker with the rights of paper; all overlays have the same, as another test shows."""
    with guarded_by(overlays()[1]) as found:
        yield found


def _written(broker: Guarded, user: str) -> set[str]:
    """Topics that a user can write to, of all."""
    taken, refused = set[str](), set[str]()

    def note(error: KafkaError | None, message: Message) -> None:
        topic = message.topic()
        assert topic is not None
        if error is None:
            taken.add(topic)
        else:
            assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, error
            refused.add(topic)

    producer = Producer(broker.client(user))
    for topic in sorted(ALL):
        producer.produce(topic, key=b"k", value=b"v", partition=0, on_delivery=note)
    assert producer.flush(ANSWER_S) == 0
    assert taken | refused == ALL
    return taken


def _read(broker: Guarded, user: str) -> set[str]:
    """Topics that a user can read, of all. What it may not even describe, no client can ask a record of."""
    own = {"group.id": user, "enable.auto.commit": "false", "enable.partition.eof": "true"}
    consumer = Consumer({**broker.client(user), **own, "auto.offset.reset": "earliest"})
    answers: dict[str, bool] = {}
    try:
        described = {topic for topic in ALL if consumer.list_topics(topic, ANSWER_S).topics[topic].error is None}
        consumer.assign([TopicPartition(topic, 0, 0) for topic in sorted(described)])
        while answers.keys() != described:
            message = consumer.poll(ANSWER_S)
            assert message is not None, f"no answer for {sorted(described - answers.keys())}"
            error, topic = message.error(), message.topic()
            if topic is not None:
                answers[topic] = error is None or error.code() == KafkaError._PARTITION_EOF
    finally:
        consumer.close()
    return {topic for topic, can in answers.items() if can}


def _granted(user: str, operation: str) -> set[str]:
    rules = overlays()[1].named("KafkaUser", user)["spec"]["authorization"]["acls"]
    return {r["resource"]["name"] for r in rules if r["resource"]["type"] == "topic" and operation in r["operations"]}


@pytest.mark.parametrize("service", SERVICES)
def test_service_writes_what_it_produces_and_no_other_topic(broker: Guarded, service: str) -> None:
    produced = {name for name, spec in TOPICS.items() if service in spec.producers}
    assert _written(broker, service) == produced | {DEAD_LETTERS[service]}


@pytest.mark.parametrize("service", SERVICES)
def test_service_reads_what_it_consumes_and_no_other_topic(broker: Guarded, service: str) -> None:
    assert _read(broker, service) == _granted(service, "Read")


def test_operator_reads_all_and_writes_orders_and_dead_letters(broker: Guarded) -> None:
    orders = {name for name, spec in TOPICS.items() if "cli" in spec.producers}
    assert _read(broker, "operator") == ALL
    assert _written(broker, "operator") == orders | set(DEAD_LETTERS.values())


def test_scaler_reads_and_writes_nothing(broker: Guarded) -> None:
    assert _read(broker, "scaler") == set()
    assert _written(broker, "scaler") == set()


async def test_views_of_telemetry_work_with_the_rights_of_their_user(broker: Guarded, tmp_path: Path) -> None:
    settings = {"TRADEWIRE_BUS_URL": broker.address("telemetry"), "TRADEWIRE_VIEWS_FOLDER": str(tmp_path / "views")}
    views = ServiceProcess(VIEWS, settings, tmp_path / "logs")
    views.start()
    try:
        await until_ready([views])
        async with httpx.AsyncClient() as client:
            while f'lag_records{{group="{VIEWS}"' not in (await client.get(f"{views.url}/metrics")).text:
                views.check()
                await asyncio.sleep(0.1)  # between two questions
        views.check()
    finally:
        views.stop()


def test_every_overlay_grants_the_same() -> None:
    found = [[(u["metadata"]["name"], u["spec"]) for u in overlay.of("KafkaUser")] for overlay in overlays()]
    assert found[0] == found[1] == found[2]
