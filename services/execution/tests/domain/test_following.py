"""The bars that an account needs beyond those that it decides on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import OrderIntent, OrderLeg, OrderStatus, OrderType, Side
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, intent
from tradewire.testkit.execution_desk import desk_with, fills, life, say, states, told
from tradewire.testkit.strategies import active, document, retired, status

STOP: dict[str, Any] = {"leg": OrderLeg.STOP_LOSS, "order_type": OrderType.STOP_MARKET, "reduce_only": True}
GUARD = intent("stop", Side.SELL, 2, **STOP, stop_price=Decimal(90), parent_id="entry")
VERSION = active(document("trend", "alpha", BTC))
ENDED_US = 2 * HOUR_US + 1
"""Retired with the second bar."""


def retired_with(*intents: OrderIntent, gone: Event | None = None) -> ExecutionDesk:
    """A desk whose only strategy was retired with the second bar, having ordered ``intents`` with the first."""
    desk = desk_with()
    told(desk, candle(0), assessment(0, *intents), candle(1), assessment(1))
    say(desk, gone or retired(VERSION, {BTC: ENDED_US}))
    return desk


def restarted(desk: ExecutionDesk, *known: Event) -> ExecutionDesk:
    """Another that takes the account over from what was saved."""
    again = desk_with()
    told(again, *known)
    (account,) = desk.changed()
    saved = account.saved()
    again.restore(account.account_id, saved)
    return again


def closing(desk: ExecutionDesk) -> object:
    """Symbols that account alpha is said to close."""
    return desk.status()["accounts"]["alpha"]["closing"]  # type: ignore[index]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    "gone", [retired(VERSION, {BTC: ENDED_US}), status(strategy_id="trend")], ids=["from a bar on", "at once"]
)
def test_stop_when_its_strategy_is_retired_then_works_until_it_fires_and_the_account_is_done(
    gone: Event, restart: bool
) -> None:
    desk = retired_with(intent("entry", Side.BUY, 2), GUARD, gone=gone)
    if restart:
        desk = restarted(desk, gone)
    held = told(desk, candle(2, 100), candle(3, 95))
    assert [(s.event_time_us, s.positions[0].mark_price, s.last_of_stream) for s in states(held)] == [
        (3 * HOUR_US, Decimal(100), False),
        (4 * HOUR_US, Decimal(95), False),
    ]
    assert closing(desk) == [BTC]
    found = told(desk, candle(4, 88, open=Decimal(95), high=Decimal(95)))
    assert [fill.price for fill in fills(found)] == [90]
    assert states(found)[-1].last_of_stream
    assert closing(desk) == []
    assert told(desk, candle(5, 88)) == []


def test_margin_when_strategy_is_retired_then_goes_on_being_watched() -> None:
    desk = retired_with(intent("entry", Side.BUY, 400))
    found = told(desk, candle(2, 60, open=Decimal(100), high=Decimal(100)))
    assert OrderStatus.FILLED not in life(found, "entry")
    assert states(found)[-1].positions == ()
    assert states(found)[-1].last_of_stream


def test_bars_when_retired_flat_then_one_more_tells_that_the_account_is_done() -> None:
    desk = retired_with()
    assert [(s.event_time_us, s.last_of_stream) for s in states(told(desk, candle(2), candle(3)))] == [
        (3 * HOUR_US, True)
    ]


def test_order_when_working_without_a_position_then_its_market_is_followed() -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "price": Decimal(80)}
    desk = retired_with(intent("entry", Side.BUY, 1, **limit))
    told(desk, candle(2))
    assert closing(desk) == [BTC]
    found = told(desk, candle(3, 79, open=Decimal(81), high=Decimal(81)))
    assert [fill.price for fill in fills(found)] == [80]


def test_bars_when_read_long_before_their_turn_then_the_same_happens() -> None:
    """Candles run ahead of assessments: what is needed of them shows later."""
    orders = (intent("entry", Side.BUY, 2), GUARD)
    bars = [candle(number, price) for number, price in enumerate((100, 100, 100, 88, 88, 88))]
    late = desk_with()
    say(late, retired(VERSION, {BTC: ENDED_US}))
    told(late, *bars)
    ahead = told(late, assessment(0, *orders), assessment(1))
    slow = desk_with()
    say(slow, retired(VERSION, {BTC: ENDED_US}))
    told(slow, bars[0], assessment(0, *orders), bars[1], assessment(1))
    assert states(told(slow, *bars[2:])) == states(ahead)[1:]
    assert states(ahead)[-1].event_time_us == 4 * HOUR_US


def test_bars_when_another_market_is_traded_then_joined_with_what_is_closing() -> None:
    desk = desk_with(BTC)
    say(desk, status(active(document("other", "alpha", ETH))))
    first = {"step_size": 2}
    told(desk, candle(0), candle(0, symbol=ETH))
    told(desk, assessment(0, intent("entry", Side.BUY, 2), GUARD, **first), assessment(0, step_index=1, **first))
    say(desk, retired(VERSION, {BTC: HOUR_US + 1}))
    assert states(told(desk, candle(1, symbol=ETH))) == []
    assert [s.event_time_us for s in states(say(desk, candle(1, 99)))] == [2 * HOUR_US]
    assert states(told(desk, assessment(1, symbol=ETH, strategy_id="other"), candle(2, 80))) == []
    (state,) = states(say(desk, candle(2, symbol=ETH)))
    assert (state.positions, state.last_of_stream) == ((), False)
    assert [
        s.event_time_us
        for s in states(told(desk, assessment(2, symbol=ETH, strategy_id="other"), candle(3, symbol=ETH)))
    ] == [4 * HOUR_US]


def test_step_when_its_strategy_was_retired_before_it_decided_then_the_next_bar_does_not_wait() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, intent("entry", Side.BUY, 2), GUARD), candle(1))
    found = told(desk, retired(VERSION, {BTC: HOUR_US + 1}), candle(2, 85))
    assert [s.event_time_us for s in states(found)] == [3 * HOUR_US]
    assert len(fills(found)) == 1


def test_longer_bar_when_the_shorter_are_missing_then_its_close_alone_is_new() -> None:
    desk = desk_with()
    say(desk, status(active(document("slow", "alpha", BTC, interval="4h"))))
    told(desk, candle(0, 100, last_of_stream=True), assessment(0, intent("entry", Side.BUY, 1)))
    longer = candle(0, 97, interval="4h", open=Decimal(50), high=Decimal(200), low=Decimal(40))
    found = say(desk, longer)
    assert [(fill.price, fill.event_time_us) for fill in fills(found)] == [(Decimal(97), 4 * HOUR_US - 1)]
    whole = candle(1, 95, interval="4h", open=Decimal(98), high=Decimal(98))
    (state,) = states(told(desk, assessment(3), whole))
    assert (state.event_time_us, state.positions[0].mark_price) == (8 * HOUR_US, Decimal(95))


def test_funding_when_a_longer_bar_follows_shorter_ones_then_paid_once() -> None:
    desk = desk_with()
    say(desk, status(active(document("slow", "alpha", BTC, interval="4h"))))
    rate = Decimal("0.01")
    told(desk, candle(0), assessment(0, intent("entry", Side.BUY, 1)))
    held = told(desk, candle(1, funding_rate=rate, last_of_stream=True), assessment(1))
    found = told(desk, candle(0, interval="4h", funding_rate=rate))
    paid = [state.funding_paid for state in states([*held, *found])][-2:]
    assert paid == [1, 1]


@pytest.mark.parametrize("late", [False, True], ids=["in order", "the market that was left comes last"])
def test_bar_when_a_strategy_has_left_its_market_then_that_market_s_last_bar_happens_first(late: bool) -> None:
    """In any order of arrival: the first step of an account has nothing behind it that says what it follows."""
    desk = desk_with(ETH)
    say(desk, retired(active(document("left", "alpha", BTC)), {BTC: HOUR_US + 1}))
    left, kept = [candle(0), candle(1)], candle(1, symbol=ETH)
    bars = [kept, *left] if late else [*left, kept]
    happened = [state.event_time_us for state in states(told(desk, *bars, assessment(0, strategy_id="left")))]
    assert happened == [HOUR_US, 2 * HOUR_US]


def test_bar_when_a_strategy_has_just_begun_then_no_bar_from_before_is_waited_for() -> None:
    desk = desk_with(ETH)
    say(desk, status(active(document("slow", "alpha", BTC, interval="4h"), 1, 5 * HOUR_US + 1)))
    assert [state.event_time_us for state in states(told(desk, candle(5, symbol=ETH)))] == [6 * HOUR_US]


def test_state_when_a_bar_that_is_decided_on_was_due_and_did_not_come_then_names_it() -> None:
    desk = desk_with(BTC, ETH)
    told(desk, candle(0), candle(0, symbol=ETH))
    found = told(desk, assessment(0), candle(1), candle(2, symbol=ETH), candle(2))
    assert [(s.event_time_us, [(bar.symbol, bar.interval) for bar in s.absent]) for s in states(found)] == [
        (2 * HOUR_US, [(ETH, "1h")])
    ]
