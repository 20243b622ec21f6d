"""What the registry keeps of an answered version, and what is recalled of bars that an owner before has passed."""

from __future__ import annotations

import pytest

from tradewire.ports.bus import EventBusPort, Outgoing, Place
from tradewire.ports.events import ConfigStatus, StrategyEvaluated
from tradewire.ports.topics import TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.service import StoreContext
from tradewire.strategy.adapters.memory_registry import MemoryRegistry
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.strategy.examiner import Examiner
from tradewire.strategy.store import RegistryStore
from tradewire.testkit.builders import BTC, HOUR_US, STRATEGY, envelope, instrument, snapshot
from tradewire.testkit.bus_suite.harness import Owner
from tradewire.testkit.strategies import config, document
from tradewire.testkit.strategy_desk import asked, desk_with
from tradewire.testkit.worker_rig import WorkerRig

CODEC = Codec(SchemaIds.static())
BARS = "indicator.snapshot.v1"
EVIDENCE = {"sharpe_out_of_sample": "0.71", "overfitting_probability": "0.12"}


def bus() -> MemoryBus:
    """A bus with every topic."""
    return MemoryBus(dict.fromkeys(TOPICS, 2))


async def opened(desk: StrategyDesk, on: EventBusPort, registry: MemoryRegistry | None = None) -> RegistryStore:
    """The store of an instance; questions are examined at once."""
    store = RegistryStore(desk, registry or MemoryRegistry({}), Examiner(desk, SystemClock()), SystemClock())
    await store.open(StoreContext(on, CODEC, "strategy"))
    desk.examine = desk._examine_at_once
    return store


async def passed(on: EventBusPort, records: list[Outgoing], count: int) -> None:
    """A member reads records of partition 0, commits so many and dies."""
    await on.publish(records)
    owner = await Owner().join(on, [BARS], "strategy")
    await owner.owns(2)
    await owner.subscription.commit({Place(BARS, 0): count})
    await owner.subscription.close()


def bars(numbers: range) -> list[Outgoing]:
    """Snapshots of hourly bars, as indicator writes them."""
    record = WorkerRig().record
    return [Outgoing(BARS, r.key, r.value, r.headers, 0) for r in (record(snapshot(number)) for number in numbers)]


def decided(desk: StrategyDesk) -> list[int]:
    """Numbers of the bars that a tick decides on."""
    events = [emit.event for emit in desk.tick(0)]
    return [e.event_time_us // HOUR_US - 1 for e in events if isinstance(e, StrategyEvaluated)]


async def test_acquire_when_an_owner_died_before_it_heard_of_a_version_then_its_bars_are_decided_on() -> None:
    desk, on = desk_with(leads=False), bus()
    (answer,) = asked(desk_with(), config(document()))
    begun = answer.active[0].model_copy(update={"effective_from_us": 3 * HOUR_US})
    heard_first, heard_later = answer, answer.model_copy(update={"strategy_id": "later", "active": (begun,)})
    await passed(on, bars(range(6)), 4)
    store = await opened(desk, on)
    list(desk.on_status(heard_first, envelope(heard_first)))
    assert list(await store.acquire([0])) == []
    assert decided(desk) == [0, 1, 2, 3], "the rest is read by the group"
    assert decided(desk) == []
    said = [e.event for e in desk.on_status(heard_later, envelope(heard_later))]
    assert [e.event_time_us // HOUR_US - 1 for e in said if isinstance(e, StrategyEvaluated)] == [2, 3]
    await store.close()


async def test_acquire_when_a_version_has_long_been_in_force_then_no_bar_is_decided_on_again() -> None:
    desk, on = desk_with(leads=False), bus()
    (answer,) = asked(desk_with(), config(document()))
    await passed(on, bars(range(200)), 200)
    store = await opened(desk, on)
    list(desk.on_status(answer, envelope(answer)))
    await store.acquire([0])
    assert decided(desk) == []
    await store.close()


async def test_acquire_when_nothing_but_heartbeats_came_for_long_then_the_bars_before_them_are_recalled() -> None:
    desk, on = desk_with(leads=False), bus()
    (answer,) = asked(desk_with(), config(document()))
    beats = [Outgoing(BARS, KEY_PREFIX + b"0", None, (HEADER, ("event_time_us", b"5")), 0)] * 3_000
    await passed(on, [*bars(range(2)), *beats, *bars(range(2, 4))], 3_002)
    store = await opened(desk, on)
    list(desk.on_status(answer, envelope(answer)))
    await store.acquire([0])
    assert decided(desk) == [0, 1]
    await store.close()


@pytest.mark.parametrize("stored", [0, 9])
async def test_acquire_when_little_or_other_things_were_passed_then_what_is_there_is_recalled(stored: int) -> None:
    desk, on = desk_with(leads=False), bus()
    (answer,) = asked(desk_with(), config(document()))
    told = (HEADER, ("event_time_us", b"5"))
    others = [Outgoing(BARS, KEY_PREFIX + b"0", None, told, 0), Outgoing(BARS, b"sim:BTCUSDT", b"broken", (), 0)]
    await passed(on, [*others, *bars(range(1))], stored)
    store = await opened(desk, on)
    list(desk.on_status(answer, envelope(answer)))
    await store.acquire([0, 1])
    assert decided(desk) == [0] * bool(stored)
    await store.close()


async def test_persist_when_versions_were_answered_then_their_evidence_is_kept_with_them() -> None:
    desk, registry = StrategyDesk(), MemoryRegistry({})
    store = await opened(desk, bus(), registry)
    desk.on_instrument(instrument(BTC), envelope(instrument(BTC)))
    await store.acquire([0])
    for version in (config(document(), 1, evidence=EVIDENCE), config(document(), 2)):
        desk.on_config(version, envelope(version))
        list(desk.tick(version.version * 2 * QUIET_US))

    await store.persist([])

    first, second = await registry.versions(STRATEGY)
    assert first.status is ConfigStatus.ACCEPTED
    assert first.evidence == EVIDENCE
    assert second.evidence == {}
    await store.close()
