"""What risk has answered stands: after a crash nothing is decided anew, whatever has come since."""

from __future__ import annotations

import pytest

from tradewire.ports.events import ControlLevel, RiskAssessed, RiskDecision, Signal
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.reading_again import PublishedAnswers
from tradewire.testkit.builders import BTC, ETH, HOUR_US, account_state, control, evaluation, limits
from tradewire.testkit.risk_desk import answers, desk_with, say

LATE = limits(max_data_age_s=1e9)
GRACE_US = 10_000_000


READ = (
    account_state(0),
    evaluation(0, Signal.HOLD),
    evaluation(0, Signal.HOLD, ETH),
    evaluation(1),
    evaluation(1, Signal.ENTER_LONG, ETH),
)
"""What comes, with its place as its offset."""


def live_desk() -> RiskDesk:
    """A desk of a strategy on two symbols, which waits ten seconds."""
    return desk_with(LATE, symbols=(BTC, ETH), grace_us=GRACE_US)


def answered_late() -> tuple[RiskDesk, list[RiskAssessed]]:
    """A desk that answered bar 1 of BTC without bar 1 of ETH, which came later."""
    desk = live_desk()
    for offset, event in enumerate(READ[:3]):
        say(desk, event, offset)
    found = say(desk, READ[3], 3)
    found += answers(desk.tick(2 * HOUR_US + GRACE_US + 1))
    return desk, [*found, *say(desk, READ[4], 4)]


def after_a_crash(told: list[RiskAssessed], *, saved: bytes | None = None) -> RiskDesk:
    """Another life, with the answers on the topic."""
    desk = live_desk()
    if saved is not None:
        desk.restore(0, RiskAccount.restored("alpha", saved, desk.pending))
    desk.published(PublishedAnswers([0], {"alpha": max((answer.event_time_us for answer in told), default=-1)}, told))
    return desk


def test_step_when_it_was_answered_late_before_a_crash_then_the_answers_stand() -> None:
    _, told = answered_late()
    assert [(a.symbol, a.decision, a.step_size, a.late) for a in told] == [
        (BTC, RiskDecision.APPROVED, 1, True),
        (ETH, RiskDecision.REFUSED, 1, False),
    ]
    desk = after_a_crash(told)
    again = [answer for offset, event in enumerate(READ) for answer in say(desk, event, offset)]
    again += answers(desk.tick(99 * HOUR_US))
    assert (
        [answer for answer in again if answer.event_time_us > HOUR_US],
        dict(desk.pending.lowest()),
        list(desk.waits()),
    ) == ([], {}, [])


def test_step_when_a_crash_cut_its_answers_short_then_those_that_are_missing_are_given() -> None:
    calm, crashed = (desk_with(symbols=(BTC, ETH)) for _ in range(2))
    events = [account_state(0), evaluation(0), evaluation(0, Signal.ENTER_LONG, ETH)]
    told = [answer for offset, event in enumerate(events) for answer in say(calm, event, offset)]
    crashed.published(PublishedAnswers([0], {"alpha": HOUR_US}, told[:1]))
    assert [answer for offset, event in enumerate(events) for answer in say(crashed, event, offset)] == told[1:]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_step_when_an_evaluation_came_behind_a_step_cut_short_then_it_is_no_part_of_it(count: int) -> None:
    """Bar 1 of ETH came when the step had gone out without it, as far as the crash let it."""
    _, told = answered_late()
    desk = after_a_crash(told[:count])
    found = [answer for offset, event in enumerate(READ) for answer in say(desk, event, offset)]
    found += answers(desk.tick(99 * HOUR_US))
    every = [*told[:count], *(answer for answer in found if answer.event_time_us > HOUR_US)]
    assert sorted(answer.evaluation_id for answer in every) == sorted({answer.evaluation_id for answer in told})
    assert dict(desk.pending.lowest()) == {}


def test_step_when_its_answer_stands_then_its_orders_count_for_what_comes_after() -> None:
    """Two orders a minute: those of the step that is not decided anew are among them."""
    desk = desk_with(limits(max_orders_per_minute=1))
    told = [*say(desk, account_state(0)), *say(desk, evaluation(0))]
    again = desk_with(limits(max_orders_per_minute=1))
    again.published(PublishedAnswers([0], {"alpha": HOUR_US}, told))
    say(again, account_state(0))
    assert say(again, evaluation(0)) == []
    (account,) = (account for _, account in again.changed())
    assert account.order_times_us[0] == HOUR_US
    assert len(list(account.in_flight.keys())) == 1


def test_step_when_the_kill_switch_was_thrown_since_then_what_was_approved_stays_approved() -> None:
    desk = desk_with()
    told = [*say(desk, account_state(0)), *say(desk, evaluation(0))]
    assert told[0].decision is RiskDecision.APPROVED
    again = desk_with()
    say(again, control("global", ControlLevel.PAUSED))
    again.published(PublishedAnswers([0], {"alpha": HOUR_US}, told))
    assert [*say(again, account_state(0)), *say(again, evaluation(0))] == []


def test_answer_when_the_saved_state_includes_it_then_nothing_waits_for_its_evaluation() -> None:
    desk, told = answered_late()
    (account,) = (account for _, account in desk.changed())
    again = after_a_crash(told, saved=account.saved())
    assert len(say(again, evaluation(2, Signal.HOLD), 5)) == 0
    assert len(say(again, evaluation(2, Signal.HOLD, ETH), 6)) == 2
