"""One answer per evaluation: the first counts, and a second that says something else is told to people."""

from __future__ import annotations

from collections.abc import Iterable

from tradewire.execution.domain.first_answers import REMEMBERED_MAX, FirstAnswers
from tradewire.ports.events import AuditRecorded, OrderStatus, RiskDecision
from tradewire.ports.message import Event
from tradewire.testkit.builders import assessment, candle, envelope, intent
from tradewire.testkit.execution_desk import desk_with, life, say, told

APPROVED = assessment(0, intent("first"))
OTHER = assessment(0, intent("second"))
DENIED = assessment(0, decision=RiskDecision.REFUSED)


def differing(events: Iterable[Event]) -> list[AuditRecorded]:
    """What is told of two answers."""
    return [event for event in events if isinstance(event, AuditRecorded) and event.name == "assessment_differs"]


def test_second_answer_when_it_differs_and_the_step_was_placed_then_told_and_not_placed() -> None:
    desk = desk_with()
    placed = told(desk, candle(0), APPROVED)
    assert life(placed, "first") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]
    found = told(desk, OTHER, candle(1))
    assert life(found, "second") == []
    (said,) = differing(found)
    assert said.message == "evaluation evaluation-0 of alpha has two answers; the first counts"
    assert "first" in said.attributes["first"]
    assert "second" in said.attributes["second"]


def test_second_answer_when_it_differs_and_the_step_waits_then_told_and_the_first_is_placed() -> None:
    desk = desk_with()
    assert differing(told(desk, APPROVED, DENIED)) != []
    assert life(told(desk, candle(0)), "first") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]


def test_answer_when_delivered_again_then_nothing_is_told() -> None:
    desk = desk_with()
    assert differing(told(desk, candle(0), APPROVED, APPROVED, candle(1), APPROVED)) == []


def test_account_when_it_is_forgotten_then_its_answers_are_too() -> None:
    desk = desk_with()
    told(desk, candle(0), APPROVED)
    desk.forget([0])
    assert differing(say(desk, OTHER)) == []


def test_answers_when_there_are_many_then_the_newest_are_remembered() -> None:
    first = FirstAnswers()

    def compared(number: int, decision: RiskDecision) -> bool:
        event = assessment(number, decision=decision)
        return list(first.compare(event, envelope(event))) != []

    numbers = range(REMEMBERED_MAX + 10)
    assert not any(compared(number, RiskDecision.NO_SIGNAL) for number in numbers)
    assert [compared(number, RiskDecision.REFUSED) for number in (numbers[-1], 10)] == [True, True]
    assert not compared(0, RiskDecision.REFUSED)
