"""A record that fails a handler is a dead letter; what it left behind in memory is not kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import ContractViolationError, FatalError
from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope
from tradewire.runtime.dead_letters.letters import letter_place, stage_of
from tradewire.runtime.dead_letters.releases import Skip, write_skip
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.service import Service, on
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.testkit.builders import candle
from tradewire.testkit.summing import Summing
from tradewire.testkit.worker_rig import WorkerRig, ended
from tradewire.trading.pending_offsets import PendingOffsets

CANDLES, LETTERS = "market.candle.v1", "dlq.indicator.v1"
Fail = Callable[[CandleClosed], None]


class Failing(Summing):
    """Sums, and fails on some candles after it has added them."""

    fail: Fail = staticmethod(lambda _: None)

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        for emit in super().on_candle(event, envelope):
            self.fail(event)
            yield emit


class RefusingStore(ChangelogStore):
    """Refuses what is to be published of some candles, as a table does that can't hold a value."""

    refused: frozenset[int] = frozenset()
    when = "persist"

    async def persist(self, records: Iterable[Outgoing]) -> None:
        if self.when == "persist":
            self._judge(records)

    def _judge(self, records: Iterable[Outgoing]) -> None:
        for record in records:
            time_us = int(dict(record.headers)["event_time_us"])
            if time_us in self.refused:
                raise ContractViolationError("a row is refused", stage="persist")


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


def service(fail: Fail = lambda _: None, refused: Iterable[int] = ()) -> Service:
    """The summing service, which can begin anew."""
    desk = Failing()
    desk.fail = fail
    store = RefusingStore(IndicatorStateSaved, changed=desk.changed, restored=desk.restore, forgotten=desk.forget)
    store.refused = frozenset(refused)
    return Service(
        name="indicator",
        inputs=(on(CandleClosed, desk.on_candle),),
        outputs=(IndicatorsUpdated,),
        store=store,
        renew=lambda: service(fail, refused),
    )


@asynccontextmanager
async def running(rig: WorkerRig, made: Service) -> AsyncIterator[list[Worker]]:
    workers, stop = [rig.worker(made)], asyncio.Event()
    task = asyncio.create_task(run_in_turn(workers, 0, stop))
    try:
        yield workers
    finally:
        stop.set()
        await task


def close_at(number: int) -> int:
    return candle(number).close_time_us


def fails_at(*numbers: int, error: type[Exception] = ZeroDivisionError) -> Fail:
    times = {close_at(number) for number in numbers}

    def fail(event: CandleClosed) -> None:
        if event.close_time_us in times:
            raise error("broken")

    return fail


async def sums(rig: WorkerRig) -> dict[int, float | None]:
    """The sum said of each bar; one said twice is the same."""
    found: dict[int, float | None] = {}
    for _, event in await rig.said(IndicatorsUpdated):
        assert isinstance(event, IndicatorsUpdated)
        value = event.values["sum"]
        assert found.setdefault(event.event_time_us, value) == value
    return found


async def expected(numbers: Iterable[int]) -> dict[int, float | None]:
    """What a service says that never saw the others."""
    calm = WorkerRig()
    wanted = [candle(number) for number in numbers]
    await calm.say(*wanted)
    async with running(calm, service()):
        await calm.until(lambda: calm.count("indicator.snapshot.v1") >= len(wanted))
    return await sums(calm)


async def test_exception_in_a_handler_then_a_dead_letter_and_the_state_as_if_it_never_came(rig: WorkerRig) -> None:
    await rig.say(*(candle(number) for number in range(6)))
    async with running(rig, service(fails_at(3))):
        await rig.until(
            lambda: rig.count("indicator.snapshot.v1") >= 5 and rig.bus_committed(CANDLES, "indicator") == 6
        )

    (letter,) = await rig.read(LETTERS)
    assert letter_place(letter)[1] == 3
    assert stage_of(letter) == "handle"
    assert b"ZeroDivisionError: broken" in dict(letter.headers)["dlq.error.message"]
    assert {"event_id", "event_time_us"} <= dict(letter.headers).keys()
    assert await sums(rig) == await expected([0, 1, 2, 4, 5])


@settings(max_examples=15, deadline=None)
@given(bad=st.sets(st.integers(0, 11), max_size=5), refused=st.sets(st.integers(0, 11), max_size=3))
def test_any_records_that_fail_or_are_refused_leave_nothing_behind(bad: set[int], refused: set[int]) -> None:
    async def scenario() -> None:
        rig = WorkerRig()
        await rig.say(*(candle(number) for number in range(12)))
        times = [close_at(number) for number in refused]
        async with running(rig, service(fails_at(*bad), times)):
            await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 12)
        letters = await rig.read(LETTERS)
        assert sorted(letter_place(letter)[1] for letter in letters) == sorted(bad | refused)
        assert await sums(rig) == await expected(sorted(set(range(12)) - bad - refused))

    asyncio.run(scenario())


async def test_row_that_is_refused_in_a_batch_then_only_its_record_is_a_dead_letter(rig: WorkerRig) -> None:
    await rig.say(*(candle(number) for number in range(8)))
    async with running(rig, service(refused=[close_at(5)])):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 8)

    (letter,) = await rig.read(LETTERS)
    assert (letter_place(letter)[1], stage_of(letter)) == (5, "persist")
    assert await sums(rig) == await expected([0, 1, 2, 3, 4, 6, 7])


async def test_answer_out_of_its_bounds_then_a_dead_letter(rig: WorkerRig) -> None:
    def spoil(event: CandleClosed) -> None:
        if event.close_time_us == close_at(1):
            raise ContractViolationError("IndicatorsUpdated.close: found 1E+29", stage="validate")

    await rig.say(*(candle(number) for number in range(3)))
    async with running(rig, service(spoil)):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 3)

    assert [letter_place(letter)[1] for letter in await rig.read(LETTERS)] == [1]
    assert await sums(rig) == await expected([0, 2])


@pytest.mark.parametrize("error", [AssertionError, FatalError])
async def test_broken_invariant_then_the_service_ends_and_names_the_record_and_the_command(
    rig: WorkerRig, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    await rig.say(*(candle(number) for number in range(3)))
    with caplog.at_level(logging.CRITICAL), pytest.raises(error, match="broken"):
        await run_in_turn([rig.worker(service(fails_at(1, error=error)))], 0, asyncio.Event())

    partition = rig.place(CANDLES, candle(1)).partition
    assert f"tradewire dlq skip {CANDLES} {partition} 1 indicator --reason" in caplog.text
    assert await rig.read(LETTERS) == []


async def test_record_that_ends_the_service_when_skipped_then_the_service_goes_on_past_it(rig: WorkerRig) -> None:
    await rig.say(*(candle(number) for number in range(3)))
    made = service(fails_at(1, error=AssertionError))
    assert isinstance(
        await ended(asyncio.create_task(run_in_turn([rig.worker(made)], 0, asyncio.Event()))), AssertionError
    )
    partition = rig.place(CANDLES, candle(1)).partition
    await rig.put(write_skip(Skip(CANDLES, partition, 1, "known bug", "ops"), LETTERS))

    async with running(rig, service(fails_at(1, error=AssertionError))):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 3)

    assert await sums(rig) == await expected([0, 2])
    skipped = rig.metrics.processed.labels("indicator", CANDLES, "skipped")
    assert skipped._value.get() == 1


class Waiting(Failing):
    """Never answers one candle, which waits in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.pending = PendingOffsets()

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        if event.close_time_us == close_at(1):
            self.pending.take(envelope)
            return iter(())
        return super().on_candle(event, envelope)


def waiting() -> Service:
    desk = Waiting()
    store = ChangelogStore(IndicatorStateSaved, changed=desk.changed, restored=desk.restore, forgotten=desk.forget)
    inputs, held, holds = (on(CandleClosed, desk.on_candle),), desk.pending.lowest, desk.pending.has
    return Service("indicator", inputs, (IndicatorsUpdated,), store, held=held, holds=holds, renew=waiting)


async def test_record_that_waits_in_memory_when_skipped_then_the_running_service_goes_on_past_it(
    rig: WorkerRig,
) -> None:
    await rig.say(*(candle(number) for number in range(3)))
    partition = rig.place(CANDLES, candle(1)).partition
    async with running(rig, waiting()) as workers:
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
        first = workers[0]
        await rig.put(write_skip(Skip(CANDLES, partition, 1, "forged", "ops"), LETTERS))
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 3)
        assert workers[0] is not first
    assert await sums(rig) == await expected([0, 2])


async def test_key_that_is_not_the_values_then_a_dead_letter(rig: WorkerRig) -> None:
    await rig.put(replace(rig.record(candle(0)), key=b"sim:OTHER"), rig.record(candle(1)))
    async with running(rig, service()):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 2)

    (letter,) = await rig.read(LETTERS)
    assert b"found 'sim:OTHER'; allowed: 'sim:BTCUSDT'" in dict(letter.headers)["dlq.error.message"]
    assert await sums(rig) == await expected([1])


async def test_state_record_that_is_garbage_then_skipped_when_asked(rig: WorkerRig) -> None:
    topic = "indicator.state.v1"
    await rig.put(Outgoing(topic, b"sim:BTCUSDT:1h", b"garbage", partition=0))
    await rig.say(candle(0))
    await rig.put(write_skip(Skip(topic, 0, 0, "garbage", "ops"), LETTERS))
    async with running(rig, service()):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
    assert rig.count(LETTERS) == 1
    assert await sums(rig) == await expected([0])
