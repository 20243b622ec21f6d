"""A record that every instance of a service reads has one dead letter, however many instances there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import ControlChanged, RiskLimitsChanged, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import is_letter, letter_place
from tradewire.runtime.dead_letters.shared import GRACE_SECONDS
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import limits
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig

LIMITS = BY_EVENT[RiskLimitsChanged].name
CONTROLS = BY_EVENT[ControlChanged].name
WORK = BY_EVENT[StrategyEvaluated].name
ODD = "odd"
"""Account at whose limits the service's handler fails."""


class Obedient:
    """Takes limits and work; ``fails``: at the limits of which account."""

    def __init__(self, fails: str = ODD) -> None:
        self.heard, self._fails = list[int](), fails

    def on_limits(self, event: RiskLimitsChanged, _: Envelope) -> Iterator[Emit]:
        """Take one."""
        if event.account_id == self._fails:
            raise KeyError(event.account_id)
        self.heard.append(event.version)
        return iter(())

    def service(self) -> Service:
        """As a service that can begin anew."""
        inputs = on(RiskLimitsChanged, self.on_limits), on(StrategyEvaluated, lambda _, __: iter(()))
        return Service(name="risk", inputs=inputs, renew=Obedient(self._fails).service)


async def letters(rig: WorkerRig) -> list[tuple[int, int]]:
    """Origins of the letters there are."""
    return sorted(letter_place(record) for record in await rig.read(DEAD_LETTERS["risk"]) if is_letter(record))


class Instances:
    """Instances of one service, each begun anew when a record failed it."""

    def __init__(self, rig: WorkerRig, stack: AsyncExitStack) -> None:
        self._rig, self._stack = rig, stack
        self.all: list[list[Worker]] = []
        self.stops: list[asyncio.Event] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, fails: str = ODD) -> None:
        """One more; returns when it and all others run, and own something together."""
        workers, stop = [self._rig.worker(Obedient(fails).service())], asyncio.Event()
        self.all.append(workers)
        self.stops.append(stop)
        task = asyncio.create_task(run_in_turn(workers, 0, stop))
        self._tasks.append(task)
        self._stack.push_async_callback(self.end, len(self.all) - 1)
        await self._rig.until(self.work, *self._tasks)

    def work(self) -> bool:
        """Do all that were not ended run, the partitions shared out among them?"""
        here = [workers[0] for workers, stop in zip(self.all, self.stops, strict=True) if not stop.is_set()]
        owned = [len(worker._group.assignment()) if worker._group else 0 for worker in here]
        return all(worker.progress.phase == "running" for worker in here) and min(owned) > 0 and sum(owned) == 2

    async def end(self, number: int) -> None:
        """Stop one in order."""
        self.stops[number].set()
        async with asyncio.timeout(WITHIN_SECONDS):
            await self._tasks[number]

    def read(self, offset: int) -> bool:
        """Have all of them come past an offset of the limits?"""
        return all((workers[0]._checkpoints.position(Place(LIMITS, 0)) or 0) > offset for workers in self.all)

    def leader(self) -> int:
        """Which one owns the first partition?"""
        (found,) = [n for n, w in enumerate(self.all) if w[0]._group and w[0]._group.owns(Place(WORK, 0))]
        return found


@pytest.mark.parametrize("count", [1, 2])
async def test_record_that_all_refuse_has_one_letter_also_of_one_that_begins_later(count: int) -> None:
    rig = WorkerRig()
    async with AsyncExitStack() as stack:
        instances = Instances(rig, stack)
        for _ in range(count):
            await instances.begin()
        await rig.put(*(Outgoing(LIMITS, b"x", b"garbage") for _ in range(5)))
        await rig.say(limits(ODD, 1), limits("alpha", 1))
        await rig.until(lambda: instances.read(6) and rig.count(DEAD_LETTERS["risk"]) == 6)
        if count == 1:
            await instances.begin()
    assert await letters(rig) == [(0, offset) for offset in range(6)]


async def test_letter_is_written_by_the_next_leader_when_the_first_has_gone() -> None:
    rig = WorkerRig()
    async with AsyncExitStack() as stack:
        instances = Instances(rig, stack)
        await instances.begin()
        await instances.begin()
        gone = instances.leader()
        await instances.end(gone)
        del instances.all[gone], instances.stops[gone], instances._tasks[gone]
        await rig.put(Outgoing(LIMITS, b"x", b"garbage"))
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 1)
        stack.pop_all()
        await instances.end(0)
    assert await letters(rig) == [(0, 0)]


async def test_record_that_is_bad_to_one_that_does_not_lead_has_its_letter_after_a_while() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    rig = WorkerRig(clock=clock)
    async with AsyncExitStack() as stack:
        instances = Instances(rig, stack)
        await instances.begin("one")
        await instances.begin("other")
        bad = ("one", "other")[1 - instances.leader()]
        await rig.say(limits(bad, 1), limits("alpha", 1))
        await rig.until(lambda: instances.read(1))
        assert await letters(rig) == []
        clock.advance(seconds=GRACE_SECONDS + 1)
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 1)
    assert await letters(rig) == [(0, 0)]


async def test_letter_that_nobody_wrote_is_written_at_the_stop() -> None:
    rig = WorkerRig()
    await rig.put(Outgoing(LIMITS, b"x", b"garbage"))
    stop = asyncio.Event()
    worker = rig.worker(Obedient().service())
    task = asyncio.create_task(worker.run(stop))
    await rig.until(lambda: worker._is_open, task)
    stop.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(task, WITHIN_SECONDS)
    assert await letters(rig) == [(0, 0)]
