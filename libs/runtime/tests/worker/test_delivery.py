"""Whatever stops a worker, and wherever, its outputs come to the same: each once by id, none missing."""

from __future__ import annotations

import asyncio

import pytest

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.topics import BY_EVENT
from tradewire.testkit.builders import candle
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig, ended

CANDLES = BY_EVENT[CandleClosed].name
SNAPSHOTS = BY_EVENT[IndicatorsUpdated].name
STEPS = ("persist", "publish", "confirm", "checkpoint", "write state", "commit")
POINTS = [f"{side} {step}" for step in STEPS for side in ("before", "after")]
BARS = 6


async def sums(rig: WorkerRig) -> dict[str, float]:
    """What was answered, by event id; two answers with one id must be the same."""
    found: dict[str, float] = {}
    for event_id, event in await rig.said(IndicatorsUpdated):
        assert isinstance(event, IndicatorsUpdated)
        volume = event.values["sum"]
        assert volume is not None
        assert found.setdefault(event_id, volume) == volume
    return found


async def undisturbed() -> dict[str, float]:
    rig = WorkerRig()
    await rig.say(*(candle(number) for number in range(BARS)))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == BARS)
    return await sums(rig)


async def test_round_publishes_then_writes_state_then_commits(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    async with rig.running(rig.summing(), checkpoint_records=1):
        await rig.until(lambda: "commit" in rig.journal.steps)
    assert rig.journal.steps[:7] == ["claim", "persist", "publish", "confirm", "write state", "checkpoint", "commit"]


@pytest.mark.parametrize("way", ["fatal", "cancelled"])
@pytest.mark.parametrize("point", POINTS)
async def test_crash_at_any_point_of_a_round_loses_and_doubles_nothing(rig: WorkerRig, point: str, way: str) -> None:
    reached = asyncio.Event()

    async def strike(step: str) -> None:
        if step == point and rig.count(CANDLES) > 2:
            reached.set()
            if way == "fatal":
                raise FatalError("struck")
            await asyncio.Event().wait()

    await rig.say(candle(0), candle(1))
    first = asyncio.create_task(rig.worker(rig.summing(), checkpoint_records=1).run(asyncio.Event()))
    await rig.until(lambda: rig.journal.steps[-1:] == ["commit"], first)
    rig.journal.hook = strike
    await rig.say(*(candle(number) for number in range(2, BARS)))
    await asyncio.wait_for(reached.wait(), WITHIN_SECONDS)
    if way == "cancelled":
        first.cancel()
    failure = await ended(first)
    assert isinstance(failure, FatalError) if way == "fatal" else failure is None
    rig.journal.hook = WorkerRig().journal.hook
    async with rig.running(rig.summing(), checkpoint_records=1):
        await rig.until(lambda: rig.bus._groups["indicator"].committed.get(rig.place(CANDLES, candle(0))) == BARS)
    assert await sums(rig) == await undisturbed()


async def test_publish_that_fails_now_and_then_is_repeated_until_it_works(rig: WorkerRig) -> None:
    failures = 3

    async def away(step: str) -> None:
        nonlocal failures
        if step == "before publish" and failures:
            failures -= 1
            raise RetryableError("broker away")

    rig.journal.hook = away
    await rig.say(candle(0))
    async with rig.running(rig.summing()):
        await rig.until(lambda: "commit" in rig.journal.steps)
    assert failures == 0
    assert rig.count(SNAPSHOTS) == 1
    assert rig.metrics.publish_retries.labels("indicator")._value.get() == 3


async def test_unknown_outcome_is_sent_again_under_the_same_id(rig: WorkerRig) -> None:
    lost = 1

    async def unheard(step: str) -> None:
        nonlocal lost
        if step == "after publish" and lost:
            lost -= 1
            raise RetryableError("no reply")

    rig.journal.hook = unheard
    await rig.say(candle(0))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 2)
    first, second = await rig.said(IndicatorsUpdated)
    assert first == second


async def test_stop_flushes_what_was_handled(rig: WorkerRig) -> None:
    await rig.say(*(candle(number) for number in range(BARS)))
    async with rig.running(rig.summing(), checkpoint_records=10**6, checkpoint_seconds=10**6):
        await rig.until(lambda: rig.count(SNAPSHOTS) == BARS)
    assert await rig.committed(CANDLES, "indicator") == BARS


async def test_stop_while_the_bus_is_away_ends_in_time_and_commits_nothing(rig: WorkerRig) -> None:
    asked = asyncio.Event()

    async def away(step: str) -> None:
        if step == "before publish":
            asked.set()
            raise RetryableError("broker away")

    rig.journal.hook = away
    await rig.say(candle(0))
    async with rig.running(rig.summing(), drain_seconds=0.05):
        await asyncio.wait_for(asked.wait(), WITHIN_SECONDS)
    assert await rig.committed(CANDLES, "indicator") == 0


async def test_state_that_could_not_be_written_at_once_is_written_before_offsets_move(rig: WorkerRig) -> None:
    failures = 2

    async def away(step: str) -> None:
        nonlocal failures
        if step == "before write state" and failures:
            failures -= 1
            raise RetryableError("broker away")

    rig.journal.hook = away
    await rig.say(candle(0), candle(1))
    async with rig.running(rig.summing()):
        await rig.until(lambda: "commit" in rig.journal.steps)
    await rig.say(candle(2))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 3)
    assert sorted((await sums(rig)).values()) == [1.0, 2.0, 3.0]


async def test_rebalance_that_waits_for_a_breaking_round_hands_nothing_unpublished_over(rig: WorkerRig) -> None:
    joined = asyncio.Event()

    async def strike(step: str) -> None:
        if step == "before publish":
            rig.journal.hook = WorkerRig().journal.hook
            joined.set()
            await rig.until(lambda: len(rig.bus.subscriptions) == 2)
            for _ in range(20):
                await asyncio.sleep(0)  # lets the revocation come to wait for this round
            raise FatalError("struck")

    rig.journal.hook = strike
    await rig.say(*(candle(number) for number in range(BARS)))
    first = asyncio.create_task(rig.worker(rig.summing()).run(asyncio.Event()))
    await asyncio.wait_for(joined.wait(), WITHIN_SECONDS)
    async with rig.running(rig.summing()):
        assert isinstance(await ended(first), FatalError)
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == BARS)
    assert await sums(rig) == await undisturbed()
