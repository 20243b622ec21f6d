"""Partitions whose last offsets have no record: nobody waits for one, and nobody is told to be behind."""

from __future__ import annotations

from collections.abc import Iterable

from tradewire.ports.bus import Place
from tradewire.ports.events import CandleClosed, RiskLimitsChanged, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import candle, evaluation, limits
from tradewire.testkit.worker_rig import WorkerRig


def nothing(_: Event, __: Envelope) -> Iterable[Emit]:
    """Listen."""
    return ()


async def test_worker_when_a_broadcast_topic_ends_without_a_record_then_works_on_and_hears_what_follows() -> None:
    rig = WorkerRig()
    place = Place(BY_EVENT[RiskLimitsChanged].name, 0)
    rig.bus.gaps[place] = 1
    await rig.say(limits("alpha", 1), evaluation())
    service = Service(name="risk", inputs=(on(RiskLimitsChanged, nothing), on(StrategyEvaluated, nothing)))
    async with rig.running(service) as worker:
        await rig.until(lambda: worker.progress.handled == 2)
        await rig.say(limits("alpha", 2), evaluation(1))
        await rig.until(lambda: worker.progress.handled == 4)


async def test_worker_when_its_dead_letters_end_without_a_record_then_starts() -> None:
    rig = WorkerRig()
    rig.bus.gaps = {Place(DEAD_LETTERS["indicator"], number): 2 for number in range(2)}
    await rig.say(candle(0))
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: worker.progress.handled == 1)


async def test_lag_when_what_was_read_ends_without_a_record_then_none_once_nothing_moves() -> None:
    rig = WorkerRig()
    await rig.say(candle(0))
    place = rig.place(BY_EVENT[CandleClosed].name, candle(0))
    rig.bus.gaps[place] = 1
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: worker.progress.handled == 1)
        found = []
        for _ in range(3):
            await worker.lag.ask()
            found.append(worker.lag.records)
        assert found[-1] == 0
        assert list(worker.lag.waits(0.0)) == []
        await rig.say(candle(1))
        await rig.until(lambda: worker.progress.handled == 2)
