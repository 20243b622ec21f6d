"""What only Kafka's client can suffer: unknown outcomes, broken coordination, silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaError

from tradewire.embedded.stack import Stack
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.errors import ContractViolationError, FencedError, RetryableError
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.bus.kafka_client import KafkaSettings
from tradewire.runtime.bus.kafka_group import KafkaSubscription
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, record_bytes
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.dead_letters.letters import dead_letter
from tradewire.testkit.bus_suite import Harness
from tradewire.testkit.bus_suite.harness import PATIENCE_SECONDS, Owner, committable, numbered, read, values

pytest_plugins = ["tradewire.embedded.fixtures"]

SETTINGS = KafkaSettings(
    send_s=5, connect_s=5, request_s=8, close_s=4, session_s=6, heartbeat_s=0.3, stall_s=0.4, probe_s=0.1
)


@pytest.fixture
def harness(stack: Stack, server_harness: Callable[[str, str], Harness]) -> Harness:
    return server_harness("kafka", f"kafka://{stack.bootstrap_servers}")


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(stack.bootstrap_servers, "tests", settings=SETTINGS)
    await bus.start()
    yield bus
    await bus.close()


async def test_publish_when_the_outcome_is_unknown_then_the_producer_is_replaced(
    bus: KafkaBus, harness: Harness
) -> None:
    topic = await harness.topic(bus)
    await bus.publish(numbered(topic, [0]))
    outage = harness.outage()
    assert outage is not None
    async with outage:
        with pytest.raises(RetryableError, match="publishing 2 records"):
            await bus.publish(numbered(topic, [1, 2]))
        with pytest.raises(RetryableError, match="starting a producer"):
            await bus.publish(numbered(topic, [1, 2]))
    assert bus.producer_reinits == 1
    await bus.publish(numbered(topic, [1, 2]))
    assert bus.producer_reinits == 1


async def test_publish_when_many_tasks_fail_together_then_the_producer_is_replaced_once(
    bus: KafkaBus, harness: Harness
) -> None:
    topic = await harness.topic(bus)
    outage = harness.outage()
    assert outage is not None
    async with outage:
        results = await asyncio.gather(
            *(bus.publish(numbered(topic, [number])) for number in range(5)), return_exceptions=True
        )
    assert all(isinstance(result, RetryableError) for result in results)
    assert bus.producer_reinits == 1


async def test_subscription_when_coordination_breaks_then_a_new_consumer_goes_on(
    bus: KafkaBus, harness: Harness
) -> None:
    topic, group = await harness.topic(bus), harness.name("group")
    await bus.publish(numbered(topic, range(4)))
    owner = await Owner().join(bus, [topic], group)
    subscription = owner.subscription
    assert isinstance(subscription, KafkaSubscription)
    await subscription.commit(committable((await read(subscription, 4))[:2]))
    assert subscription._consumer is not None
    subscription._consumer._coordinator._pending_exception = KafkaError("unexpected error in heartbeat")
    with pytest.raises(RetryableError, match="unexpected error in heartbeat"):
        await subscription.poll(max_records=1, timeout_s=1)
    assert values(await read(subscription, 2)) == ["2", "3"]
    assert subscription.consumer_reinits == 1
    place = Place(topic, 0)
    assert owner.history == [("assigned", (place,)), ("revoked", (place,)), ("assigned", (place,))]


async def test_stalled_when_the_client_stops_fetching_then_told_and_not_before(bus: KafkaBus, harness: Harness) -> None:
    topic, group = await harness.topic(bus), harness.name("group")
    owner = await Owner().join(bus, [topic], group)
    await bus.publish(numbered(topic, range(3)))
    await read(owner.subscription, 3)
    subscription = owner.subscription
    assert isinstance(subscription, KafkaSubscription)
    # Behind the subscription's back, as a bug of the client would.
    subscription._each("pause", [Place(topic, 0)])
    clock = SystemClock()
    for _ in range(8):
        await subscription.poll(max_records=1, timeout_s=0.1)
    assert bus.stalled(clock.monotonic_s()) == []
    await bus.publish(numbered(topic, [3]))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while bus.stalled(clock.monotonic_s()) != [Place(topic, 0)]:
            assert await subscription.poll(max_records=1, timeout_s=0.1) == []
    subscription._each("resume", [Place(topic, 0)])
    assert values(await read(subscription, 1)) == ["3"]
    assert bus.stalled(clock.monotonic_s()) == []


@pytest.mark.parametrize("headers_bytes", [0, 500_000])
async def test_publish_when_a_record_is_as_large_as_may_be_then_it_and_its_dead_letter_are_written(
    bus: KafkaBus, harness: Harness, headers_bytes: int
) -> None:
    topic = await harness.topic(bus)
    bare = Outgoing(topic, b"key", b"", (("h", b"h" * headers_bytes),))
    largest = replace(bare, value=b"v" * (RECORD_BYTES_MAX - record_bytes(bare)))
    await bus.publish([largest])
    with pytest.raises(ContractViolationError, match=str(RECORD_BYTES_MAX + 1)):
        await bus.publish([replace(largest, key=b"key1")])
    tail = await bus.tail({Place(topic, 0): 0})
    (record,) = await read(tail, 1)
    assert (record.value, record.headers) == (largest.value, largest.headers)
    letter = dead_letter(record, service="risk", version="0", stage="decode", error=ValueError("no event"))
    await bus.publish([replace(letter, topic=topic)])
    (kept,) = await read(tail, 1)
    assert dict(kept.headers)["dlq.value.bytes"] == str(len(largest.value or b"")).encode()
    await tail.close()


async def test_static_member_when_a_second_takes_its_name_then_the_first_ends_and_the_second_goes_on(
    bus: KafkaBus, harness: Harness
) -> None:
    topic, group = await harness.topic(bus), harness.name("group")
    await bus.publish(numbered(topic, range(3)))
    # Sessions that no pause of a busy machine outlasts: a session that ran out is another story, told below.
    lasting = replace(SETTINGS, session_s=2 * PATIENCE_SECONDS)
    one, other = (KafkaBus(bus.bootstrap_servers, name, settings=lasting) for name in ("one", "other"))
    await one.start()
    await other.start()
    try:
        first = await Owner().join(one, [topic], group, member="pod-0")
        assert values(await read(first.subscription, 3)) == ["0", "1", "2"]
        second = await Owner().join(other, [topic], group, member="pod-0")
        assert values(await read(second.subscription, 3)) == ["0", "1", "2"]
        with pytest.raises(FencedError, match="pod-0"):
            await read(first.subscription, 1)
        await first.subscription.close()
        await bus.publish(numbered(topic, [3]))
        assert values(await read(second.subscription, 1)) == ["3"]
        assert second.history == [("assigned", (Place(topic, 0),))]
    finally:
        await other.close()
        await one.close()


async def test_static_member_when_its_session_ran_out_then_it_joins_again(bus: KafkaBus, harness: Harness) -> None:
    topic, group = await harness.topic(bus), harness.name("group")
    owner = await Owner().join(bus, [topic], group, member="pod-0")
    subscription = owner.subscription
    assert isinstance(subscription, KafkaSubscription)
    assert subscription._consumer is not None
    # As after a long stop of the process: no heartbeat goes out until the broker has forgotten the member.
    beating = subscription._consumer._coordinator._do_heartbeat
    silent_until_s = SystemClock().monotonic_s() + 2 * SETTINGS.session_s

    async def silent() -> bool:
        return True if SystemClock().monotonic_s() < silent_until_s else await beating()

    subscription._consumer._coordinator._do_heartbeat = silent
    while len(owner.history) < 3:
        assert await subscription.poll(max_records=1, timeout_s=0.1) == []
    await bus.publish(numbered(topic, [0]))
    assert values(await read(subscription, 1)) == ["0"]


async def test_start_when_nobody_listens_then_retryable_and_nothing_is_left() -> None:
    bus = KafkaBus("127.0.0.1:1", "tests", settings=SETTINGS)
    before = asyncio.all_tasks()
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        await bus.start()
    await bus.close()
    assert asyncio.all_tasks() == before


async def test_poll_when_cancelled_again_and_again_then_nothing_piles_up(bus: KafkaBus, harness: Harness) -> None:
    topic = await harness.topic(bus)
    tail = await bus.tail({Place(topic, 0): 0})
    for _ in range(50):
        polling = asyncio.create_task(tail.poll(max_records=1, timeout_s=10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        polling.cancel()
        await asyncio.wait([polling])
    assert await tail.poll(max_records=1, timeout_s=0.01) == []
    assert all(waiter.done() for waiter in tail._consumer._fetcher._fetch_waiters)
    await tail.close()
