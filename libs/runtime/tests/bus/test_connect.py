"""One address says which bus, and with which bounds."""

from __future__ import annotations

import pytest

from tradewire.runtime.bus import connect
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.redis_streams import RedisBus


async def test_connect_when_memory_then_with_the_given_topics() -> None:
    bus = connect("memory:", partitions={"t": 3})
    assert isinstance(bus, MemoryBus)
    assert await bus.partitions("t") == 3


async def test_connect_when_kafka_then_servers_and_bounds() -> None:
    bus = connect("kafka://one:9092,two:9092?session_s=10&linger_ms=2", client_id="risk-0")
    assert isinstance(bus, KafkaBus)
    assert (bus.bootstrap_servers, bus.client_id) == ("one:9092,two:9092", "risk-0")
    assert (bus.settings.session_s, bus.settings.linger_ms) == (10.0, 2)


async def test_connect_when_a_patient_reader_then_kafka_gathers_records_unless_the_address_says_otherwise() -> None:
    prompt, patient = connect("kafka://one:9092"), connect("kafka://one:9092?fetch_wait_ms=40", patient=True)
    assert isinstance(prompt, KafkaBus)
    assert isinstance(patient, KafkaBus)
    assert prompt.settings.fetch_bytes_min == 1
    assert patient.settings.fetch_bytes_min > 1
    assert patient.settings.fetch_wait_ms == 40
    assert isinstance(connect("memory:", patient=True), MemoryBus)


async def test_connect_when_redis_then_bounds() -> None:
    bus = connect("redis://localhost:6379/2?records_kept=1000")
    assert isinstance(bus, RedisBus)
    assert bus.settings.records_kept == 1000


@pytest.mark.parametrize(
    "url", ["", "kafka:", "redis:", "http://localhost", "memory:?x=1", "kafka://h:1?nonsense=1", "kafka://h:1?send_s=x"]
)
def test_connect_when_the_address_makes_no_sense_then_value_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"bus address|could not convert"):
        connect(url)
