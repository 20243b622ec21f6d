"""Topics as logs: partitions, offsets, round trips, tails."""

from __future__ import annotations

import asyncio

import pytest

from tradewire.ports.bus import EventBusPort, Outgoing, Place
from tradewire.ports.errors import ContractViolationError
from tradewire.testkit.bus_suite.harness import PATIENCE_SECONDS, Harness, numbered, read, spread, values

KAFKA_PARTITIONS_OF_12 = {b"BTCUSDT": 2, b"ETHUSDT": 5, b"SOLUSDT": 9, b"": 9, b"acc-1": 9, b"a": 4}


class LogSuite:
    """Behaviour without groups."""

    @pytest.fixture
    async def bus(self, harness: Harness) -> EventBusPort:
        """A started connection."""
        return await harness.connect()

    async def test_publish_when_acknowledged_then_offsets_are_those_read(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus, partitions=3)
        sent = numbered(topic, range(50), keys=7)
        acks = await bus.publish(sent[:20]) + await bus.publish(sent[20:])
        tail = await bus.tail({Place(topic, partition): 0 for partition in range(3)})
        found = await read(tail, 50)
        await tail.close()
        assert {(ack.topic, ack.partition, ack.offset): out.value for ack, out in zip(acks, sent, strict=True)} == {
            (record.topic, record.partition, record.offset): record.value for record in found
        }

    async def test_order_when_keys_interleave_then_kept_per_key(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus, partitions=4)
        for start in range(0, 400, 40):
            await bus.publish(numbered(topic, range(start, start + 40), keys=9))
        tail = await bus.tail({Place(topic, partition): 0 for partition in range(4)})
        per_key: dict[bytes | None, list[int]] = {}
        for record in await read(tail, 400):
            per_key.setdefault(record.key, []).append(int(record.value or b"-1"))
        await tail.close()
        assert len(per_key) == 9
        assert all(numbers == sorted(numbers) for numbers in per_key.values())

    async def test_round_trip_when_headers_tombstones_and_no_keys_then_equal(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus)
        headers = (("event_id", bytes(range(256))), ("twice", b"1"), ("twice", b""), ("größe", b"2"))
        sent = [
            Outgoing(topic, b"key", b"\x00\xff", headers),
            Outgoing(topic, b"key", None, (("why", b"deleted"),)),
            Outgoing(topic, None, b"no key"),
            Outgoing(topic, b"", b""),
        ]
        await bus.publish(sent)
        tail = await bus.tail({Place(topic, 0): 0})
        found = await read(tail, 4)
        await tail.close()
        assert [(r.key, r.value, r.headers) for r in found] == [(o.key, o.value, o.headers) for o in sent]
        assert all(record.timestamp_ms > 1_700_000_000_000 for record in found)

    @pytest.mark.parametrize("key", KAFKA_PARTITIONS_OF_12)
    async def test_partition_when_keyed_then_the_one_kafka_gives(
        self, bus: EventBusPort, harness: Harness, key: bytes
    ) -> None:
        topic = await harness.topic(bus, partitions=12)
        (ack,) = await bus.publish([Outgoing(topic, key, b"")])
        assert ack.partition == KAFKA_PARTITIONS_OF_12[key]

    async def test_publish_when_topic_is_unknown_then_contract_violation(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        with pytest.raises(ContractViolationError, match="unknown topic"):
            await bus.publish([Outgoing(harness.name("nowhere"), b"key", b"value")])
        with pytest.raises(ContractViolationError, match="unknown topic"):
            await bus.partitions(harness.name("nowhere"))

    async def test_publish_when_a_record_can_never_be_written_then_none_is(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus)
        fine = Outgoing(topic, b"key", b"fine")
        for hopeless in (
            Outgoing(topic, b"key", bytes(2 << 20)),
            Outgoing(topic, b"key", b"", partition=1),
            Outgoing(topic, None, None),
        ):
            with pytest.raises(ContractViolationError):
                await bus.publish([fine, hopeless])
        (ack,) = await bus.publish([fine])
        assert ack.offset == 0

    async def test_create_topics_when_it_exists_then_left_as_it_is(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus, partitions=2)
        await bus.publish([Outgoing(topic, b"key", b"value", partition=1)])
        await bus.create_topics({topic: 5}, {})
        assert await bus.partitions(topic) == 2
        assert await bus.end_offsets([Place(topic, 1)]) == {Place(topic, 1): 1}

    async def test_offsets_when_asked_then_begin_end_and_committed(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus, partitions=2)
        places = [Place(topic, 0), Place(topic, 1)]
        await bus.publish(spread(topic, partitions=1, each=3))
        assert await bus.begin_offsets(places) == dict.fromkeys(places, 0)
        assert await bus.end_offsets(places) == {places[0]: 3, places[1]: 0}
        assert await bus.committed(harness.name("group"), places) == dict.fromkeys(places)

    async def test_offsets_at_when_asked_by_time_then_the_first_record_written_then_or_later(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus, partitions=2)
        place, empty = Place(topic, 0), Place(topic, 1)
        for start in range(0, 20, 4):
            await bus.publish([Outgoing(topic, b"key", str(n).encode(), partition=0) for n in range(start, start + 4)])
        tail = await bus.tail({place: 0})
        records = await read(tail, 20)
        await tail.close()
        for time_ms in {0, *(r.timestamp_ms + more for r in records for more in (0, 1))}:
            wanted = next((r.offset for r in records if r.timestamp_ms >= time_ms), 20)
            assert await bus.offsets_at({place: time_ms, empty: time_ms}) == {place: wanted, empty: 0}
        assert await bus.offsets_at({}) == {}

    async def test_tail_when_started_anywhere_then_clamped(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus, partitions=3)
        await bus.publish(spread(topic, partitions=3, each=4))
        tail = await bus.tail({Place(topic, 0): -5, Place(topic, 1): 2, Place(topic, 2): 99})
        assert sorted(values(await read(tail, 6))) == ["0:0", "0:1", "0:2", "0:3", "1:2", "1:3"]
        await bus.publish([Outgoing(topic, b"key", b"new", partition=2)])
        assert values(await read(tail, 1)) == ["new"]
        await tail.close()

    async def test_tail_when_partition_is_paused_then_the_others_go_on(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus, partitions=2)
        tail = await bus.tail({Place(topic, 0): 0, Place(topic, 1): 0})
        tail.pause([Place(topic, 0)])
        await bus.publish(spread(topic, partitions=2, each=2))
        assert values(await read(tail, 2)) == ["1:0", "1:1"]
        assert await tail.poll(max_records=9, timeout_s=0.3) == []
        tail.resume([Place(topic, 0)])
        assert values(await read(tail, 1)) == ["0:0"]
        tail.pause([Place(topic, 0)])  # what was fetched already is kept back too
        assert await tail.poll(max_records=9, timeout_s=0.3) == []
        tail.resume([Place(topic, 0)])
        assert values(await read(tail, 1)) == ["0:1"]
        await tail.close()

    async def test_tail_when_joining_late_then_reads_a_compacted_topic_to_its_end_first(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus, partitions=2, compacted=True)
        await bus.publish(spread(topic, partitions=2, each=30))
        late = await harness.connect()
        places = [Place(topic, 0), Place(topic, 1)]
        begins, ends = await late.begin_offsets(places), await late.end_offsets(places)
        tail = await late.tail(begins)
        state: dict[Place, str] = {}
        waiting = set(places)
        while waiting:
            for record in await tail.poll(max_records=7, timeout_s=0.5):
                state[record.place] = (record.value or b"").decode()
                if record.offset + 1 >= ends[record.place]:
                    waiting.discard(record.place)
        await tail.close()
        assert state == {places[0]: "0:29", places[1]: "1:29"}

    async def test_poll_when_waiting_then_woken_by_a_publish(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus)
        tail = await bus.tail({Place(topic, 0): 0})
        assert await tail.poll(max_records=1, timeout_s=0) == []
        assert await tail.poll(max_records=1, timeout_s=0.05) == []
        waiting = asyncio.create_task(tail.poll(max_records=1, timeout_s=60))
        await bus.publish(numbered(topic, [7]))
        assert values(await waiting) == ["7"]
        await tail.close()

    async def test_poll_when_cancelled_at_any_moment_then_nothing_is_lost(
        self, bus: EventBusPort, harness: Harness
    ) -> None:
        topic = await harness.topic(bus)
        tail = await bus.tail({Place(topic, 0): 0})
        found: list[str] = []
        for number in range(60):
            polling = asyncio.create_task(tail.poll(max_records=2, timeout_s=5))
            await bus.publish(numbered(topic, [number]))
            polling.cancel()
            (result,) = await asyncio.gather(polling, return_exceptions=True)
            if isinstance(result, list):
                found += values(result)
        found += values(await read(tail, 60 - len(found)))
        await tail.close()
        assert found == [str(number) for number in range(60)]

    async def test_poll_when_tail_is_closed_then_returns(self, bus: EventBusPort, harness: Harness) -> None:
        topic = await harness.topic(bus)
        tail = await bus.tail({Place(topic, 0): 0})
        waiting = asyncio.create_task(tail.poll(max_records=1, timeout_s=30))
        await bus.end_offsets([Place(topic, 0)])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await tail.close()
            assert await waiting == []
