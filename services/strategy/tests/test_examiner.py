"""What is looked up and checked beside the trading loop, before a question is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import (
    AccountStateChanged,
    ConfigStatus,
    IndicatorsUpdated,
    InstrumentChanged,
    StrategyConfigPublished,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.heartbeat_records import HEADER as HEARTBEAT
from tradewire.runtime.loop.heartbeat_records import KEY_PREFIX
from tradewire.runtime.loop.resuming import NEWEST_RECORDS
from tradewire.runtime.service import StoreContext
from tradewire.strategy import examiner as module
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.strategy.domain.validation import Examination, examined
from tradewire.strategy.examiner import Examiner
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, envelope, instrument, snapshot
from tradewire.testkit.strategies import config, document
from tradewire.testkit.strategy_desk import desk_with, evaluated

CODEC = Codec(SchemaIds.static())
PARTITIONS = {
    BY_EVENT[IndicatorsUpdated].name: 3,  # bars of BTC are in 1, of ETH in 2, which desk_with does not own
    BY_EVENT[AccountStateChanged].name: 3,
    BY_EVENT[InstrumentChanged].name: 1,
}


def written(event: Event) -> Outgoing:
    """A record as its service writes it."""
    spec, time_us = BY_EVENT[type(event)], event.__dict__.get("event_time_us", 0)
    headers = (("event_id", b"id"), ("event_time_us", b"%d" % time_us))
    return Outgoing(spec.name, spec.key_of(event).encode(), CODEC.encode(event), headers)


async def answers(
    desk: StrategyDesk, *records: Outgoing, wanted: int = 1, handled: int = 0
) -> list[StrategyStatusChanged]:
    """What is answered on a bus that holds these records; ``wanted`` 0: all that is answered once all is looked up.

    ``handled``: so many records were handled of the partitions, dead letters among them.
    """
    bus = MemoryBus(PARTITIONS)
    await bus.start()
    await bus.publish(list(records))
    beside = Examiner(desk, SystemClock())
    beside.open(StoreContext(bus, CODEC, "strategy", position=lambda _: handled))
    said: list[StrategyStatusChanged] = []
    now_us = 0
    try:
        while len(said) < wanted or desk.examines() or now_us < 2 * QUIET_US:
            now_us += QUIET_US // 10
            said += [e.event for e in beside.tick(now_us) if isinstance(e.event, StrategyStatusChanged)]
            await asyncio.sleep(0)
    finally:
        await beside.close()
    return said


def ask(desk: StrategyDesk, *versions: StrategyConfigPublished) -> None:
    """Publish versions."""
    for version in versions:
        desk.on_config(version, envelope(version))


async def test_version_when_bars_were_evaluated_before_a_restart_then_begins_behind_the_newest_on_the_topic() -> None:
    desk = desk_with()
    evaluated(desk, 2)
    ask(desk, config(document()))
    bars = [written(snapshot(6)), written(snapshot(8, symbol=ETH))]
    (answer,) = await answers(desk, *bars)
    assert (answer.active[-1].effective_from_us, answer.start_reason) == (7 * HOUR_US + 1, None)


async def test_version_when_another_strategy_of_its_account_is_in_a_later_market_then_begins_behind_that() -> None:
    """Both are published at once: what the first trades is not known yet when the second is looked into."""
    desk = desk_with()
    ask(desk, config(document("one", "alpha", ETH)), config(document("two")), config(document("three", "beta")))
    bars = [written(snapshot(6)), written(snapshot(8, symbol=ETH))]
    said = {answer.strategy_id: answer for answer in await answers(desk, *bars, wanted=3)}
    starts_us = {name: answer.active[-1].effective_from_us for name, answer in said.items()}
    assert starts_us == {"one": 9 * HOUR_US + 1, "two": 9 * HOUR_US + 1, "three": 7 * HOUR_US + 1}
    assert said["two"].start_reason == (
        "begins behind the newest bar of sim:ETHUSDT 1h, which one trades on account alpha, 1970-01-01T09:00:00Z; "
        "its own markets stand before that: sim:BTCUSDT 1h at 1970-01-01T07:00:00Z"
    )


async def test_version_when_its_newest_bar_is_further_back_than_anybody_looks_then_begins_behind_all_that_was_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RECORDS_MAX", 4)
    desk = desk_with()
    ask(desk, config(document()))
    bars = [written(snapshot(6)), *(written(snapshot(number, interval="4h")) for number in range(3, 8))]
    (answer,) = await answers(desk, *bars)
    assert answer.active[-1].effective_from_us > 7 * 4 * HOUR_US


async def test_version_when_its_market_never_had_a_bar_then_decides_from_the_first() -> None:
    desk = desk_with()
    ask(desk, config(document()))
    (answer,) = await answers(desk, written(snapshot(8, symbol=ETH)))
    assert answer.active[-1].effective_from_us == 0


async def test_version_when_the_account_went_on_after_a_retirement_then_begins_behind_its_state() -> None:
    """What a retired strategy left open is followed on, so the account comes past the bar at which it was retired."""
    desk = desk_with()
    ask(desk, config(document("one", "alpha", ETH)))
    await answers(desk, written(snapshot(3, symbol=ETH)))
    evaluated(desk, 4, symbol=ETH)
    desk.on_retired("one", envelope(config(document("one"))))
    await answers(desk, written(snapshot(4, symbol=ETH)))
    ask(desk, config(document("two")))
    (answer,) = await answers(desk, written(snapshot(2)), written(account_state(6)))
    assert answer.active[-1].effective_from_us == account_state(6).event_time_us + 1
    assert answer.start_reason is not None
    assert answer.start_reason.startswith("begins behind the newest state of account alpha, ")


async def test_version_when_nothing_but_heartbeats_came_for_long_then_begins_behind_the_newest_bar() -> None:
    desk = desk_with()
    evaluated(desk, 2)
    ask(desk, config(document()))
    told = (HEARTBEAT, ("event_time_us", b"%d" % SystemClock().now_us()))
    beat = Outgoing(BY_EVENT[IndicatorsUpdated].name, KEY_PREFIX + b"1", None, told, partition=1)
    (answer,) = await answers(desk, written(snapshot(6)), *[beat] * (NEWEST_RECORDS + 1))
    assert answer.active[-1].effective_from_us == 7 * HOUR_US + 1


async def test_retirement_when_another_process_follows_a_market_then_it_is_left_behind_its_newest_bar() -> None:
    desk = desk_with()
    ask(desk, config(document("trend", "alpha", BTC, ETH)))
    await answers(desk)
    evaluated(desk, 7)
    desk.on_retired("trend", envelope(config(document())))
    (answer,) = await answers(desk, written(snapshot(4, symbol=ETH)), written(snapshot(5, symbol=ETH)))
    assert [(v.symbols, v.effective_from_us // HOUR_US) for v in answer.active] == [
        ((BTC, ETH), 0),
        ((BTC,), 6),
        ((), 8),
    ]


async def test_version_when_the_account_is_past_its_forerunner_s_forerunner_then_that_is_forgotten() -> None:
    desk = desk_with()
    for number in (1, 2):
        ask(desk, config(document(sizing=f"{{fixed_qty: {number}}}"), number))
        await answers(desk)
        evaluated(desk, number)
    ask(desk, config(document(sizing="{fixed_qty: 3}"), 3))
    (answer,) = await answers(desk, *(written(account_state(number)) for number in range(4)))
    assert [version.version for version in answer.active] == [2, 3]


async def test_market_when_its_instrument_is_on_the_topic_and_not_read_then_waited_for() -> None:
    desk = desk_with(BTC)
    ask(desk, config(document("trend", "alpha", ETH)))
    assert await answers(desk, written(instrument(BTC)), written(instrument(ETH)), wanted=0) == []
    desk.on_instrument(instrument(ETH), envelope(instrument(ETH), 1))
    (answer,) = await answers(desk, written(instrument(BTC)), written(instrument(ETH)))
    assert answer.status is ConfigStatus.ACCEPTED


async def test_market_when_what_was_told_last_of_instruments_was_a_dead_letter_then_answered() -> None:
    desk = desk_with(BTC)
    ask(desk, config(document("trend", "alpha", ETH)))
    broken = Outgoing(BY_EVENT[InstrumentChanged].name, b"sim:ETHUSDT", b"broken", partition=0)
    (answer,) = await answers(desk, written(instrument(BTC)), broken, handled=2)
    assert answer.status is ConfigStatus.REFUSED


async def test_check_when_it_takes_long_then_the_trading_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def slow(published: StrategyConfigPublished) -> Examination:
        begun.set()
        assert go_on.wait(30), "the loop lets it end"
        return examined(published)

    monkeypatch.setattr(module, "examined", slow)
    desk = desk_with()
    ask(desk, config(document()))
    waiting = asyncio.create_task(answers(desk))
    while not begun.is_set():
        await asyncio.sleep(0)
    assert desk.examines()
    go_on.set()
    (answer,) = await waiting
    assert answer.status is ConfigStatus.ACCEPTED
    assert not desk.examines()


def breaks(_: StrategyConfigPublished) -> Examination:
    """A fault of ours."""
    raise RuntimeError("boom")


async def test_check_when_it_breaks_then_the_strategy_is_refused_and_the_next_one_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check: Callable[[StrategyConfigPublished], Examination] = breaks
    monkeypatch.setattr(module, "examined", check)
    desk = desk_with()
    ask(desk, config(document("one")), config(document("two")))
    said = await answers(desk, wanted=2)
    assert [(a.strategy_id, a.status) for a in said] == [("one", ConfigStatus.REFUSED), ("two", ConfigStatus.REFUSED)]
    assert "RuntimeError: boom" in said[0].reasons[0].message
