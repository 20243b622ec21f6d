"""Assessments that come before the answer that makes them matter, or after the account has gone on."""

from __future__ import annotations

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import OrderStatus
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, life, say, states, told
from tradewire.testkit.strategies import active, document, retired, status

GONE = retired(active(document("trend", "alpha", BTC)), {BTC: HOUR_US + 1})
AFTER = assessment(1, intent("late"), config_version=1)


def retired_after_bar_0() -> ExecutionDesk:
    """A desk whose only strategy left with bar 0, and whose account has gone past it."""
    desk = desk_with()
    told(desk, candle(0), assessment(0), GONE, candle(1))
    return desk


def test_assessment_when_nobody_was_known_to_decide_then_its_orders_are_denied_once_and_nothing_is_held() -> None:
    desk = retired_after_bar_0()
    found = say(desk, AFTER, 7)
    assert life(found, "late") == [OrderStatus.DENIED]
    assert "nobody was known to decide" in str(found[0])
    assert (say(desk, AFTER, 8), dict(desk.pending.lowest()), list(desk.waits())) == ([], {}, [])


def test_assessment_when_denied_and_delivered_again_after_a_restart_then_nothing_more_is_said() -> None:
    desk = retired_after_bar_0()
    say(desk, AFTER)
    (account,) = desk.changed()
    saved = account.saved()
    again = desk_with()
    say(again, GONE)
    again.restore("alpha", saved)
    assert say(again, AFTER) == []


def test_assessment_when_a_later_bar_goes_past_it_then_denied() -> None:
    desk = desk_with(BTC, ETH)
    told(desk, candle(0), assessment(1, intent("late")))
    assert life(told(desk, candle(2, symbol=ETH), assessment(0), candle(2)), "late") == [OrderStatus.DENIED]


def test_assessment_when_the_answer_about_its_version_comes_later_then_placed() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0), GONE, candle(1))
    order = assessment(1, intent("early"), strategy_id="next", config_version=1)
    assert say(desk, order) == []
    found = say(desk, status(active(document("next", "alpha", BTC), 1, HOUR_US + 1)))
    assert life(found, "early") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]


def test_step_when_risk_answered_a_later_one_and_not_this_then_not_waited_for() -> None:
    desk = desk_with()
    told(desk, candle(0), candle(1))
    assert [s.event_time_us for s in states(say(desk, assessment(1)))] == [2 * HOUR_US]
