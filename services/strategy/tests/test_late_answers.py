"""Answers that a stopped leader writes late: the one that stands is in force, and is the last on the topic again."""

from __future__ import annotations

import pytest

from tradewire.ports.events import ConfigStatus, StrategyEvaluated, StrategyStatusChanged
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.testkit.builders import BTC, STRATEGY, envelope, snapshot
from tradewire.testkit.strategies import active, config, document, status
from tradewire.testkit.strategies import retired as retired_at
from tradewire.testkit.strategy_desk import answers, asked, desk_with, evaluated, ticked, versions

FIRST, SECOND = config(document()), config(document(sizing="{fixed_qty: 2}"), 2)


def hear(desk: StrategyDesk, *told: StrategyStatusChanged) -> None:
    """Read answers on the topic."""
    for said in told:
        assert list(desk.on_status(said, envelope(said))) == []


def retired(desk: StrategyDesk) -> StrategyStatusChanged:
    """Retire the strategy; returns the answer."""
    desk.on_retired(STRATEGY, envelope(FIRST))
    (answer,) = answers(desk)
    assert answer.status is ConfigStatus.RETIRED
    return answer


def test_answer_when_the_clock_stands_still_then_each_is_later_than_the_one_before() -> None:
    desk = desk_with()
    (first,), second = asked(desk, FIRST), retired(desk)
    assert first.answered_at_us < second.answered_at_us


@pytest.mark.parametrize("leads", [False, True])
def test_late_answer_when_the_strategy_was_retired_meanwhile_then_it_does_not_trade_again(leads: bool) -> None:
    """As old as the acceptance that it repeats: the leader was stopped, and another answered."""
    other = desk_with()
    (accepted,) = asked(other, FIRST)
    evaluated(other, 1)
    gone, desk = retired(other), desk_with(leads=leads)
    hear(desk, accepted, gone, accepted)
    assert evaluated(desk, 5) == []
    desk.own([0])
    assert ticked(desk, 1) == [gone], "the last word on the topic is what stands"
    hear(desk, gone)
    assert ticked(desk, 2) == []


def test_late_answer_when_another_leader_has_said_again_what_stands_then_nobody_else_does() -> None:
    other, desk = desk_with(), desk_with(leads=False)
    (accepted,) = asked(other, FIRST)
    evaluated(other, 1)
    gone = retired(other)
    hear(desk, accepted, gone, accepted, gone)
    desk.own([0])
    assert ticked(desk, 1) == []


def test_late_answer_when_its_clock_was_ahead_then_the_leader_has_the_last_word_on_what_it_answered() -> None:
    leader = desk_with()
    (first,) = asked(leader, FIRST)
    (second,) = asked(leader, SECOND)
    late = first.model_copy(update={"answered_at_us": second.answered_at_us + 1_000_000})
    hear(leader, first, second, late)
    assert versions(evaluated(leader, 3)) == [2]
    (again,) = ticked(leader, 1)
    assert again == second.model_copy(update={"answered_at_us": late.answered_at_us + 1})
    follower = desk_with(leads=False)
    hear(follower, first, second, late, again)
    assert versions(evaluated(follower, 3)) == [2]


def test_late_answers_of_two_leaders_then_what_stands_is_said_after_the_latest_of_them() -> None:
    leader = desk_with()
    (first,) = asked(leader, FIRST)
    (second,) = asked(leader, SECOND)
    late = first.model_copy(update={"answered_at_us": second.answered_at_us + 1_000_000})
    hear(leader, first, second, late, first)
    (again,) = ticked(leader, 1)
    assert again == second.model_copy(update={"answered_at_us": late.answered_at_us + 1})


def test_answer_when_the_lead_moves_then_what_the_next_leader_says_stands() -> None:
    one, two = desk_with(), desk_with(leads=False)
    (first,) = asked(one, FIRST)
    hear(two, first)
    one.forget([0])
    two.own([0])
    (second,) = asked(two, SECOND)
    one.own([0])
    hear(one, first, second)
    assert ticked(one, 1) == []
    assert versions(evaluated(one, 3)) == [2]


def test_answer_when_a_record_that_is_none_stands_behind_it_then_whoever_leads_says_it_again_once() -> None:
    leader, follower = desk_with(), desk_with(leads=False)
    (accepted,) = asked(leader, config(document()))
    list(follower.on_status(accepted, envelope(accepted)))
    for desk in (leader, follower):
        desk.on_displaced(accepted.strategy_id)
        desk.on_displaced("nobody")
    (again,) = answers(leader)
    assert again == accepted.model_copy(update={"answered_at_us": accepted.answered_at_us + 1})
    assert answers(leader) == answers(follower) == []
    assert list(leader.on_status(again, envelope(again))) == []


def test_late_answer_when_two_versions_come_with_it_then_the_bar_of_their_change_is_the_second_ones_alone() -> None:
    desk, change_us = desk_with(leads=False), snapshot(3).event_time_us
    for number in range(5):
        assert evaluated(desk, number, partition=1) == []
    both = status(active(document()), active(document(sizing="{fixed_qty: 2}"), 2, change_us))
    said = [emit.event for emit in desk.on_status(both, envelope(both)) if isinstance(emit.event, StrategyEvaluated)]
    expected = [(1 if number < 3 else 2, snapshot(number).event_time_us) for number in range(5)]
    assert [(event.config_version, event.event_time_us) for event in said] == expected


def test_publication_when_another_process_retired_the_strategy_behind_later_bars_then_begins_behind_them_too() -> None:
    desk, left_us = desk_with(), snapshot(5).event_time_us + 1
    hear(desk, retired_at(active(document()), {BTC: left_us}))
    evaluated(desk, 1)
    (answer,) = asked(desk, SECOND)
    assert (answer.status, answer.active[-1].effective_from_us) == (ConfigStatus.ACCEPTED, left_us)
