"""Heartbeat records pass every stage in order, and change nothing on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import CandleClosed, IndicatorsUpdated, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX, PIPELINE
from tradewire.runtime.loop.resuming import last_published
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.service import LastPublished, Service, on
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import PARTITIONS, WorkerRig

START_US = 1_700_000_000_000_000
KINDS: tuple[type[Event], ...] = (CandleClosed, IndicatorsUpdated, StrategyEvaluated, RiskAssessed)
STAGES = ("ingest", "indicator", "strategy", "risk", "execution")


def nothing(_: Event, __: Envelope) -> Iterable[Emit]:
    """An answer to no record: the test would see it."""
    raise AssertionError("a heartbeat is no message")


async def quiet(_: LastPublished) -> AsyncIterator[Sequence[Emit]]:
    """A source between two bars."""
    yield []


def stage(name: str) -> Service:
    """A service that reads what the stage before writes."""
    number = STAGES.index(name)
    outputs = KINDS[number : number + 1]
    if number == 0:
        return Service(name=name, outputs=outputs, source=quiet)
    return Service(name=name, inputs=(on(KINDS[number - 1], nothing),), outputs=outputs)


def newest_s(rig: WorkerRig, name: str) -> float | None:
    """The stage's newest heartbeat."""
    return rig.metrics.registry.get_sample_value("tradewire_pipeline_heartbeat_timestamp_seconds", {"stage": name})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_US)


@pytest.fixture
def paced(clock: ManualClock) -> WorkerRig:
    return WorkerRig(clock=clock)


async def beat(rig: WorkerRig, clock: ManualClock, seconds: float) -> float:
    """Let so much time pass; returns the time, s."""
    clock.advance(seconds=seconds)
    now_s = clock.now_us() / 1e6
    await rig.until(lambda: newest_s(rig, "ingest") == now_s)
    return now_s


async def test_every_stage_sees_the_newest_and_a_stopped_one_holds_up_those_behind_it(
    paced: WorkerRig, clock: ManualClock
) -> None:
    every_s = paced.settings.heartbeat_seconds
    async with AsyncExitStack() as running:
        for name in STAGES[:2]:
            await running.enter_async_context(paced.running(stage(name)))
        async with AsyncExitStack() as behind:
            for name in STAGES[2:]:
                await behind.enter_async_context(paced.running(stage(name)))
            first_s = await beat(paced, clock, every_s)
            await paced.until(lambda: newest_s(paced, "execution") == first_s)
            assert [newest_s(paced, name) for name in STAGES] == [first_s] * len(STAGES)
        second_s = await beat(paced, clock, every_s)
        await paced.until(lambda: newest_s(paced, "indicator") == second_s)
        assert [newest_s(paced, name) for name in STAGES[2:]] == [first_s] * 3
        async with AsyncExitStack() as behind:
            for name in STAGES[2:]:
                await behind.enter_async_context(paced.running(stage(name)))
            await paced.until(lambda: newest_s(paced, "execution") == second_s)
    for topic in PIPELINE:
        found = [(r.key, r.value, HEADER in r.headers, r.partition) for r in await paced.read(topic)]
        assert sorted(found, key=lambda each: each[3]) == [
            (KEY_PREFIX + b"%d" % number, None, True, number) for number in range(PARTITIONS) for _ in range(2)
        ]


async def test_nothing_is_sent_before_its_time_and_not_by_who_has_no_source(
    paced: WorkerRig, clock: ManualClock
) -> None:
    async with paced.running(stage("ingest")) as ingest, paced.running(stage("risk")) as risk:
        clock.advance(seconds=paced.settings.heartbeat_seconds - 1)
        turned = [worker.progress.turned_s for worker in (ingest, risk)]
        await paced.until(lambda: all(w.progress.turned_s != at for w, at in zip((ingest, risk), turned, strict=True)))
        assert [len(await paced.read(topic)) for topic in PIPELINE] == [0] * len(PIPELINE)
        await beat(paced, clock, 1)
        assert [len(await paced.read(topic)) for topic in PIPELINE] == [PARTITIONS, 0, 0, 0]


async def test_state_and_answers_are_those_without_heartbeats(rig: WorkerRig) -> None:
    async def said(worker: Worker, count: int) -> list[tuple[str, Event]]:
        await rig.until(lambda: worker.progress.handled == count)
        return await rig.said(IndicatorsUpdated)

    headers = (HEADER, ("event_time_us", b"%d" % START_US))
    beats = [Outgoing(PIPELINE[0], KEY_PREFIX + b"%d" % n, None, headers, n) for n in range(PARTITIONS)]
    alone = WorkerRig()
    async with rig.running(rig.summing()) as worker, alone.running(alone.summing()) as other:
        for number in range(4):
            await rig.put(*beats)
            await rig.say(candle(number))
            await alone.say(candle(number))
        found = await said(worker, 4 * (1 + PARTITIONS))
        await alone.until(lambda: other.progress.handled == 4)
        assert [(said_id, e.model_copy(update={"input_offset": 0})) for said_id, e in found] == [
            (said_id, e.model_copy(update={"input_offset": 0})) for said_id, e in await alone.said(IndicatorsUpdated)
        ]
        assert rig.count(DEAD_LETTERS["indicator"]) == 0
    handled = {"service": "indicator", "topic": PIPELINE[0]}
    processed = rig.metrics.registry.get_sample_value
    assert processed("tradewire_messages_processed_total", {**handled, "outcome": "heartbeat"}) == 4 * PARTITIONS
    assert processed("tradewire_messages_processed_total", {**handled, "outcome": "ok"}) == 4


async def test_what_only_looks_like_one_is_no_heartbeat(rig: WorkerRig) -> None:
    timed = rig.record(candle(0))
    named = replace(timed, key=KEY_PREFIX + b"0")
    unmarked = Outgoing(PIPELINE[0], KEY_PREFIX + b"0", None, (), 0)
    bad_time = replace(unmarked, headers=(HEADER, ("event_time_us", b"soon")))
    ahead = replace(unmarked, headers=(HEADER, ("event_time_us", b"%d" % (rig.clock.now_us() + 3_600_000_000))))
    await rig.put(named, unmarked, bad_time, ahead)
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: worker.progress.handled == 4)
        assert worker.progress.dead_letters == 1, "the key is not the candle's"
        assert newest_s(rig, "indicator") is None
        assert [r for r in await rig.read(PIPELINE[1]) if r.value is None] == []


async def test_one_whose_headers_nobody_can_read_tells_nothing_and_ends_no_service(rig: WorkerRig) -> None:
    heard = list[int]()

    def on_candle(event: CandleClosed, _: Envelope) -> Iterable[Emit]:
        heard.append(event.close_time_us)
        return ()

    row, topic = on(CandleClosed, on_candle, heartbeat=lambda _: None), BY_EVENT[CandleClosed].name
    async with rig.running(Service("indicator", (row,))):
        for headers in ((("event_time_us", b"soon"),), (("event_id", b"\xff"),)):
            await rig.put(Outgoing(topic, KEY_PREFIX + b"0", None, (HEADER, *headers), 0))
        await rig.say(candle(0))
        await rig.until(lambda: bool(heard))
    assert rig.count(DEAD_LETTERS["indicator"]) == 0


async def test_source_resumes_behind_bars_and_not_behind_heartbeats(rig: WorkerRig) -> None:
    headers = (HEADER, ("event_time_us", b"%d" % START_US))
    await rig.put(Outgoing(PIPELINE[0], KEY_PREFIX + b"0", None, headers, 0))
    await rig.say(candle(0))
    read, topic = partial(read_record, rig.codec), BY_EVENT[CandleClosed].name
    found = await last_published(rig.bus, rig.clock, read, topic, {"sim:BTCUSDT"}, lambda events: len(events) > 0)
    assert list(found.values()) == [[candle(0)]]
