"""What waits in a running service and an operator has skipped: it is answered once, and its account goes on."""

from __future__ import annotations

import asyncio

from tradewire.ports.events import AccountStateChanged, RiskAssessed, RiskDecision, Signal, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.runtime.dead_letters.releases import Skip, write_skip
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.testkit.builders import BTC, account_state, evaluation, instrument
from tradewire.testkit.risk_desk import refused
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig

EVALUATIONS, ANSWERS = BY_EVENT[StrategyEvaluated].name, BY_EVENT[RiskAssessed].name


async def answered(rig: WorkerRig) -> list[RiskAssessed]:
    """What risk says, once each."""
    return list({key: event for key, event in await rig.said(RiskAssessed) if isinstance(event, RiskAssessed)}.values())


async def test_evaluation_that_waits_when_skipped_then_refused_once_and_its_account_goes_on() -> None:
    rig, stop = WorkerRig(), asyncio.Event()
    await rig.say(instrument(BTC), status(active(document("trend", "alpha", BTC))))
    workers = [rig.worker(build(Settings(bus_url="memory:")))]
    task = asyncio.create_task(run_in_turn(workers, 0, stop))
    waiting = evaluation(1, Signal.ENTER_LONG)
    place = rig.place(EVALUATIONS, waiting)
    await rig.say(evaluation(0, Signal.HOLD), waiting)
    await rig.until(lambda: [wait.reason for wait in workers[0].service.waits()] == ["account_state"])
    details = workers[0].service.status()["accounts"]
    assert isinstance(details, dict)
    assert details["alpha"]["oldest_step"] == [f"{EVALUATIONS} {place.partition} 1"]

    await rig.put(write_skip(Skip(EVALUATIONS, place.partition, 1, "a wrong signal", "ann"), DEAD_LETTERS["risk"]))
    await rig.until(lambda: rig.count(ANSWERS) == 2)
    await rig.say(evaluation(2, Signal.HOLD), account_state(1))
    await rig.until(lambda: rig.count(ANSWERS) == 4)
    stop.set()
    await task
    _, skipped, lost, following = await answered(rig)
    assert (skipped.decision, refused(skipped), skipped.step_size) == (RiskDecision.REFUSED, {"not_skipped"}, 0)
    assert (refused(lost), lost.event_time_us) == ({"bar_evaluated"}, waiting.event_time_us)
    assert (following.decision, following.step_size) == (RiskDecision.NO_SIGNAL, 1)

    async with rig.running(build(Settings(bus_url="memory:"))) as again:
        await rig.say(evaluation(3, Signal.HOLD))
        await rig.until(lambda: rig.count(ANSWERS) == 5)
        assert list(again.service.waits()) == []
    assert len(await answered(rig)) == 5, "nothing was said twice"


async def test_account_state_when_skipped_then_its_bar_is_refused_where_no_evaluation_of_it_is() -> None:
    rig, stop = WorkerRig(), asyncio.Event()
    await rig.say(instrument(BTC), status(active(document("trend", "alpha", BTC))))
    workers = [rig.worker(build(Settings(bus_url="memory:")))]
    task = asyncio.create_task(run_in_turn(workers, 0, stop))
    states, lost = BY_EVENT[AccountStateChanged].name, account_state(1)
    place = rig.place(states, lost)
    await rig.say(evaluation(0, Signal.HOLD), lost)
    await rig.until(lambda: [wait.reason for wait in workers[0].service.waits()] == ["evaluations"])
    await rig.put(write_skip(Skip(states, place.partition, 0, "its evaluation is gone", "ann"), DEAD_LETTERS["risk"]))
    await rig.until(lambda: rig.count(ANSWERS) == 2 and not list(workers[0].service.waits()))
    stop.set()
    await task
    _, answer = await answered(rig)
    assert (refused(answer), answer.event_time_us, answer.step_size) == ({"bar_evaluated"}, lost.event_time_us, 0)
