"""Which bars without an account state are answered, and what becomes of those that nobody evaluated."""

from __future__ import annotations

import pytest

from tradewire.ports.events import AbsentBar, RiskAssessed, RiskDecision, Signal, StrategyEvaluated
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.desk import RiskDesk
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, envelope, evaluation, instrument
from tradewire.testkit.risk_desk import answers, desk_with, refused, say
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.pending_offsets import PendingOffsets


def two_intervals() -> RiskDesk:
    """An account that decides on BTC every four hours and on ETH every hour."""
    desk = RiskDesk(MemoryRules())
    slow = document("slow", "alpha", BTC, interval="4h")
    known = [instrument(BTC), instrument(ETH), status(active(slow)), status(active(document("fast", "alpha", ETH)))]
    for event in known:
        say(desk, event)
    return desk


def four_hourly(number: int) -> StrategyEvaluated:
    """The slow strategy's evaluation of the bar that closes with hour ``number``."""
    return evaluation(number, Signal.HOLD, BTC, "slow", interval="4h")


def bars(found: list[RiskAssessed]) -> list[int]:
    """Which hours were answered."""
    return [answer.event_time_us // HOUR_US - 1 for answer in found]


def test_step_when_the_other_stream_has_ended_then_no_account_state_is_waited_for() -> None:
    desk = two_intervals()
    for number in range(3):
        say(desk, evaluation(number, Signal.HOLD, ETH, "fast", last_of_stream=number == 2), number)
    assert [bars(say(desk, four_hourly(number), number)) for number in (3, 7, 11)] == [[0, 1, 2, 3], [7], [11]]


def test_step_when_the_other_stream_begins_later_then_no_account_state_is_waited_for() -> None:
    desk = two_intervals()
    say(desk, evaluation(9, Signal.HOLD, ETH, "fast"), 1)
    assert [bars(say(desk, four_hourly(number), number)) for number in (3, 7)] == [[3], [7]]


def test_first_evaluation_of_a_stream_when_far_ahead_then_does_not_begin_there_unasked() -> None:
    assert say(desk_with(), evaluation(3000, Signal.HOLD)) == []


@pytest.mark.parametrize("behind", list(Signal))
@pytest.mark.parametrize(("lost", "last"), [(1, False), (2, False), (2, True), (3, True), (4, False)])
def test_bars_when_their_evaluations_are_lost_then_each_is_refused_once_as_many_agree_that_the_market_moved_on(
    behind: Signal, lost: int, *, last: bool
) -> None:
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    needed = max(lost - 1 if last else lost, 1)
    for number in range(needed):
        signal, is_last = (behind if not number else Signal.HOLD), last and number == needed - 1
        bar = evaluation(1 + lost + number, signal, last_of_stream=is_last)
        assert say(desk, bar, 1 + number) == [], "execution does not stand at a bar yet"
    found = [answer for number in range(1, 1 + lost) for answer in say(desk, account_state(number), number)]
    refusals, others = found[:lost], found[lost:]
    assert [(refused(a), a.step_size, a.intents, bars([a])) for a in refusals] == [
        ({"bar_evaluated"}, 0, (), [number]) for number in range(1, 1 + lost)
    ]
    others += say(desk, account_state(1 + lost), 1 + lost)
    assert bars(others) == [1 + lost + number for number in range(needed)]
    assert (desk.pending.lowest(), list(desk.waits())) == ({}, [])


@pytest.mark.parametrize(("last", "candle"), [(False, 99), (True, 99), (False, 1), (True, 1)])
def test_step_far_ahead_when_execution_stands_at_a_bar_then_not_answered_for_few_evaluations(
    *, last: bool, candle: int
) -> None:
    """The evaluation of bar 1 comes behind the account state of its time."""
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    say(desk, evaluation(100, Signal.HOLD, last_of_stream=last, candle_offset=candle), 1)
    say(desk, evaluation(3000, Signal.HOLD, candle_offset=candle + 5), 2)
    assert say(desk, account_state(1), 1) == []
    (answer, *ahead) = say(desk, evaluation(1, Signal.ENTER_LONG), 3)
    assert (bars([answer]), answer.decision) == ([1], RiskDecision.APPROVED)
    assert [refused(a) for a in ahead] == [{"bar_closed"}] * (candle == 1)


def test_refused_bar_when_its_evaluation_is_read_at_last_then_that_is_refused_too_also_after_a_restart() -> None:
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    say(desk, evaluation(2, Signal.ENTER_LONG), 1)
    (lost,) = say(desk, account_state(1), 1)
    again = desk_with()
    again.admission.published(lost)
    say(again, evaluation(0, Signal.HOLD))
    say(again, evaluation(2, Signal.ENTER_LONG), 1)
    for one in (desk, again):
        (answer,) = say(one, evaluation(1, Signal.ENTER_LONG), 4)
        assert (refused(answer), answer.step_size, answer.intents) == ({"step_open"}, 0, ())
        assert say(one, account_state(1), 1) == [], "it was refused before"
        (answer,) = say(one, account_state(2), 2)
        assert (answer.decision, bars([answer])) == (RiskDecision.APPROVED, [2])


def test_bar_when_one_of_two_streams_may_still_be_evaluated_then_not_refused() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    for symbol in (BTC, ETH):
        say(desk, evaluation(0, Signal.HOLD, symbol))
    say(desk, evaluation(2, Signal.ENTER_LONG), 1)
    assert say(desk, account_state(1), 1) == []
    found = say(desk, evaluation(2, Signal.HOLD, ETH), 2)
    assert [(answer.symbol, refused(answer)) for answer in found] == [
        (BTC, {"bar_evaluated"}),
        (ETH, {"bar_evaluated"}),
    ]


@pytest.mark.parametrize("number", [1, 500])
def test_evaluation_when_an_operator_had_it_skipped_then_refused_alone_and_its_stream_goes_on(number: int) -> None:
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    skipped = evaluation(number, Signal.ENTER_LONG, candle_offset=99)
    found = [list(answers(desk.admission.skip(skipped, envelope(skipped, 7), desk.accounts()["alpha"]))) for _ in "ab"]
    ((answer,), again) = found
    assert (refused(answer), answer.step_size, answer.intents, again) == ({"not_skipped"}, 0, (), [])
    assert (desk.pending.lowest(), list(desk.waits())) == ({}, [])
    assert bars(say(desk, evaluation(1, Signal.HOLD, candle_offset=2), 8)) == [1]


def test_bar_when_an_operator_goes_on_without_its_evaluations_then_those_that_are_missing_are_refused() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    for symbol in (BTC, ETH):
        say(desk, evaluation(0, Signal.HOLD, symbol))
    assert say(desk, evaluation(1, Signal.ENTER_LONG), 1) == []
    skipped = account_state(1)
    found = answers(desk.on_account(skipped, envelope(skipped, 1), goes_on=True))
    assert [(a.symbol, a.decision, refused(a), a.step_size) for a in found] == [
        (ETH, RiskDecision.REFUSED, {"bar_evaluated"}, 0),
        (BTC, RiskDecision.APPROVED, set(), 1),
    ]
    assert (desk.pending.lowest(), list(desk.waits())) == ({}, [])


@pytest.mark.parametrize("restart", [False, True])
def test_step_when_the_account_says_that_a_bar_did_not_come_then_its_evaluation_is_not_waited_for(
    restart: bool,
) -> None:
    """A version begins on a market whose data has ended: nobody ever evaluates it there."""
    desk = RiskDesk(MemoryRules())
    known = [
        instrument(BTC),
        instrument(ETH),
        status(active(document("both", "alpha", BTC, ETH))),
    ]
    for event in known:
        say(desk, event)
    gap = AbsentBar(venue="sim", symbol=ETH, interval="1h")
    assert say(desk, evaluation(0, Signal.ENTER_LONG, BTC, "both")) == []
    assert bars(say(desk, account_state(0, absent=(gap,)))) == [0]
    if restart:
        ((partition, account),) = desk.changed()
        desk = RiskDesk(MemoryRules())
        desk.restore(partition, RiskAccount.restored("alpha", account.saved(), PendingOffsets()))
        for event in known:
            say(desk, event)
    assert say(desk, evaluation(1, Signal.ENTER_LONG, BTC, "both"), 1) == []
    assert say(desk, account_state(1), 1) == [], "that bar of ETH came, so its evaluation does"
    assert bars(say(desk, evaluation(1, Signal.HOLD, ETH, "both"), 2)) == [1, 1]


def test_bar_when_the_account_says_that_it_did_not_come_then_it_is_not_taken_for_lost() -> None:
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    say(desk, account_state(0))
    say(desk, evaluation(2, Signal.HOLD), 1)
    gap = AbsentBar(venue="sim", symbol=BTC, interval="1h")
    found = say(desk, account_state(1, absent=(gap,)), 1)
    assert [(*refused(answer), answer.event_time_us) for answer in found] == [(3 * HOUR_US,)]
