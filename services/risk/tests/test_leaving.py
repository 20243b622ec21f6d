"""Strategies that come, change and leave: a step waits for whoever decided by then, in any order of arrival."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import permutations

import pytest

from tradewire.ports.events import RiskDecision, Signal
from tradewire.ports.message import Event
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, evaluation, instrument
from tradewire.testkit.risk_desk import desk_with, say
from tradewire.testkit.strategies import active, document, retired, status

KEPT = active(document("kept", "alpha", ETH))
GUARDED = active(document("guarded", "alpha", BTC))
LEFT_AFTER_BAR_0 = retired(GUARDED, {BTC: HOUR_US + 1})
ENTRY = evaluation(0, Signal.ENTER_LONG, BTC, "guarded")


def desk_that_knows(*events: Event) -> RiskDesk:
    """A desk that was told this first."""
    desk = RiskDesk(MemoryRules())
    for event in (instrument(BTC), instrument(ETH), *events):
        say(desk, event)
    return desk


def decisions(desk: RiskDesk, events: Iterable[Event]) -> dict[tuple[str, int], tuple[RiskDecision, int]]:
    """Decision and step size by strategy and bar, when events come in this order."""
    answers = [answer for number, event in enumerate(events) for answer in say(desk, event, number)]
    return {(a.strategy_id, a.event_time_us // HOUR_US - 1): (a.decision, a.step_size) for a in answers}


def arrivals(*streams: tuple[Event, ...]) -> Iterable[list[Event]]:
    """Every interleaving of streams that are each in order."""
    names = [number for number, stream in enumerate(streams) for _ in stream]
    for order in set(permutations(names)):
        waiting = [iter(stream) for stream in streams]
        yield [next(waiting[number]) for number in order]


@pytest.mark.parametrize("has_a_gap", [False, True])
def test_step_when_a_strategy_has_left_then_its_last_evaluation_is_waited_for(has_a_gap: bool) -> None:
    hold = [evaluation(number, Signal.HOLD, ETH, "kept") for number in range(2)][has_a_gap:]
    found = [
        decisions(desk_that_knows(status(KEPT), LEFT_AFTER_BAR_0), order)
        for order in arrivals((ENTRY,), tuple(hold), (account_state(0), account_state(1)))
    ]
    assert found[0]["guarded", 0] == (RiskDecision.APPROVED, 1 if has_a_gap else 2)
    assert all(other == found[0] for other in found)


def test_step_when_a_version_with_another_interval_took_over_then_the_earlier_ones_last_bar_is_waited_for() -> None:
    slow = active(document("guarded", "alpha", BTC, interval="4h"), 2, HOUR_US + 1)
    hourly = active(document("guarded", "alpha", BTC))
    streams = (
        (ENTRY,),
        (evaluation(3, Signal.HOLD, BTC, "guarded", interval="4h", config_version=2),),
        (account_state(0), account_state(3)),
    )
    found = [decisions(desk_that_knows(status(hourly, slow)), order) for order in arrivals(*streams)]
    assert found[0] == {("guarded", 0): (RiskDecision.APPROVED, 1), ("guarded", 3): (RiskDecision.NO_SIGNAL, 1)}
    assert all(other == found[0] for other in found)


def test_step_when_a_strategy_has_just_begun_then_nothing_is_owed_from_before() -> None:
    slow = active(document("slow", "alpha", BTC, interval="4h"), 1, 5 * HOUR_US + 1)
    found = decisions(
        desk_that_knows(status(KEPT), status(slow)), [account_state(5), evaluation(5, Signal.HOLD, ETH, "kept")]
    )
    assert found == {("kept", 5): (RiskDecision.NO_SIGNAL, 1)}


def test_step_when_the_answer_about_its_version_comes_later_then_waits_for_it() -> None:
    """The answer was published first, on a topic of its own; it also tells who else decides then."""
    desk = desk_that_knows(status(KEPT))
    assert say(desk, evaluation(0, Signal.HOLD, ETH, "kept", config_version=2)) == []
    (wait,) = desk.waits()
    assert (wait.reason, wait.event_time_us) == ("strategy_status", HOUR_US)
    assert re.fullmatch(r"alpha: the answer about kept version 2 \(strategy\.evaluation\.v1 \d+ \d+\)", wait.what)
    both = active(document("kept", "alpha", ETH, BTC), 2, HOUR_US)
    assert say(desk, status(KEPT, both)) == []
    assert len(say(desk, evaluation(0, Signal.HOLD, BTC, "kept", config_version=2))) == 2


def test_step_when_the_answer_comes_after_it_was_passed_then_nobody_waits_for_the_past() -> None:
    desk = desk_with(symbols=(ETH,))
    say(desk, account_state(4))
    say(desk, evaluation(5, Signal.HOLD, ETH))
    say(desk, LEFT_AFTER_BAR_0)
    assert len(say(desk, evaluation(6, Signal.HOLD, ETH))) == 1


def test_evaluation_when_its_instance_had_not_heard_of_the_retirement_then_refused_and_no_state_waited_for() -> None:
    late = evaluation(1, Signal.ENTER_LONG, BTC, "guarded")
    desk = desk_that_knows(status(GUARDED), LEFT_AFTER_BAR_0)
    (answer,) = say(desk, late, 1)
    assert (answer.decision, answer.intents, answer.account_time_us) == (RiskDecision.REFUSED, (), None)
    assert [(rule.rule, rule.passed) for rule in answer.rules] == [("version_in_force", False)]
    assert list(desk.waits()) == []
