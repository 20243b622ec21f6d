"""Broadcast topics first, bounded buffers, shared partitions, and what a worker tells about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import CandleClosed, ControlChanged, ControlLevel, IndicatorsUpdated, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.service import Service, Store, on
from tradewire.testkit.builders import BTC, ETH, LTC, candle, control, evaluation
from tradewire.testkit.worker_rig import WorkerRig

CANDLES = BY_EVENT[CandleClosed].name
SNAPSHOTS = BY_EVENT[IndicatorsUpdated].name


async def test_broadcast_topic_is_read_to_its_end_before_the_first_group_record(rig: WorkerRig) -> None:
    seen: list[str] = []

    def on_control(event: ControlChanged, _: Envelope) -> tuple[Emit, ...]:
        seen.append(event.scope)
        return ()

    def on_candle(event: CandleClosed, _: Envelope) -> tuple[Emit, ...]:
        seen.append("candle")
        return ()

    scopes = [f"account:{number}" for number in range(1500)]
    await rig.say(candle(0))
    await rig.say(*(control(scope, ControlLevel.NO_NEW) for scope in scopes))
    inputs = (on(CandleClosed, on_candle), on(ControlChanged, on_control))
    async with rig.running(Service(name="indicator", inputs=inputs, outputs=(IndicatorsUpdated,))):
        await rig.until(lambda: "candle" in seen)
        assert seen == [*scopes, "candle"]
        await rig.say(control("global", ControlLevel.PAUSED))
        await rig.until(lambda: seen[-1] == "global")


class Hoarding:
    """Holds candles back until it is told to let them go."""

    def __init__(self) -> None:
        self.waiting: list[Envelope] = []

    def on_candle(self, _: CandleClosed, envelope: Envelope) -> tuple[Emit, ...]:
        self.waiting.append(envelope)
        return ()

    def backlog(self) -> Mapping[Place, int]:
        counts: dict[Place, int] = {}
        for e in self.waiting:
            counts[Place(e.topic, e.partition)] = counts.get(Place(e.topic, e.partition), 0) + 1
        return counts

    def held(self) -> Mapping[Place, int]:
        lowest: dict[Place, int] = {}
        for e in self.waiting:
            lowest.setdefault(Place(e.topic, e.partition), e.offset)
        return lowest


def hoarding_service(desk: Hoarding) -> Service:
    return Service(
        name="indicator",
        inputs=(on(CandleClosed, desk.on_candle),),
        outputs=(IndicatorsUpdated,),
        held=desk.held,
        backlog=desk.backlog,
    )


async def test_full_buffer_pauses_its_partition_and_an_emptied_one_resumes_it(rig: WorkerRig) -> None:
    desk, place = Hoarding(), rig.place(CANDLES, candle(0))
    await rig.say(*(candle(number) for number in range(20)))
    async with rig.running(hoarding_service(desk), backlog_records_max=10, poll_records_max=4) as worker:
        await rig.until(lambda: bool(rig.bus.subscriptions) and place in rig.bus.subscriptions[0].paused)
        assert [waits.reason for waits in worker.waits()] == ["back_pressure"]
        assert 10 < len(desk.waiting) <= 14
        desk.waiting.clear()
        await rig.until(lambda: place in rig.bus.subscriptions[0].resumed and len(desk.waiting) >= 6)


async def test_buffers_grow_when_everything_waits_for_something_else(rig: WorkerRig) -> None:
    desk = Hoarding()
    await rig.say(*(candle(number) for number in range(40)))
    async with rig.running(hoarding_service(desk), backlog_records_max=10, poll_records_max=4):
        await rig.until(lambda: len(desk.waiting) == 40)


async def test_offset_of_a_record_that_is_held_back_is_not_committed(rig: WorkerRig) -> None:
    desk = Hoarding()
    await rig.say(*(candle(number) for number in range(5)))
    async with rig.running(hoarding_service(desk)):
        await rig.until(lambda: len(desk.waiting) == 5)
        del desk.waiting[:3]
    assert await rig.committed(CANDLES, "indicator") == 3


async def test_two_members_share_a_stream_and_hand_its_state_over_exactly(rig: WorkerRig) -> None:
    symbols = (BTC, ETH, LTC, "SOLUSDT", "XRPUSDT")
    assert {rig.place(CANDLES, candle(0, symbol=s)).partition for s in symbols} == {0, 1}
    bars = [candle(number, symbol=symbol) for number in range(30) for symbol in symbols]
    async with rig.running(rig.summing(), checkpoint_records=7):
        await rig.say(*bars[:50])
        await rig.until(lambda: rig.count(SNAPSHOTS) >= 20)
        async with rig.running(rig.summing(), checkpoint_records=7):
            await rig.say(*bars[50:100])
            await rig.until(lambda: len(rig.bus.subscriptions) == 2 and bool(rig.bus.subscriptions[1].assignment()))
        await rig.say(*bars[100:])
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == len(bars))
    sums: dict[str, float | None] = {}
    for event_id, event in await rig.said(IndicatorsUpdated):
        assert isinstance(event, IndicatorsUpdated)
        assert sums.setdefault(event_id, event.values["sum"]) == event.values["sum"]
    assert sorted(s for s in sums.values() if s) == sorted(float(n) for n in range(1, 31) for _ in symbols)


async def test_fanout_begins_where_the_store_says(rig: WorkerRig) -> None:
    seen: list[int] = []
    place = rig.place(CANDLES, candle(0))

    class From3(Store):
        async def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
            return {place: 3}

    def on_candle(_: CandleClosed, envelope: Envelope) -> tuple[Emit, ...]:
        seen.append(envelope.offset)
        return ()

    await rig.say(*(candle(number) for number in range(6)))
    inputs = (on(CandleClosed, on_candle, fanout=True), on(StrategyEvaluated, lambda *_: ()))
    service = Service(name="risk", inputs=inputs, outputs=(IndicatorsUpdated,), store=From3())
    async with rig.running(service):
        await rig.until(lambda: len(seen) == 3)
    assert seen == [3, 4, 5]
    assert await rig.committed(CANDLES, "risk") == 0


async def test_lag_and_progress_are_exported_and_dropped_with_the_partition(rig: WorkerRig) -> None:
    def sample(name: str, **labels: str) -> float | None:
        return rig.metrics.registry.get_sample_value(name, labels)

    place = rig.place(CANDLES, candle(0))
    labels = {"group": "indicator", "topic": CANDLES}
    await rig.say(candle(0))
    async with rig.running(rig.summing()):
        name = "tradewire_kafka_consumer_lag_records"
        await rig.until(lambda: sample(name, **labels, partition=str(place.partition)) == 0)
        assert sample("tradewire_kafka_consumer_lag_seconds", **labels) == 0
        assert (sample("tradewire_kafka_consumer_last_progress_timestamp_seconds", **labels) or 0) > 0


async def test_what_a_stop_left_unpublished_is_published_before_the_first_record(rig: WorkerRig) -> None:
    left: list[Outgoing] = [rig.record(evaluation(0))]

    class Outbox(Store):
        async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
            return left

        async def published(self, records: Sequence[Outgoing]) -> None:
            if records is left:
                confirmed.set()

    def on_candle(event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        assert confirmed.is_set()
        yield Emit(evaluation(1), envelope)

    confirmed = asyncio.Event()
    await rig.say(candle(0))
    service = Service(
        name="strategy", inputs=(on(CandleClosed, on_candle),), outputs=(StrategyEvaluated,), store=Outbox()
    )
    async with rig.running(service):
        await rig.until(lambda: rig.count(BY_EVENT[StrategyEvaluated].name) == 2)


async def test_fanout_is_opened_again_and_again_until_the_bus_is_back(
    rig: WorkerRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, begin_offsets = 3, rig.bus.begin_offsets

    async def away(places: Sequence[Place]) -> dict[Place, int]:
        nonlocal failures
        if places and places[0].topic == CANDLES and failures:
            failures -= 1
            raise RetryableError("broker away")
        return await begin_offsets(places)

    seen: list[int] = []

    def on_candle(_: CandleClosed, envelope: Envelope) -> tuple[Emit, ...]:
        seen.append(envelope.offset)
        return ()

    monkeypatch.setattr(rig.bus, "begin_offsets", away)
    await rig.say(candle(0))
    inputs = (on(CandleClosed, on_candle, fanout=True), on(StrategyEvaluated, lambda *_: ()))
    async with rig.running(Service(name="risk", inputs=inputs, outputs=(IndicatorsUpdated,))):
        await rig.until(lambda: seen == [0])
    assert failures == 0
