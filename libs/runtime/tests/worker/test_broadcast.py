"""What others decided while a service stood still is handled before anything else is, and before it says a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import RiskLimitsChanged, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import evaluation, limits
from tradewire.testkit.expelling import expel, readmit
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

DECISIONS = [f"version {number}" for number in range(1, 10)]


class Listening:
    """Writes down what it hears of each kind, and when it is asked whether there is something to say."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_limits(self, event: RiskLimitsChanged, _: Envelope) -> Iterator[Emit]:
        """A decision that all obey."""
        self.heard.append(f"version {event.version}")
        return iter(())

    def on_evaluation(self, event: StrategyEvaluated, _: Envelope) -> Iterator[Emit]:
        """Work for which decisions count."""
        self.heard.append(f"bar {event.candle_offset}")
        return iter(())

    def tick(self, _: int) -> Iterator[Emit]:
        """Something to say?"""
        self.heard.append("tick")
        return iter(())

    def service(self) -> Service:
        """As a service."""
        inputs = on(RiskLimitsChanged, self.on_limits), on(StrategyEvaluated, self.on_evaluation)
        return Service(name="risk", inputs=inputs, tick=self.tick)

    def since(self, first: str) -> list[str]:
        """What was heard from one thing on."""
        return self.heard[self.heard.index(first) :]


def decisions(rig: WorkerRig) -> Iterator[Outgoing]:
    """More than are read at once."""
    return (rig.record(limits("alpha", number)) for number in range(1, len(DECISIONS) + 1))


def works(rig: WorkerRig, worker: Worker) -> bool:
    """Does it own its partitions and read them?"""
    return bool(rig.bus.subscriptions) and rig.bus.subscriptions[-1].joined and worker.waits() == []


async def test_member_whose_partitions_went_and_came_hears_first_what_was_decided_meanwhile() -> None:
    rig, listening = WorkerRig(), Listening()
    async with rig.running(listening.service(), poll_records_max=2) as worker:
        await rig.until(lambda: works(rig, worker))
        group = rig.bus._groups["risk"]
        member = expel(group, 0)
        assert member is not None
        await rig.put(rig.record(evaluation(1, candle_offset=1)), *decisions(rig))
        await readmit(group, member)
        await rig.until(lambda: "bar 1" in listening.heard)
    assert listening.heard.index("bar 1") > listening.heard.index(DECISIONS[-1])


async def test_process_that_stood_still_hears_first_what_was_decided_meanwhile() -> None:
    clock = ManualClock(evaluation(1).event_time_us)
    rig, listening = WorkerRig(clock=clock), Listening()
    async with rig.running(listening.service(), poll_records_max=2) as worker:
        await rig.until(lambda: works(rig, worker))
        clock.advance(seconds=10.0)
        await rig.put(rig.record(evaluation(1, candle_offset=1)), *decisions(rig))
        await rig.until(lambda: "bar 1" in listening.heard)
    assert listening.since("version 1")[: len(DECISIONS)] == DECISIONS
    assert listening.heard.index("bar 1") > listening.heard.index(DECISIONS[-1])


async def test_service_in_doubt_about_a_record_is_told_when_it_has_heard_all_that_was_decided_by_then() -> None:
    rig, listening = WorkerRig(), Listening()
    doubts = list[str]()

    def settle() -> None:
        listening.heard.append("settled")
        doubts.clear()

    def on_evaluation(event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        doubts.append("bar")
        return listening.on_evaluation(event, envelope)

    inputs = on(RiskLimitsChanged, listening.on_limits), on(StrategyEvaluated, on_evaluation)
    service = Service("risk", inputs, hurried=lambda: True, doubts=lambda: bool(doubts), settle=settle)
    async with rig.running(service, poll_records_max=2) as worker:
        await rig.until(lambda: works(rig, worker))
        await rig.put(rig.record(evaluation(1, candle_offset=1)), *decisions(rig))
        await rig.until(lambda: "settled" in listening.heard)
    assert listening.heard.index("settled") > listening.heard.index(DECISIONS[-1])
    assert listening.heard.count("settled") == 1


async def test_topic_whose_records_were_all_deleted_keeps_nobody_waiting() -> None:
    rig, listening = WorkerRig(), Listening()
    await rig.put(*decisions(rig))
    (decided,) = rig.bus._logs(BY_EVENT[RiskLimitsChanged].name)
    decided._records.clear()
    decided.begin = decided.end
    await rig.put(rig.record(evaluation(1, candle_offset=1)))
    async with rig.running(listening.service()):
        await rig.until(lambda: "bar 1" in listening.heard)


async def test_topics_that_are_outdated_while_the_bus_is_asked_for_their_ends_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig, listening = WorkerRig(), Listening()
    await rig.put(*decisions(rig))
    async with rig.running(listening.service()) as worker:
        await rig.until(lambda: works(rig, worker))
        topics, begin_offsets = worker._broadcast, rig.bus.begin_offsets

        async def partitions_come_meanwhile(places: Sequence[Place]) -> Mapping[Place, int]:
            topics.outdate()
            return await begin_offsets(places)

        topics.outdate()
        monkeypatch.setattr(rig.bus, "begin_offsets", partitions_come_meanwhile)
        assert await topics.behind()
        assert topics.outdated
        monkeypatch.undo()
        assert not await topics.behind()
