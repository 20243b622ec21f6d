"""FLATTEN is a level, not a moment: while it is in force, whatever opens is closed, each thing once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tradewire.ports.events import ControlLevel, OrderLeg, RiskAssessed, RiskDecision, Side, Signal
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.reading_again import PublishedAnswers
from tradewire.testkit.builders import (
    BTC,
    ETH,
    account_state,
    control,
    evaluation,
    instrument,
    limits,
    open_order,
    position,
    share,
)
from tradewire.testkit.risk_desk import answers, desk_with, refused, say
from tradewire.testkit.strategies import active, document, status

FLATTEN = control("global", ControlLevel.FLATTEN)
RESUME = control("global", ControlLevel.NORMAL, 2)


def held(qty: Any, **other: Any) -> dict[str, Any]:
    """An account state's fields when ``trend`` holds this much."""
    if not qty:
        return other
    return {"positions": (position(qty),), "strategy_positions": (share(qty),), **other}


def orders(found: list[RiskAssessed]) -> list[tuple[OrderLeg, Side, Decimal]]:
    """What was sent outside the steps."""
    return [(i.leg, i.side, i.qty) for answer in found if not answer.step_size for i in answer.intents]


def bar(desk: RiskDesk, number: int, qty: Any, signal: Signal = Signal.HOLD, **other: Any) -> list[RiskAssessed]:
    """One bar: the account's state, then the strategy's answer. Returns what risk says to both."""
    return say(desk, account_state(number, **held(qty, **other)), number) + say(
        desk, evaluation(number, signal), number
    )


SELL_2 = [(OrderLeg.FLATTEN, Side.SELL, Decimal(2))]


def test_flatten_when_the_demand_is_delivered_again_then_nothing_is_sent_twice() -> None:
    desk = desk_with()
    bar(desk, 0, 2)
    assert orders(say(desk, FLATTEN)) == SELL_2
    assert say(desk, FLATTEN) == []
    assert answers(desk.tick(0)) == []


def test_flatten_when_an_entry_was_in_flight_then_it_is_withdrawn_and_closed_if_it_filled() -> None:
    desk = desk_with()
    (entry,) = bar(desk, 0, 0, Signal.ENTER_LONG)
    (withdrawal,) = say(desk, FLATTEN)
    assert withdrawal.cancels == (entry.intents[0].client_order_id,)
    assert withdrawal.intents == ()
    assert orders(bar(desk, 1, 2)) == SELL_2


def test_flatten_when_an_exit_was_in_flight_then_the_share_is_not_closed_twice() -> None:
    desk = desk_with()
    bar(desk, 0, 2, Signal.EXIT_LONG)
    assert orders(say(desk, FLATTEN)) == []
    assert orders(bar(desk, 1, 0)) == []


def test_flatten_when_no_state_can_show_the_first_order_yet_then_waits_for_one_that_must() -> None:
    desk = desk_with()
    bar(desk, 0, 2)
    say(desk, FLATTEN)
    assert orders(bar(desk, 1, 2)) == []
    again = bar(desk, 2, 2)
    assert orders(again) == SELL_2


def test_flatten_when_its_order_is_working_then_only_the_rest_is_closed() -> None:
    desk = desk_with()
    say(desk, FLATTEN)
    working = open_order(OrderLeg.FLATTEN, "mine", remaining=Decimal(2))
    found = bar(desk, 0, 3, open_orders=(working,))
    assert orders(found) == [(OrderLeg.FLATTEN, Side.SELL, Decimal(1))]
    assert found[0].cancels == ()


def test_flatten_when_in_force_then_exits_of_the_strategy_are_refused_for_the_share_is_being_closed() -> None:
    desk = desk_with()
    say(desk, FLATTEN)
    closing, answer = bar(desk, 0, 2, Signal.EXIT_LONG)
    assert orders([closing]) == SELL_2
    assert (answer.decision, refused(answer), answer.intents) == (RiskDecision.REFUSED, {"kill_switch"}, ())


def test_flatten_when_resumed_then_what_opens_stays_open() -> None:
    desk = desk_with()
    say(desk, FLATTEN)
    say(desk, RESUME)
    assert orders(bar(desk, 0, 2)) == []
    (answer,) = bar(desk, 1, 0, Signal.ENTER_LONG)
    assert answer.decision is RiskDecision.APPROVED


def restarted(desk: RiskDesk, *, published_number: int | None = None) -> RiskDesk:
    """A desk of a new process: broadcast topics first, then the account from the changelog."""
    saved = [account.saved() for _, account in desk.changed()]
    fresh = RiskDesk(MemoryRules())
    for event in (instrument(BTC), status(active(document("trend", "alpha", BTC))), FLATTEN):
        assert say(fresh, event) == []
    for data in saved:
        fresh.restore(0, RiskAccount.restored("alpha", data, fresh.pending))
    if published_number is not None:
        fresh.published(PublishedAnswers([0], {"alpha": evaluation(published_number).event_time_us}))
    return fresh


def test_flatten_when_issued_while_risk_was_down_then_carried_out_after_the_start() -> None:
    desk = desk_with()
    bar(desk, 0, 2, Signal.ENTER_LONG)
    after = restarted(desk)
    assert orders(answers(after.tick(0))) == SELL_2
    assert answers(after.tick(1)) == []


def test_flatten_when_risk_restarts_after_it_was_sent_then_not_sent_again() -> None:
    desk = desk_with()
    bar(desk, 0, 2, Signal.ENTER_LONG)
    assert orders(say(desk, FLATTEN)) == SELL_2
    after = restarted(desk)
    assert answers(after.tick(0)) == []
    assert orders(bar(after, 1, 2)) == []
    assert orders(bar(after, 2, 2)) == SELL_2


def test_flatten_when_steps_are_answered_again_after_a_crash_then_old_states_close_nothing() -> None:
    desk = desk_with()
    bar(desk, 0, 2, Signal.ENTER_LONG)
    after = restarted(desk, published_number=2)
    assert answers(after.tick(0)) == []
    assert [orders(bar(after, number, 2)) for number in (1, 2)] == [[], []]
    assert orders(bar(after, 3, 2)) == SELL_2


def test_flatten_when_risk_restarts_between_two_demands_then_the_second_order_has_an_id_of_its_own() -> None:
    desk = desk_with()
    bar(desk, 0, 2, Signal.ENTER_LONG)
    (first,) = say(desk, FLATTEN)
    after = restarted(desk)
    bar(after, 1, 2)
    second = [answer for answer in bar(after, 2, 2) if not answer.step_size]
    assert orders(second) == SELL_2
    assert second[0].intents[0].client_order_id != first.intents[0].client_order_id


def test_flatten_when_no_order_is_left_of_the_rate_then_it_closes() -> None:
    desk = desk_with(limits(max_orders_per_minute=0))
    bar(desk, 0, 2)
    assert orders(say(desk, FLATTEN)) == SELL_2


def test_flatten_when_it_sent_an_order_then_the_rate_counts_it_for_the_next_entry() -> None:
    desk = desk_with(limits(max_orders_per_minute=1), symbols=(BTC, ETH))
    bar(desk, 0, 2)
    assert orders(say(desk, FLATTEN)) == SELL_2
    say(desk, RESUME)
    *_, answer = say(desk, evaluation(0, symbol=ETH), 1)
    assert refused(answer) == {"max_orders_per_minute"}
