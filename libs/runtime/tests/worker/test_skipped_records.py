"""A record that an operator had passed over is answered by a service that owes an answer, and never ends it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import SchemaIds
from tradewire.runtime.dead_letters.releases import Skip, read_skip, write_skip
from tradewire.runtime.dead_letters.skip_words import SkipAnswer, SkipOutcome, read_skip_answer
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import candle, snapshot
from tradewire.testkit.worker_rig import WorkerRig

CANDLES, LETTERS = "market.candle.v1", "dlq.indicator.v1"


def service(fails: type[Exception] | None) -> Service:
    """Answers what is passed over; handles nothing else. ``fails``: what its answer raises."""

    def on_skipped(event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        if fails is not None:
            raise fails("broken")
        yield Emit(snapshot(event.open_time_us // (event.close_time_us - event.open_time_us)), envelope)

    inputs = (on(CandleClosed, lambda event, envelope: (), skipped=on_skipped),)
    return Service("indicator", inputs, (IndicatorsUpdated,), renew=lambda: service(fails))


@pytest.mark.parametrize(
    ("fails", "answers"), [(None, [1]), (AssertionError, []), (RuntimeError, [])], ids=["answered", "broken", "failed"]
)
async def test_record_when_passed_over_then_answered_once_or_the_service_goes_on_without(
    rig: WorkerRig, fails: type[Exception] | None, answers: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    await rig.say(*(candle(number) for number in range(3)))
    partition = rig.place(CANDLES, candle(1)).partition
    await rig.put(write_skip(Skip(CANDLES, partition, 1, "known bug", "ops"), LETTERS))
    stop = asyncio.Event()
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(run_in_turn([rig.worker(service(fails))], 0, stop))
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 3)
        stop.set()
        await task
    said = await rig.read("indicator.snapshot.v1")
    assert [int(dict(record.headers)["event_time_us"]) // candle(0).close_time_us - 1 for record in said] == answers
    assert ("is passed over without an answer" in caplog.text) == (fails is not None)
    assert caplog.text.count("passed over market.candle.v1") >= 1


@pytest.mark.parametrize("value", [b"garbage", b"\x00\x00\x00\x13\x87bytes"], ids=["bytes", "a schema not seen before"])
async def test_record_when_nobody_can_read_it_then_passed_over_without_an_answer(rig: WorkerRig, value: bytes) -> None:
    rig.codec.ids = SchemaIds(
        {name: spec.schema_id for name, spec in TOPICS.items()}, registry_url="http://127.0.0.1:1"
    )
    bad = replace(rig.record(candle(0)), value=value)
    await rig.put(bad, rig.record(candle(1)))
    partition = rig.place(CANDLES, candle(1)).partition
    await rig.put(write_skip(Skip(CANDLES, partition, 0, "garbage", "ops"), LETTERS))
    stop = asyncio.Event()
    task = asyncio.create_task(run_in_turn([rig.worker(service(None))], 0, stop))
    await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 2)
    stop.set()
    await task
    assert await rig.read("indicator.snapshot.v1") == []
    word, answer = await rig.read(LETTERS)
    assert read_skip(word) is not None, "no dead letter"
    said = read_skip_answer(answer)
    assert said is not None
    assert said.outcome is not SkipOutcome.HANDLED


async def test_skip_when_the_record_was_handled_then_said_so_and_what_followed_stays(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    partition = rig.place(CANDLES, candle(0)).partition
    async with rig.running(passes_on()):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
        await rig.put(write_skip(Skip(CANDLES, partition, 0, "odd", "ops"), LETTERS))
        await rig.put(write_skip(Skip(CANDLES, partition, 1, "odd", "ops"), LETTERS))
        await rig.until(lambda: rig.count(LETTERS) == 4)
    assert await answers(rig) == [
        SkipAnswer(0, SkipOutcome.HANDLED, 1),
        SkipAnswer(1, SkipOutcome.AHEAD, 1),
    ]
    async with rig.running(passes_on()):
        await rig.say(candle(1), candle(2))
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 3)
    assert len(await answers(rig)) == 2, "nothing is said twice"
    assert rig.count("indicator.snapshot.v1") == 2, "candle 1 was passed over"


async def test_skip_when_the_service_is_away_then_answered_at_its_next_start(rig: WorkerRig) -> None:
    await rig.say(candle(0), candle(1))
    partition = rig.place(CANDLES, candle(0)).partition
    await rig.put(write_skip(Skip(CANDLES, partition, 1, "odd", "ops"), LETTERS))
    async with rig.running(passes_on()):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    (said,) = await answers(rig)
    assert said.outcome in (SkipOutcome.AHEAD, SkipOutcome.PASSED_OVER)


def passes_on() -> Service:
    """One snapshot for each candle."""

    def on_candle(event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        yield Emit(snapshot(event.open_time_us // (event.close_time_us - event.open_time_us)), envelope)

    return Service("indicator", (on(CandleClosed, on_candle),), (IndicatorsUpdated,), renew=passes_on)


async def answers(rig: WorkerRig) -> list[SkipAnswer]:
    """What the service said about records to be passed over."""
    return [said for record in await rig.read(LETTERS) if (said := read_skip_answer(record)) is not None]
