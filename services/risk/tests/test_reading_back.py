"""Risk reads its last answers when it starts: one that cannot be decoded must not keep it from starting."""

from __future__ import annotations

import logging

import pytest

from tradewire.ports.bus import Headers, Outgoing, Place
from tradewire.ports.events import (
    AccountStateChanged,
    ControlLevel,
    RiskAssessed,
    RiskStateSaved,
    Signal,
    StrategyEvaluated,
)
from tradewire.ports.topics import BY_EVENT
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.store import RiskStore
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.loop.resuming import NEWEST_RECORDS, RECORDS_MAX
from tradewire.runtime.service import StoreContext
from tradewire.testkit.builders import (
    BTC,
    account_state,
    assessment,
    control,
    evaluation,
    instrument,
    position,
    share,
)
from tradewire.testkit.counting_bus import ReadCountingBus
from tradewire.testkit.risk_desk import answers, desk_with, say
from tradewire.testkit.strategies import active, document, status

ANSWERS, EVALUATIONS = BY_EVENT[RiskAssessed].name, BY_EVENT[StrategyEvaluated].name
STATES = BY_EVENT[RiskStateSaved].name
CODEC = Codec(SchemaIds.static())
GARBAGE = b"\x00not an answer"
ACCOUNT = b"alpha"
STATES = BY_EVENT[RiskStateSaved].name
TOPICS = dict.fromkeys((ANSWERS, EVALUATIONS, BY_EVENT[AccountStateChanged].name, STATES), 1)
BEAT = Outgoing(ANSWERS, KEY_PREFIX + b"0", None, (HEADER, ("event_time_us", b"5")), partition=0)


def time_of(number: int) -> Headers:
    """The header that risk writes on its answer to bar ``number``."""
    return (("event_time_us", b"%d" % assessment(number).event_time_us),)


def good(number: int) -> Outgoing:
    """Risk's answer to bar ``number``, as it is written."""
    event = assessment(number, account_id="alpha")
    return Outgoing(ANSWERS, ACCOUNT, CODEC.encode(event), time_of(number), partition=0)


def bad(key: bytes | None, headers: Headers) -> Outgoing:
    """A record whose value nobody can decode."""
    return Outgoing(ANSWERS, key, GARBAGE, headers, partition=0)


class Handled(dict[Place, int]):
    """Offsets behind the last records handled; empty until the evaluation that stood there at the start is."""

    def all(self) -> None:
        """It is."""
        self[Place(EVALUATIONS, 0)] = 1


async def started(*records: Outgoing, handled: Handled | None = None, bus: MemoryBus | None = None) -> RiskDesk:
    """The desk of a risk that starts on these answers, with FLATTEN in force and an evaluation to be read again."""
    bus = bus or MemoryBus(TOPICS)
    await bus.start()
    again = Outgoing(EVALUATIONS, ACCOUNT, CODEC.encode(evaluation(0, account_id="alpha")), partition=0)
    await bus.publish([again, *records])
    desk = RiskDesk(MemoryRules())
    store = RiskStore(desk, None, SystemClock())
    position = (Handled() if handled is None else handled).get
    await store.open(StoreContext(bus, CODEC, "risk", position=position))
    try:
        await store.acquire([0])
    finally:
        await bus.close()
    for event in (
        instrument(BTC),
        status(active(document("trend", "alpha", BTC))),
        control("global", ControlLevel.FLATTEN),
    ):
        say(desk, event)
    return desk


def closes(desk: RiskDesk, number: int) -> bool:
    """Does the account's state of bar ``number``, which holds two units, make the desk close them?"""
    state = account_state(number, account_id="alpha", positions=(position(2),), strategy_positions=(share(2),))
    found = say(desk, state, number) + say(desk, evaluation(number, Signal.HOLD, account_id="alpha"), number)
    return any(answer.intents for answer in found + answers(desk.tick(number)))


@pytest.mark.parametrize("last", [good(3), bad(ACCOUNT, time_of(3))], ids=["decodable", "undecodable"])
async def test_newest_answer_then_states_up_to_it_close_nothing_and_a_later_one_does(last: Outgoing) -> None:
    desk = await started(good(1), last)
    assert [closes(desk, number) for number in (2, 3, 4)] == [False, False, True]


async def test_undecodable_answer_before_a_newer_one_then_the_newer_one_counts() -> None:
    desk = await started(bad(ACCOUNT, time_of(1)), good(2))
    assert [closes(desk, number) for number in (2, 3)] == [False, True]


async def test_undecodable_answer_then_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "tradewire.risk.store"):
        await started(good(0), bad(ACCOUNT, time_of(1)))
    (line,) = [vars(record) for record in caplog.records]
    assert (line["event"], line["topic"], line["partition"], line["offset"]) == ("own_answer_unreadable", ANSWERS, 0, 1)


@pytest.mark.parametrize(
    ("key", "headers"),
    [(None, time_of(9)), (ACCOUNT, ()), (None, ())],
    ids=["no key", "no event time", "neither"],
)
async def test_record_that_is_not_risks_then_left_out_and_logged(
    key: bytes | None, headers: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "tradewire.risk.store"):
        desk = await started(good(1), bad(key, headers))
    assert [vars(record)["event"] for record in caplog.records] == ["foreign_answer_left_out"]
    assert [closes(desk, number) for number in (1, 2)] == [False, True]


UNREADABLE = [(b"\xff", time_of(1)), (ACCOUNT, (("event_time_us", b"soon"),))]


@pytest.mark.parametrize(("key", "headers"), UNREADABLE, ids=["key", "event time"])
async def test_whose_answer_it_was_unreadable_then_nothing_is_closed_until_all_is_read_again(
    key: bytes, headers: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    handled = Handled()
    with caplog.at_level(logging.ERROR, "tradewire.risk.store"):
        desk = await started(good(0), bad(key, headers), handled=handled)
    (line,) = [vars(record) for record in caplog.records]
    assert (line["event"], line["topic"], line["partition"], line["offset"]) == ("own_answer_unreadable", ANSWERS, 0, 1)
    assert [closes(desk, number) for number in (1, 2)] == [False, False]
    handled.all()
    assert [answer.symbol for answer in answers(desk.tick(0)) if answer.intents] == [BTC]


@pytest.mark.parametrize("far", [good(500), bad(ACCOUNT, time_of(500))], ids=["decodable", "undecodable"])
async def test_answer_far_ahead_that_no_evaluation_explains_then_flatten_goes_on_when_all_is_read_again(
    far: Outgoing,
) -> None:
    handled = Handled()
    desk = await started(good(0), far, handled=handled)
    assert [closes(desk, number) for number in (1, 2)] == [False, False]
    handled.all()
    assert closes(desk, 3)


async def test_answers_without_anything_to_be_read_again_then_flatten_goes_on() -> None:
    handled = Handled()
    handled.all()
    desk = await started(good(500), handled=handled)
    assert answers(desk.tick(0)) == []
    assert closes(desk, 1)


@pytest.mark.parametrize("kept", [10_000, 40_000])
async def test_answers_when_many_are_kept_then_no_more_are_read_than_the_saved_state_lacks(kept: int) -> None:
    """Behind the newest answers of a platform that closes few bars stand heartbeats."""
    before = desk_with()
    say(before, account_state(0))
    say(before, evaluation(0))
    (account,) = (account for _, account in before.changed())
    saved = RiskStateSaved(account_id="alpha", event_time_us=0, state=account.saved())
    state = Outgoing(STATES, ACCOUNT, CODEC.encode(saved), partition=0)
    bus = ReadCountingBus(TOPICS)
    desk = await started(state, *[good(0)] * kept, good(2), *[BEAT] * 2_000, bus=bus)
    assert bus.read_counts[ANSWERS] == 9 * NEWEST_RECORDS
    assert [closes(desk, number) for number in (1, 2, 3)] == [False, False, True]


async def test_answers_when_an_account_has_none_then_heartbeats_are_not_all_read() -> None:
    bus = ReadCountingBus(TOPICS)
    await started(*[BEAT] * (RECORDS_MAX + 5_000), bus=bus)
    assert bus.read_counts[ANSWERS] == RECORDS_MAX
