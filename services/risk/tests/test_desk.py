"""The risk desk: every evaluation answered once, in event-time order, each approval reserved before the next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.events import (
    ControlLevel,
    OrderLeg,
    RiskDecision,
    Side,
    Signal,
)
from tradewire.ports.message import WaitReason
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.testkit.builders import (
    BTC,
    ETH,
    HOUR_US,
    account_state,
    control,
    evaluation,
    limits,
    open_order,
    position,
    share,
)
from tradewire.testkit.risk_desk import answers, desk_with, refused, say
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.language.intervals import MINUTE_US

# ---- joining ----


def test_step_when_state_comes_after_the_signal_then_waits_for_it() -> None:
    desk = desk_with()
    assert say(desk, evaluation(0)) == []
    assert list(desk.waits()) == [WaitReason("account_state", "alpha: the account's state", HOUR_US)]
    (answer,) = say(desk, account_state(0))
    assert (answer.decision, answer.account_time_us, answer.step_size) == (RiskDecision.APPROVED, HOUR_US, 1)


def test_step_when_nobody_signals_then_answered_without_any_state() -> None:
    (answer,) = say(desk_with(), evaluation(0, Signal.HOLD))
    assert (answer.decision, answer.equity, answer.rules) == (RiskDecision.NO_SIGNAL, None, ())


def test_step_when_only_an_older_state_is_known_then_waits() -> None:
    desk = desk_with()
    say(desk, account_state(3))
    say(desk, evaluation(3, Signal.HOLD))
    assert say(desk, evaluation(4)) == []


def test_step_when_a_newer_state_is_known_too_then_the_one_of_the_step_is_used() -> None:
    desk = desk_with()
    say(desk, account_state(0, 10_000), 0)
    say(desk, account_state(1, 20_000), 1)
    (answer,) = say(desk, evaluation(0))
    assert (answer.equity, answer.account_time_us) == (Decimal(10_000), HOUR_US)


def test_step_when_another_symbol_may_still_come_then_waits_for_it_or_for_what_is_later() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    assert say(desk, evaluation(0, Signal.HOLD)) == []
    assert [a.symbol for a in say(desk, evaluation(2, Signal.HOLD, ETH))] == [BTC]


def test_status_when_a_listed_stream_has_no_bar_then_names_it_as_what_the_account_waits_for() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    say(desk, evaluation(0, Signal.HOLD))
    accounts: Any = desk.status()["accounts"]
    assert (accounts["alpha"]["waiting_steps"], accounts["alpha"]["waits_for"]) == (1, [f"trend:{ETH}"])
    assert [waits.what for waits in desk.waits()] == [f"alpha: evaluations of trend on {ETH}"]
    say(desk, evaluation(0, Signal.HOLD, ETH))
    accounts = desk.status()["accounts"]
    assert accounts["alpha"]["waits_for"] == []
    assert list(desk.waits()) == [], "the oldest step is answered"


def test_step_when_another_symbol_has_ended_then_does_not_wait_for_it() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    say(desk, evaluation(0, Signal.HOLD, ETH, last_of_stream=True))
    assert [a.symbol for a in say(desk, evaluation(0, Signal.HOLD))] == [BTC, ETH]
    assert [a.symbol for a in say(desk, evaluation(1, Signal.HOLD))] == [BTC]


def test_step_when_the_awaited_strategy_retires_then_goes_on() -> None:
    desk = desk_with(symbols=(BTC,))
    say(desk, status(active(document("other", "alpha", ETH))))
    assert say(desk, evaluation(0, Signal.HOLD)) == []
    assert [a.symbol for a in say(desk, status(strategy_id="other"))] == [BTC]


def test_step_when_complete_then_answered_by_strategy_and_symbol_with_its_size() -> None:
    desk = desk_with(symbols=(BTC, ETH))
    say(desk, status(active(document("alone", "alpha", ETH))))
    say(desk, evaluation(0, Signal.HOLD, ETH))
    say(desk, evaluation(0, Signal.HOLD, BTC))
    found = say(desk, evaluation(0, Signal.HOLD, ETH, "alone"))
    assert [(a.strategy_id, a.symbol, a.step_index, a.step_size) for a in found] == [
        ("alone", ETH, 0, 3),
        ("trend", BTC, 1, 3),
        ("trend", ETH, 2, 3),
    ]


def test_evaluation_when_delivered_again_then_answered_once() -> None:
    desk = desk_with()
    say(desk, account_state(0))
    assert len(say(desk, evaluation(0))) == 1
    assert say(desk, evaluation(0)) == []
    assert desk.pending.lowest() == {}


def test_second_evaluation_of_a_bar_when_the_first_was_answered_then_refused_once() -> None:
    desk = desk_with()
    say(desk, account_state(0))
    say(desk, evaluation(0))
    (second,) = say(desk, evaluation(0), 9)
    assert refused(second) == {"step_open"}
    assert (second.step_size, second.intents) == (0, ())
    assert say(desk, evaluation(0), 9) == []
    assert desk.pending.lowest() == {}


# ---- decisions ----


def test_reservation_when_two_enter_in_one_step_then_the_second_finds_the_first_in_its_way() -> None:
    desk = desk_with(limits(max_gross_exposure=Decimal(150)), symbols=(BTC, ETH))
    say(desk, evaluation(0, symbol=ETH))
    say(desk, evaluation(0, symbol=BTC))
    first, second = say(desk, account_state(0))
    assert (first.symbol, first.decision) == (BTC, RiskDecision.APPROVED)
    assert (second.symbol, second.decision, refused(second)) == (ETH, RiskDecision.REFUSED, {"max_gross_exposure"})
    (rule,) = [rule for rule in second.rules if not rule.passed]
    assert (rule.value, rule.limit) == ("200.00 USDT", "<= 150 USDT")


def test_daily_loss_when_the_day_turns_then_counts_from_the_new_day() -> None:
    desk = desk_with(limits(max_daily_loss=Decimal(100)))
    for number, equity in ((0, 10_000), (22, 9_900), (23, 9_850)):
        say(desk, account_state(number, equity), number)
    say(desk, account_state(24, 9_749), 24)
    found = {n: say(desk, evaluation(n, stop_distance=None), n)[0] for n in (21, 22, 23, 24)}
    assert {n: refused(a) for n, a in found.items()} == {21: set(), 22: set(), 23: set(), 24: {"max_daily_loss"}}


def test_drawdown_when_equity_was_higher_before_then_counts_from_that_peak() -> None:
    desk = desk_with(limits(max_drawdown_ratio=Decimal("0.2")))
    for number, equity in enumerate((10_000, 20_000, 16_000, 15_999)):
        say(desk, account_state(number, equity), number)
    found = [say(desk, evaluation(number), number)[0] for number in range(4)]
    assert [refused(answer) for answer in found] == [set(), set(), set(), {"max_drawdown"}]


def test_order_rate_when_a_minute_of_event_time_passes_then_orders_are_free_again() -> None:
    desk = desk_with(limits(max_orders_per_minute=1))
    say(desk, status(active(document("trend", "alpha", BTC, ETH, interval="1m"))))
    found = []
    for at_us in (MINUTE_US, 2 * MINUTE_US):
        say(desk, account_state(event_time_us=at_us), at_us)
        for symbol in (BTC, ETH):
            found += say(desk, evaluation(at_us, symbol=symbol, interval="1m", event_time_us=at_us), at_us)
    assert [refused(answer) for answer in found] == [set(), {"max_orders_per_minute"}] * 2


def test_limits_when_changed_then_in_force_from_the_next_step() -> None:
    desk = desk_with()
    say(desk, account_state(0), 0)
    say(desk, account_state(1), 1)
    assert refused(say(desk, evaluation(0))[0]) == set()
    say(desk, limits(version=2, max_order_notional=Decimal(99)))
    assert refused(say(desk, evaluation(1))[0]) == {"max_order_notional"}


def test_signal_when_instrument_is_unknown_then_refused_saying_so() -> None:
    desk = RiskDesk(MemoryRules())
    say(desk, status(active(document())))
    say(desk, account_state(0))
    (answer,) = say(desk, evaluation(0))
    assert [(rule.rule, rule.passed, rule.value) for rule in answer.rules] == [
        ("account_state_known", True, "known"),
        ("instrument_known", False, "unknown"),
    ]


# ---- live ----


def test_tick_when_grace_has_run_out_then_answered_late_with_what_is_there() -> None:
    desk = desk_with(limits(max_data_age_s=30.0), symbols=(BTC, ETH), grace_us=10_000_000)
    say(desk, account_state(0))
    say(desk, evaluation(0))
    assert answers(desk.tick(HOUR_US + 10_000_000)) == []
    (answer,) = answers(desk.tick(HOUR_US + 10_000_001))
    assert (answer.late, answer.decision, answer.step_size) == (True, RiskDecision.APPROVED, 1)


def test_tick_when_data_is_too_old_then_late_answer_refuses_the_entry() -> None:
    desk = desk_with(limits(max_data_age_s=30.0), symbols=(BTC, ETH), grace_us=10_000_000)
    say(desk, account_state(0))
    say(desk, evaluation(0))
    (answer,) = answers(desk.tick(HOUR_US + 30_001_000))
    assert (answer.decision, refused(answer)) == (RiskDecision.REFUSED, {"max_data_age"})


def test_tick_when_account_was_never_seen_then_late_signal_is_refused_saying_so() -> None:
    desk = desk_with(grace_us=1)
    say(desk, evaluation(0))
    (answer,) = answers(desk.tick(HOUR_US + 2))
    assert (answer.late, answer.decision, answer.equity) == (True, RiskDecision.REFUSED, None)
    assert refused(answer) == {"account_state_known"}


def test_tick_when_replaying_then_waits_for_as_long_as_it_takes() -> None:
    desk = desk_with()
    say(desk, evaluation(0))
    assert answers(desk.tick(10**18)) == []


def test_signal_when_its_step_was_answered_without_it_then_refused_saying_so() -> None:
    desk = desk_with(symbols=(BTC, ETH), grace_us=10_000_000)
    say(desk, account_state(0))
    say(desk, evaluation(0, Signal.HOLD))
    assert len(answers(desk.tick(HOUR_US + 10_000_001))) == 1
    (answer,) = say(desk, evaluation(0, symbol=ETH))
    assert (answer.decision, refused(answer), answer.intents) == (RiskDecision.REFUSED, {"step_open"}, ())


# ---- kill switch ----


@pytest.mark.parametrize("scope", ["global", "account:alpha", "strategy:trend"])
def test_kill_switch_when_paused_then_not_even_exits_go_out(scope: str) -> None:
    desk = desk_with()
    say(desk, control(scope, ControlLevel.PAUSED))
    held: dict[str, Any] = {"positions": (position(1),), "strategy_positions": (share(1),)}
    say(desk, account_state(0, **held), 0)
    (answer,) = say(desk, evaluation(0, Signal.EXIT_LONG))
    assert (answer.intents, answer.cancels, refused(answer)) == ((), (), {"kill_switch"})
    assert say(desk, control(scope, ControlLevel.NORMAL), 1) == []
    say(desk, account_state(1, **held), 1)
    (answer,) = say(desk, evaluation(1, Signal.EXIT_LONG))
    assert [intent.leg for intent in answer.intents] == [OrderLeg.EXIT]


@pytest.mark.parametrize("level", [ControlLevel.NORMAL, ControlLevel.NO_NEW, ControlLevel.REDUCE_ONLY])
def test_kill_switch_when_reduce_only_then_an_exit_from_a_shared_position_can_only_reduce_it(
    level: ControlLevel,
) -> None:
    desk = desk_with()
    say(desk, status(active(document("other", "alpha", BTC))))
    say(desk, control("global", level))
    held: dict[str, Any] = {
        "positions": (position(1),),
        "strategy_positions": (share(2), share(-1, strategy_id="other")),
    }
    say(desk, account_state(0, **held), 0)
    answers = [*say(desk, evaluation(0)), *say(desk, evaluation(0, Signal.EXIT_SHORT, strategy_id="other"), 1)]
    (exit_order,) = [intent for answer in answers for intent in answer.intents]
    assert (exit_order.side, exit_order.reduce_only) == (Side.BUY, level is ControlLevel.REDUCE_ONLY)


@pytest.mark.parametrize("level", [ControlLevel.NO_NEW, ControlLevel.REDUCE_ONLY])
@pytest.mark.parametrize("scope", ["global", "account:alpha", "strategy:trend"])
def test_kill_switch_when_on_then_entries_are_refused_and_exits_go_out(scope: str, level: ControlLevel) -> None:
    desk = desk_with()
    say(desk, control(scope, level))
    held: dict[str, Any] = {"positions": (position(1),), "strategy_positions": (share(1),)}
    say(desk, account_state(0), 0)
    say(desk, account_state(1, **held), 1)
    assert refused(say(desk, evaluation(0))[0]) == {"kill_switch"}
    (answer,) = say(desk, evaluation(1, Signal.EXIT_LONG))
    assert [(intent.leg, intent.side) for intent in answer.intents] == [(OrderLeg.EXIT, Side.SELL)]


def test_flatten_when_demanded_then_closes_each_share_at_once_and_withdraws_its_orders() -> None:
    desk = desk_with()
    stop = open_order(client_order_id="stop")
    shares = (share(2), share(-3, ETH, "other"))
    say(desk, account_state(0, strategy_positions=shares, open_orders=(stop,)))
    found = say(desk, control("account:alpha", ControlLevel.FLATTEN))
    assert [(a.symbol, a.step_size, a.cancels) for a in found] == [(ETH, 0, ()), (BTC, 0, ("stop",))]
    assert [(i.leg, i.side, i.qty) for a in found for i in a.intents] == [
        (OrderLeg.FLATTEN, Side.BUY, Decimal(3)),
        (OrderLeg.FLATTEN, Side.SELL, Decimal(2)),
    ]
    assert say(desk, control("account:beta", ControlLevel.FLATTEN)) == []


def test_flatten_when_only_a_strategy_is_meant_then_the_others_keep_theirs() -> None:
    desk = desk_with()
    say(desk, account_state(0, strategy_positions=(share(2), share(-3, ETH, "other"))))
    assert [a.strategy_id for a in say(desk, control("strategy:other", ControlLevel.FLATTEN))] == ["other"]
