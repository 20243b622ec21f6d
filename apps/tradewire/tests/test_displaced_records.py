"""Records that nobody can read, under keys of a compacted topic: compaction keeps them, and what stood there stands."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.ingest.settings
import tradewire.ingest.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.switching import Switching
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import ControlChanged, ControlLevel, ControlStatusChanged
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.service import Service
from tradewire.testkit.builders import control
from tradewire.testkit.worker_rig import WorkerRig

CONTROLS = BY_EVENT[ControlChanged].name
STATUSES = BY_EVENT[ControlStatusChanged].name
SAMPLE = Path(__file__).parents[3] / "data/sample"
WITHIN_S = 30.0
SCOPES = ("global", "account:alpha", "strategy:trend")


def risk() -> Service:
    return tradewire.risk.wiring.build(tradewire.risk.settings.Settings(bus_url="memory:"))


def execution() -> Service:
    return tradewire.execution.wiring.build(tradewire.execution.settings.Settings(bus_url="memory:"))


def ingest() -> Service:
    settings = tradewire.ingest.settings.Settings(bus_url="memory:", market_path=SAMPLE, bars_per_second=1)
    return tradewire.ingest.wiring.build(settings)


def levels(service: Service) -> dict[str, str]:
    """What a service obeys, as it tells itself."""
    found = service.status()["controls"]
    assert isinstance(found, dict)
    return found


def nonsense(rig: WorkerRig, kind: str, scope: str) -> Outgoing:
    """A record under the key of a scope that says nothing about it."""
    other = control("account:stranger", ControlLevel.NORMAL)
    value = {"bytes": b"\0\xff", "empty": b"", "of another scope": rig.codec.encode(other)}[kind]
    return Outgoing(CONTROLS, scope.encode(), value)


@asynccontextmanager
async def at_work(rig: WorkerRig, *services: Service) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Services that have read all there was; gives what waits until they have handled all that came since."""
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(rig.running(service)) for service in services]

        async def caught_up() -> None:
            end = rig.count(CONTROLS)
            await rig.until(lambda: all((w._checkpoints.position(Place(CONTROLS, 0)) or 0) >= end for w in workers))

        await rig.until(lambda: all(worker.progress.phase == "running" for worker in workers))
        yield caught_up


@pytest.mark.parametrize("kind", ["bytes", "empty", "of another scope"])
@pytest.mark.parametrize("level", [ControlLevel.NO_NEW, ControlLevel.REDUCE_ONLY, ControlLevel.FLATTEN])
async def test_level_when_its_record_is_compacted_away_behind_nonsense_then_obeyed_by_who_starts_later(
    rig: WorkerRig, operator: Operator, level: ControlLevel, kind: str
) -> None:
    async with at_work(rig, risk(), execution()):
        for scope in SCOPES:
            await Switching(operator).switch(scope, level, "drill", WITHIN_S)
    await rig.put(*(nonsense(rig, kind, scope) for scope in SCOPES))
    rig.bus.compact(CONTROLS)
    rig.bus.compact(STATUSES)
    later = [risk(), execution()]
    async with at_work(rig, *later):
        assert [levels(service) for service in later] == [dict.fromkeys(sorted(SCOPES), level)] * 2
        await Switching(operator).switch("strategy:trend", level, "all before is answered", WITHIN_S)
        asked = await Switching(operator).asked()
        assert {scope: one.control.level for scope, one in asked.items()} == dict.fromkeys(SCOPES, level)
        assert all(one.not_obeyed_by == [] for one in asked.values())
        await Switching(operator).switch("global", ControlLevel.NORMAL, "over", WITHIN_S)
        assert [levels(service) for service in later] == [dict.fromkeys(sorted(SCOPES[1:]), level)] * 2


async def test_level_when_it_was_lifted_before_nonsense_then_not_obeyed_again(
    rig: WorkerRig, operator: Operator
) -> None:
    async with at_work(rig, risk(), execution()):
        await Switching(operator).switch("global", ControlLevel.FLATTEN, "drill", WITHIN_S)
        await Switching(operator).switch("global", ControlLevel.NORMAL, "over", WITHIN_S)
    await rig.put(nonsense(rig, "bytes", "global"))
    rig.bus.compact(CONTROLS)
    service = risk()
    async with at_work(rig, service):
        assert levels(service) == {}
    assert await Switching(operator).asked() == {}


async def test_level_when_ingest_is_paused_and_its_record_compacted_away_then_it_stays_paused(
    rig: WorkerRig, operator: Operator
) -> None:
    async with at_work(rig, ingest()):
        await Switching(operator).switch("service:ingest", ControlLevel.PAUSED, "drill", WITHIN_S)
    await rig.put(nonsense(rig, "bytes", "service:ingest"))
    rig.bus.compact(CONTROLS)
    later = ingest()
    async with at_work(rig, later):
        assert later.status()["paused"]


@pytest.mark.parametrize("seed", range(5))
async def test_levels_when_records_of_every_kind_come_and_topics_are_compacted_then_who_starts_later_obeys_the_same(
    rig: WorkerRig, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        services = [risk(), execution()]
        async with at_work(rig, *services) as caught_up:
            before = levels(services[0])
            assert levels(services[1]) == before
            for _ in range(chance.randrange(8)):
                scope = chance.choice(SCOPES)
                asked = rig.codec.encode(control(scope, chance.choice(list(ControlLevel))))
                record = Outgoing(CONTROLS, scope.encode(), chance.choice((asked, asked, None)))
                await rig.put(chance.choice((record, nonsense(rig, "bytes", scope))))
            await caught_up()
            obeyed = levels(services[0])
        for _ in range(chance.randrange(3)):
            await rig.put(nonsense(rig, "empty", chance.choice(SCOPES)))
        if chance.random() < 0.7:
            rig.bus.compact(CONTROLS)
            rig.bus.compact(STATUSES)
        again = risk()
        async with at_work(rig, again):
            assert levels(again) == obeyed
