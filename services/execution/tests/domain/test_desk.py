"""The execution desk: the market happens to an account in event time, and each order once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.arrivals import Arrived
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import (
    AccountStateChanged,
    OrderChanged,
    OrderFilled,
    OrderLeg,
    OrderStatus,
    OrderType,
    Side,
)
from tradewire.ports.message import Event, WaitReason
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, fills, life, say, states, told
from tradewire.testkit.strategies import active, document, status

STOP = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "reduce_only": True}

# ---- joining ----


def test_order_when_decided_at_a_close_then_fills_at_the_next_open() -> None:
    desk = desk_with()
    bar = candle(1, 110, open=Decimal(105), low=Decimal(104), high=Decimal(111))
    found = told(desk, candle(0, 100), assessment(0, intent(qty=2)), bar)
    (fill,) = fills(found)
    assert (fill.price, fill.event_time_us, fill.position_after, fill.fee) == (
        Decimal(105),
        HOUR_US,
        Decimal(2),
        Decimal("0.21"),
    )
    last = states(found)[-1]
    assert (last.equity, last.wallet_balance, last.unrealized_pnl) == (
        Decimal("10009.79"),
        Decimal("9999.79"),
        Decimal(10),
    )


def test_bar_when_the_last_step_is_not_assessed_then_waits_for_it() -> None:
    desk = desk_with()
    assert [s.event_time_us for s in states(told(desk, candle(0), candle(1)))] == [HOUR_US]
    assert list(desk.waits()) == [WaitReason("assessments", "alpha: risk's answers", HOUR_US)]
    assert [s.event_time_us for s in states(say(desk, assessment(0)))] == [2 * HOUR_US]


def test_step_when_it_has_two_assessments_then_waits_for_both() -> None:
    desk = desk_with()
    first, second = (assessment(0, step_index=index, step_size=2) for index in (0, 1))
    told(desk, candle(0), candle(1))
    assert say(desk, second) == []
    assert len(states(say(desk, first))) == 1


def test_bar_when_another_symbol_may_still_come_then_waits_for_it_or_for_what_is_later() -> None:
    desk = desk_with(BTC, ETH)
    assert told(desk, candle(0)) == []
    assert [s.event_time_us for s in states(told(desk, candle(3, symbol=ETH)))] == [HOUR_US]


def test_bar_when_another_symbol_has_ended_then_does_not_wait_for_it() -> None:
    desk = desk_with(BTC, ETH)
    told(desk, candle(0), candle(0, symbol=ETH, last_of_stream=True), assessment(0))
    (state,) = states(say(desk, candle(1, last_of_stream=True)))
    assert (state.event_time_us, state.last_of_stream) == (2 * HOUR_US, True)


def test_candle_when_of_a_symbol_that_nobody_trades_then_nothing_happens() -> None:
    assert told(desk_with(BTC), candle(0, symbol=ETH)) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"low": Decimal(-5)},
        {"high": Decimal(1)},
        {"close_time_us": 400 * HOUR_US},
        {"open_time_us": 2 * HOUR_US + 7, "close_time_us": 3 * HOUR_US + 7},
        {"mark_open": Decimal(100)},
        {"mark_open": Decimal(1), "mark_high": Decimal(2), "mark_low": Decimal(3), "mark_close": Decimal(1)},
    ],
    ids=["negative price", "prices that do not nest", "close far ahead", "off the grid", "half a mark", "crossed mark"],
)
def test_candle_when_it_is_no_bar_then_refused_and_the_account_goes_on(bad: dict[str, Any]) -> None:
    desk = desk_with(BTC)
    told(desk, candle(0), assessment(0), candle(1), assessment(1))

    with pytest.raises(ContractViolationError):
        say(desk, candle(2, **bad))

    assert [state.event_time_us for state in states(told(desk, candle(3)))] == [4 * HOUR_US]


def test_funding_when_settled_then_paid_on_what_is_held_at_the_mark() -> None:
    desk = desk_with(BTC)
    mark: dict[str, Any] = dict.fromkeys(("mark_open", "mark_high", "mark_low", "mark_close"), Decimal(110))

    told(desk, candle(0), assessment(0, intent(qty=2)))
    (state,) = states(told(desk, candle(1, funding_rate=Decimal("0.001"), **mark)))

    assert state.funding_paid == Decimal("0.22")
    assert state.positions[0].mark_price == 110
    assert state.unrealized_pnl == 20


def test_position_when_the_mark_eats_its_margin_then_liquidated_and_every_share_of_it_gone() -> None:
    desk = desk_with(BTC)
    crash: dict[str, Any] = dict.fromkeys(("mark_open", "mark_high", "mark_low", "mark_close"), Decimal(60))

    told(desk, candle(0), assessment(0, intent(qty=400)), candle(1), assessment(1))
    events = told(desk, candle(2, **crash))

    assert [fill.leg for fill in fills(events)] == ["LIQUIDATION"]
    (state,) = states(events)
    assert (state.positions, state.strategy_positions) == ((), ())


def test_candle_when_many_accounts_trade_other_symbols_then_only_its_own_does_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = desk_with(BTC)
    for number in range(50):
        say(desk, status(active(document(f"s{number}", f"account-{number}", f"N{number}USDT"))))
    visited: list[str] = []
    take = ExecutionAccount.take_candle

    def noted(account: ExecutionAccount, arrived: Arrived) -> None:
        visited.append(account.account_id)
        take(account, arrived)

    monkeypatch.setattr(ExecutionAccount, "take_candle", noted)
    told(desk, candle(0), assessment(0), candle(1))
    assert visited == ["alpha", "alpha"]


def test_status_when_awaited_symbol_is_no_longer_traded_then_goes_on() -> None:
    desk = desk_with(BTC)
    say(desk, status(active(document("other", "alpha", ETH))))
    assert told(desk, candle(0)) == []
    assert len(states(say(desk, status(strategy_id="other")))) == 1


def test_anything_when_delivered_twice_then_happens_once() -> None:
    desk = desk_with()
    events: list[Event] = [candle(0), assessment(0, intent()), candle(1)]
    assert len(fills(told(desk, *events))) == 1
    assert told(desk, *events) == []
    assert dict(desk.pending.lowest()) == {}


# ---- orders ----


def test_order_when_filled_then_its_life_is_told_in_sequence() -> None:
    found = told(desk_with(), candle(0), assessment(0, intent()), candle(1))
    assert life(found, "order-1") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    sequences = [
        event.sequence for event in found if isinstance(event, OrderChanged | OrderFilled | AccountStateChanged)
    ]
    assert sequences == list(range(1, len(found) + 1))


def test_order_when_its_id_comes_in_another_assessment_then_not_placed_again() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent()), candle(1))
    assert life(told(desk, assessment(1, intent()), candle(2)), "order-1") == []


def test_order_when_the_venue_refuses_it_then_told_why() -> None:
    found = told(desk_with(), candle(0), assessment(0, intent(qty="0.0005")))
    assert life(found, "order-1") == [OrderStatus.SUBMITTED, OrderStatus.REJECTED]
    assert [e.reason for e in found if isinstance(e, OrderChanged)][-1]


def test_protection_when_its_entry_fills_then_at_work_and_open_until_withdrawn() -> None:
    desk = desk_with()
    stop = intent("stop", Side.SELL, stop_price=Decimal(90), parent_id="order-1", **STOP)
    found = told(desk, candle(0), assessment(0, intent(), stop), candle(1))
    assert [(o.client_order_id, o.remaining, o.price) for o in states(found)[-1].open_orders] == [
        ("stop", Decimal(1), Decimal(90))
    ]
    found = told(desk, assessment(1, cancels=("stop",)), candle(2))
    assert life(found, "stop") == [OrderStatus.CANCELED]
    assert states(found)[-1].open_orders == ()


def test_shares_when_two_strategies_hold_one_symbol_then_each_has_its_own_part() -> None:
    desk = desk_with()
    say(desk, status(active(document("other", "alpha", BTC))))
    sold = assessment(0, intent("b", Side.SELL, 3), strategy_id="other", step_index=1, step_size=2)
    found = told(desk, candle(0), assessment(0, intent("a", qty=5), step_size=2), sold, candle(1))
    state = states(found)[-1]
    assert [(s.strategy_id, s.qty) for s in state.strategy_positions] == [("other", Decimal(-3)), ("trend", Decimal(5))]
    assert [p.qty for p in state.positions] == [2]


def test_flatten_when_it_comes_between_bars_then_placed_at_once() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent(qty=2)), candle(1))
    close = intent("flat", Side.SELL, 2, leg=OrderLeg.FLATTEN)
    assert life(say(desk, assessment(1, close, step_size=0)), "flat") == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]
    assert states(told(desk, assessment(1), candle(2)))[-1].positions == ()


def test_journal_when_orders_changed_then_holds_them_once_for_the_ledger() -> None:
    desk = desk_with()
    found = told(desk, candle(0), assessment(0, intent()), candle(1))
    assert desk.journal() == [event for event in found if isinstance(event, OrderChanged | OrderFilled)]
    assert desk.journal() == []
