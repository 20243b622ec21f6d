"""Which bars without an account state are answered: the next one owed, and those that the market has moved past."""

from __future__ import annotations

import pytest

from tradewire.ports.events import RiskAssessed, RiskDecision, Signal, StrategyEvaluated
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, evaluation, instrument
from tradewire.testkit.risk_desk import desk_with, refused, say
from tradewire.testkit.strategies import active, document, status


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


@pytest.mark.parametrize(("lost", "last"), [(2, False), (2, True), (3, True), (4, False)])
def test_step_when_bars_before_it_are_lost_then_answered_once_as_many_agree_that_the_market_moved_on(
    *, lost: int, last: bool
) -> None:
    desk, found = desk_with(), []
    say(desk, evaluation(0, Signal.HOLD))
    needed = lost - 1 if last else lost
    for behind in range(needed):
        is_last = last and behind == needed - 1
        found.append(say(desk, evaluation(1 + lost + behind, Signal.HOLD, last_of_stream=is_last), 1 + behind))
    assert not any(found), "execution does not stand at a bar yet"
    assert bars(say(desk, account_state(1), 1)) == [1 + lost + behind for behind in range(needed)]


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


def test_bar_that_was_lost_when_its_evaluation_is_read_at_last_then_those_read_before_are_answered_behind_it() -> None:
    desk = desk_with()
    say(desk, evaluation(0, Signal.HOLD))
    say(desk, evaluation(2, Signal.ENTER_LONG), 1)
    for number in (3, 4):
        assert say(desk, evaluation(number, Signal.HOLD), number - 1) == []
    assert say(desk, account_state(1), 1) == []
    assert bars(say(desk, evaluation(1, Signal.HOLD), 4)) == [1]
    found = say(desk, account_state(2), 2)
    assert [(a.decision, a.step_size) for a in found] == [
        (RiskDecision.APPROVED, 1),
        (RiskDecision.NO_SIGNAL, 1),
        (RiskDecision.NO_SIGNAL, 1),
    ]
