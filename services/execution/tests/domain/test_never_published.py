"""Assessments that risk can't have written: nothing waits for them, and what is real is placed as without them."""

from __future__ import annotations

from tradewire.ports.events import OrderChanged, OrderStatus, RiskDecision, RuleOutcome
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, fills, say, states, told
from tradewire.testkit.strategies import active, document, retired, status


def test_assessment_when_no_answer_tells_its_version_then_its_orders_are_denied_and_the_account_goes_on() -> None:
    desk = desk_with()
    say(desk, candle(0))
    assert say(desk, assessment(500, intent(), config_version=9)) == []
    assert [wait.reason for wait in desk.waits()] == ["strategy_status", "assessments"]
    assert say(desk, assessment(0, intent())) == [], "in the order in which they were written"
    desk.unknown.settle()
    changes = [emit.event.status for emit in desk.tick(0) if isinstance(emit.event, OrderChanged)]
    assert changes[:2] == [OrderStatus.DENIED, OrderStatus.SUBMITTED]
    assert len(fills(say(desk, candle(1)))) == 1
    assert [wait.event_time_us for wait in desk.waits()] == [2 * HOUR_US]


def test_assessment_when_its_version_is_told_later_then_its_step_is_placed() -> None:
    desk = desk_with(ETH)
    say(desk, assessment(0, intent(), config_version=2))
    say(desk, status(active(document("trend", "alpha", BTC), 2, 1)))
    assert len(fills(told(desk, candle(0), candle(1)))) == 1


def test_assessment_when_its_strategy_was_retired_then_it_does_not_tell_that_earlier_steps_were_answered() -> None:
    desk = desk_with()
    say(desk, retired(active(document("gone", "alpha", ETH)), {ETH: HOUR_US}))
    told(desk, assessment(500, strategy_id="gone", symbol=ETH), candle(0), candle(1))
    assert [wait.event_time_us for wait in desk.waits()] == [HOUR_US]
    assert [state.event_time_us for state in states(say(desk, assessment(0)))] == [2 * HOUR_US]


def test_step_when_it_says_to_have_more_assessments_than_come_then_goes_on_with_the_next_step() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent(), step_size=5), candle(1))
    assert [wait.event_time_us for wait in desk.waits()] == [HOUR_US]
    assert len(fills(say(desk, assessment(1)))) == 1


def test_answer_outside_the_steps_when_it_has_no_orders_then_no_account_begins() -> None:
    desk = desk_with()
    assert say(desk, assessment(0, account_id="nobodys", step_size=0)) == []
    assert desk.accounts() == {}


def test_assessment_of_several_when_its_strategy_was_retired_then_its_place_in_the_step_is_free() -> None:
    desk = desk_with()
    say(desk, retired(active(document("gone", "alpha", ETH)), {ETH: HOUR_US}))
    told(desk, assessment(0, strategy_id="gone", symbol=ETH, step_size=5), candle(0), assessment(0, intent()))
    assert len(fills(say(desk, candle(1)))) == 1


def test_assessment_far_ahead_when_its_version_is_in_force_then_the_steps_before_are_placed() -> None:
    desk = desk_with()
    told(desk, assessment(500), candle(0), candle(1))
    assert [wait.event_time_us for wait in desk.waits()] == [HOUR_US, 501 * HOUR_US]
    told(desk, assessment(0, intent()))
    assert [wait.event_time_us for wait in desk.waits()] == [2 * HOUR_US, 501 * HOUR_US]
    assert [state.event_time_us for state in states(told(desk, assessment(1), candle(2)))] == [3 * HOUR_US]


def test_orders_that_nobody_owes_when_delivered_again_then_denied_once() -> None:
    desk = desk_with()
    say(desk, retired(active(document("gone", "alpha", ETH)), {ETH: HOUR_US}))
    forged = assessment(500, intent(), strategy_id="gone", symbol=ETH)
    changes = [event for event in told(desk, candle(0), forged, forged) if isinstance(event, OrderChanged)]
    assert [change.status for change in changes] == [OrderStatus.DENIED]


def test_bar_that_risk_refused_when_it_is_decided_on_after_all_then_nobody_waits_for_it() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0), candle(1))
    assert [wait.event_time_us for wait in desk.waits()] == [2 * HOUR_US]
    for rule, waiting in (("bar_closed", 1), ("version_in_force", 0)):
        refusal = RuleOutcome(rule=rule, passed=False, value="", limit="")
        say(desk, assessment(1, step_size=0, decision=RiskDecision.REFUSED, rules=(refusal,)))
        assert len(list(desk.waits())) == waiting, "an evaluation that is not the bar's own says nothing about it"
