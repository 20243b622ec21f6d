"""Evaluations that nobody owes: of versions that were never accepted, of bars and accounts that nobody decides for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradewire.ports.events import RiskAssessed, RiskDecision, Signal, StrategyEvaluated
from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, envelope, evaluation, instrument
from tradewire.testkit.risk_desk import answers, desk_with, refused, say
from tradewire.testkit.strategies import active, document, retired, status
from tradewire.testkit.worker_rig import WorkerRig

ENTRY, REAL = Signal.ENTER_LONG, evaluation(0, Signal.ENTER_LONG)
UNKNOWN = [
    evaluation(0, ENTRY, BTC, "never-published"),
    evaluation(0, ENTRY, BTC, config_version=9),
    evaluation(500, ENTRY, ETH, config_version=9),
    evaluation(0, Signal.HOLD, BTC, "never-published", "nobodys"),
]
NOBODYS = [
    evaluation(0, ENTRY, ETH),
    evaluation(500, ENTRY, ETH),
    evaluation(0, ENTRY, BTC, account_id="beta"),
    evaluation(3, ENTRY, BTC, interval="4h", config_version=0),
    evaluation(500, Signal.HOLD, BTC, "gone"),
    *(
        evaluation(number, ENTRY).model_copy(update={"event_time_us": (number + 1) * HOUR_US + off_us})
        for number, off_us in ((0, 1), (0, HOUR_US // 2), (500, -1))
    ),
]


def is_refused(answer: RiskAssessed) -> bool:
    """Outside the steps, without an order, by the rule that says why?"""
    outside = (answer.step_size, answer.intents, answer.account_time_us) == (0, (), None)
    return outside and answer.decision is RiskDecision.REFUSED and refused(answer) == {"version_in_force"}


@pytest.mark.parametrize("forged", UNKNOWN)
def test_evaluation_when_no_answer_tells_its_version_then_refused_and_its_account_goes_on(
    forged: StrategyEvaluated,
) -> None:
    calm, desk = desk_with(), desk_with()
    assert say(desk, forged, 1) == []
    assert [wait.reason for wait in desk.waits()] == ["strategy_status"]
    desk.admission.unknown.settle()
    (answer,) = answers(desk.tick(0))
    assert is_refused(answer)
    assert (list(desk.waits()), desk.pending.lowest()) == ([], {})
    for event in (account_state(0), REAL):
        assert say(desk, event, 2) == say(calm, event, 2)


@pytest.mark.parametrize("forged", NOBODYS)
def test_evaluation_when_nobody_decides_on_its_bar_then_refused_at_once_and_its_account_goes_on(
    forged: StrategyEvaluated,
) -> None:
    gone = retired(active(document("gone", "alpha", BTC)), {BTC: HOUR_US - 1})
    calm, desk = desk_with(), desk_with()
    say(desk, gone)
    (answer,) = say(desk, forged, 1)
    assert is_refused(answer)
    assert (list(desk.waits()), desk.pending.lowest()) == ([], {})
    for event in (account_state(0), REAL):
        assert say(desk, event, 2) == say(calm, event, 2)


def test_evaluation_of_an_interval_that_its_version_does_not_have_then_refused_and_the_bar_itself_stays_open() -> None:
    calm, desk = desk_with(), desk_with()
    (answer,) = say(desk, evaluation(0, ENTRY, BTC, interval="4h"), 1)
    assert (answer.step_size, refused(answer)) == (0, {"step_open"}), "execution takes it for no bar's answer"
    assert desk.admission.refused_bars("alpha").at(HOUR_US) == frozenset()
    for event in (account_state(0), REAL):
        assert say(desk, event, 2) == say(calm, event, 2)


def test_step_when_the_version_of_one_of_its_evaluations_is_not_known_yet_then_waits_for_that() -> None:
    desk = desk_with(symbols=(ETH,))
    say(desk, evaluation(0, Signal.HOLD, BTC, config_version=2), 1)
    assert say(desk, evaluation(0, Signal.HOLD, ETH), 2) == []
    both = active(document("trend", "alpha", BTC, ETH), 2, HOUR_US)
    assert [a.step_size for a in say(desk, status(active(document("trend", "alpha", ETH)), both))] == [2, 2]


def test_refusal_when_it_is_on_the_topic_then_it_is_not_said_again() -> None:
    first = desk_with(symbols=(ETH,))
    forged = evaluation(0, ENTRY, BTC, config_version=2)
    say(first, forged, 1)
    first.admission.unknown.settle()
    (answer,) = answers(first.tick(0))
    second = desk_with(symbols=(ETH,))
    second.admission.published(answer)
    assert answer.evaluation_id == envelope(forged, 1).event_id
    assert (say(first, forged, 1), first.pending.lowest()) == ([], {})
    assert (say(second, forged, 1), second.pending.lowest(), list(second.waits())) == ([], {}, [])


def test_refusal_when_the_version_in_force_decides_on_the_same_bar_then_that_is_answered() -> None:
    calm, desk = desk_with(), desk_with()
    forged = evaluation(0, Signal.HOLD, config_version=9)
    say(desk, forged, 1)
    desk.admission.unknown.settle()
    (answer,) = answers(desk.tick(0))
    assert answer.evaluation_id == envelope(REAL, 1).event_id
    for event in (account_state(0), REAL):
        assert say(desk, event, 1) == say(calm, event, 1)


def test_evaluation_when_its_stream_is_answered_beyond_it_then_refused_once() -> None:
    desk = desk_with()
    for number in (0, 2):
        say(desk, evaluation(number, Signal.HOLD), number)
    say(desk, account_state(2))
    behind = evaluation(1, ENTRY)
    (answer,) = say(desk, behind, 3)
    assert (answer.decision, answer.step_size, refused(answer)) == (RiskDecision.REFUSED, 0, {"step_open"})
    again = [behind, *(evaluation(number, Signal.HOLD) for number in (0, 2))]
    assert [say(desk, event, offset) for event, offset in zip(again, (3, 0, 2), strict=True)] == [[], [], []]


def test_second_evaluation_of_a_bar_when_the_first_waits_then_refused_and_the_first_is_answered() -> None:
    desk = desk_with()
    say(desk, REAL, 1)
    second = evaluation(0, Signal.ENTER_SHORT)
    (answer,) = answers(desk.on_evaluation(second, replace(envelope(second, 2), event_id="forged")))
    assert (answer.decision, answer.step_size, refused(answer)) == (RiskDecision.REFUSED, 0, {"step_open"})
    (first,) = say(desk, account_state(0))
    assert (first.decision, first.evaluation_id) == (RiskDecision.APPROVED, envelope(REAL, 1).event_id)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("offset", [1, 500])
def test_evaluation_far_ahead_of_its_stream_then_the_stream_is_waited_for_again(*, offset: int, last: bool) -> None:
    desk = desk_with(symbols=(BTC, ETH))
    say(desk, evaluation(500, Signal.HOLD, ETH, last_of_stream=last, candle_offset=offset), 1)
    for number in (0, 1):
        say(desk, evaluation(number, Signal.HOLD, ETH), 2 + number)
        found = say(desk, evaluation(number, Signal.HOLD, BTC), 12 + number)
        assert [a.step_size for a in found if a.event_time_us == (number + 1) * HOUR_US] == [2, 2]
        is_belied = number == offset == 1
        assert [refused(a) for a in found[2:]] == [{"bar_closed"}] * is_belied, "of a candle that is another bar's"
    assert say(desk, evaluation(2, Signal.HOLD, BTC), 14) == []


@pytest.mark.parametrize("number", [2, 500])
def test_evaluation_ahead_of_its_stream_when_the_stream_ends_before_then_refused(number: int) -> None:
    desk = desk_with()
    say(desk, evaluation(number, Signal.HOLD), 1)
    found = say(desk, evaluation(0, Signal.HOLD, last_of_stream=True), 2)
    assert [(a.event_time_us // HOUR_US - 1, refused(a)) for a in found] == [(0, set()), (number, {"bar_closed"})]
    assert (list(desk.waits()), desk.pending.lowest()) == ([], {})


async def test_service_when_evaluations_are_forged_then_answers_them_and_the_real_ones_behind() -> None:
    rig = WorkerRig()
    service = build(Settings(bus_url="memory:"))
    await rig.say(instrument(BTC), status(active(document("trend", "alpha", BTC))))
    async with rig.running(service):
        await rig.say(*UNKNOWN, account_state(0), evaluation(0, Signal.HOLD))
        await rig.until(lambda: rig.count("risk.assessment.v1") == len(UNKNOWN) + 1)
        assert list(service.waits()) == []
        assert service.held() == {}
    said = [event for _, event in await rig.said(RiskAssessed) if isinstance(event, RiskAssessed)]
    assert sum(map(is_refused, said)) == len(UNKNOWN)
    assert [(a.decision, a.step_size) for a in said if not is_refused(a)] == [(RiskDecision.NO_SIGNAL, 1)]
