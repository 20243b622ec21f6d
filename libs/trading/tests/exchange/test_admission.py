"""Stories: what the venue refuses, each with its reason, and that a refusal changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewire.trading.exchange import (
    ExpireReason,
    NewOrder,
    OrderExpired,
    OrderRejected,
    OrderType,
    RejectReason,
    Side,
    SimulatedExchange,
    TimeInForce,
    brackets,
    from_e8,
    to_e8,
)

from .exchange_builders import BTC, Desk, e8, names, order, spec

BUY, SELL = Side.BUY, Side.SELL
STRICT = spec(price_collar_e8=e8("0.05"), max_open_orders=3)


def reason(desk: Desk, request: NewOrder) -> RejectReason:
    before = desk.exchange.to_state()
    (event,) = desk.submit(request)
    assert isinstance(event, OrderRejected)
    assert event.detail
    assert desk.exchange.to_state() == before
    return event.reason


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (order("a", symbol="XUSDT"), RejectReason.UNKNOWN_SYMBOL),
        (order("a", activate_on="nobody"), RejectReason.UNKNOWN_PARENT),
        (order(""), RejectReason.BAD_PARAMETERS),
        (order("a", BUY, -1), RejectReason.BAD_PARAMETERS),
        (order("a", price=1, type=OrderType.MARKET), RejectReason.BAD_PARAMETERS),
        (order("a", type=OrderType.LIMIT), RejectReason.BAD_PARAMETERS),
        (order("a", type=OrderType.STOP_MARKET), RejectReason.BAD_PARAMETERS),
        (order("a", stop=90, type=OrderType.MARKET), RejectReason.BAD_PARAMETERS),
        (order("a", type=OrderType.TRAILING_STOP_MARKET), RejectReason.BAD_PARAMETERS),
        (order("a", callback=1, callback_rate_e8=5), RejectReason.BAD_PARAMETERS),
        (order("a", callback_rate_e8=e8(1)), RejectReason.BAD_PARAMETERS),
        (order("a", close_position=True), RejectReason.BAD_PARAMETERS),
        (order("a", SELL, 1, stop=90, close_position=True), RejectReason.BAD_PARAMETERS),
        (order("a", time_in_force=TimeInForce.IOC), RejectReason.BAD_PARAMETERS),
        (order("a", BUY, "1.0001"), RejectReason.QUANTITY_NOT_ON_STEP),
        (order("a", BUY, 0), RejectReason.QUANTITY_BELOW_MIN),
        (order("a", BUY, 1001), RejectReason.QUANTITY_ABOVE_MAX),
        (order("a", BUY, "0.049"), RejectReason.NOTIONAL_BELOW_MIN),
        (order("a", price="99.001"), RejectReason.PRICE_NOT_ON_TICK),
        (order("a", stop="109.001"), RejectReason.PRICE_NOT_ON_TICK),
        (order("a", callback="1.001"), RejectReason.PRICE_NOT_ON_TICK),
        (order("a", BUY, price="105.01"), RejectReason.PRICE_OUTSIDE_COLLAR),
        (order("a", SELL, price="94.99"), RejectReason.PRICE_OUTSIDE_COLLAR),
        (order("a", BUY, price=100, time_in_force=TimeInForce.GTX), RejectReason.POST_ONLY_WOULD_CROSS),
        (order("a", SELL, price=100, time_in_force=TimeInForce.GTX), RejectReason.POST_ONLY_WOULD_CROSS),
        (order("a", BUY, stop=100), RejectReason.WOULD_TRIGGER_IMMEDIATELY),
        (order("a", SELL, stop=100), RejectReason.WOULD_TRIGGER_IMMEDIATELY),
        (order("a", BUY, stop=100, type=OrderType.TAKE_PROFIT_MARKET), RejectReason.WOULD_TRIGGER_IMMEDIATELY),
        (order("a", SELL, reduce_only=True), RejectReason.REDUCE_ONLY_NO_POSITION),
        (order("a", SELL, 0, stop=90, close_position=True), RejectReason.REDUCE_ONLY_NO_POSITION),
        (order("a", BUY, 1000), RejectReason.INSUFFICIENT_MARGIN),
    ],
)
def test_submit_when_it_breaks_a_rule_then_rejected_with_its_reason(request_: NewOrder, expected: RejectReason) -> None:
    assert reason(Desk(99_999, STRICT), request_) is expected


@pytest.mark.parametrize(
    "request_",
    [
        order("a", BUY, "0.05"),
        order("a", BUY, price=105),
        order("a", SELL, price=95),
        order("a", BUY, 999),
        order("a", BUY, price="99.99", time_in_force=TimeInForce.GTX),
        order("a", SELL, stop="99.99"),
        order("a", BUY, stop="100.01"),
        order("a", SELL, stop="100.01", type=OrderType.TAKE_PROFIT_MARKET),
    ],
)
def test_submit_when_just_within_the_rules_then_accepted(request_: NewOrder) -> None:
    assert names(Desk(99_999, STRICT).submit(request_)) == ["OrderAccepted"]


def test_submit_when_nothing_traded_yet_then_no_market_price() -> None:
    exchange = SimulatedExchange("acc", e8(100), [spec()])
    (event,) = exchange.submit(order("a"), 1)
    assert isinstance(event, OrderRejected)
    assert event.reason is RejectReason.NO_MARKET_PRICE


def test_submit_when_too_many_are_open_then_rejected() -> None:
    desk = Desk(99_999, STRICT)
    desk.submit(*(order(str(number), price=96) for number in range(3)))
    assert reason(desk, order("a", price=96)) is RejectReason.TOO_MANY_OPEN_ORDERS


@pytest.mark.parametrize("filled", [False, True])
def test_submit_when_client_order_id_was_used_then_duplicate_and_nothing_changes(filled: bool) -> None:
    desk = Desk()
    desk.submit(order("a", price=99))
    if filled:
        desk.next(100, 100, 98, 100)
    assert reason(desk, order("a")) is RejectReason.DUPLICATE_CLIENT_ORDER_ID


def test_submit_when_reduce_only_is_on_the_position_side_then_rejected() -> None:
    desk = Desk()
    desk.hold(BUY)
    assert reason(desk, order("a", BUY, reduce_only=True)) is RejectReason.REDUCE_ONLY_NO_POSITION


def test_submit_when_reduce_only_then_needs_no_minimum_notional() -> None:
    desk = Desk()
    desk.hold(BUY)
    assert names(desk.submit(order("a", SELL, "0.001", reduce_only=True))) == ["OrderAccepted"]


def test_margin_when_open_orders_reserve_it_then_the_next_order_is_refused() -> None:
    desk = Desk(1000, leverages={BTC: 2})
    assert names(desk.submit(order("a", BUY, 10, price=99))) == ["OrderAccepted"]
    assert reason(desk, order("b", BUY, 11, price=99)) is RejectReason.INSUFFICIENT_MARGIN
    assert names(desk.submit(order("c", SELL, 10, price=101))) == ["OrderAccepted"]  # the larger side counts
    assert reason(desk, order("b2", BUY, 11, price=99)) is RejectReason.INSUFFICIENT_MARGIN  # no netting
    desk.cancel("a")
    assert names(desk.submit(order("d", BUY, 20, price=99))) == ["OrderAccepted"]


def test_margin_when_an_order_only_reduces_then_it_needs_none() -> None:
    desk = Desk(100)
    desk.hold(BUY, 1)
    assert names(desk.submit(order("a", SELL, 2))) == ["OrderAccepted"]
    assert reason(desk, order("b", SELL, "0.5")) is RejectReason.INSUFFICIENT_MARGIN


def test_margin_when_the_open_gaps_away_then_market_order_expires() -> None:
    desk = Desk(100)
    desk.submit(order("a", BUY, 1))
    assert names(desk.next(101, 101, 101, 101)) == ["OrderExpired"]
    assert desk.position() == 0


def test_leverage_when_notional_bracket_allows_less_then_refused() -> None:
    tiers = brackets([(0, e8(1000), e8("0.01"), 20), (e8(1000), e8(5000), e8("0.02"), 10)])
    desk = Desk(100_000, spec(brackets=tiers), leverages={BTC: 20})
    assert reason(desk, order("a", BUY, "10.1")) is RejectReason.NOTIONAL_ABOVE_LEVERAGE_BRACKET
    assert names(desk.submit(order("b", BUY, "9.9"))) == ["OrderAccepted"]


def test_cancel_when_no_such_order_then_cancel_rejected() -> None:
    assert names(Desk().cancel("nobody")) == ["CancelRejected"]


def test_replace_instrument_when_filters_change_then_the_new_ones_hold() -> None:
    desk = Desk()
    desk.exchange.replace_instrument(spec(step_e8=e8("0.01")))
    assert reason(desk, order("a", BUY, "0.055")) is RejectReason.QUANTITY_NOT_ON_STEP


@pytest.mark.parametrize(
    "changes",
    [
        {"tick_e8": 0},
        {"max_qty_e8": 1},
        {"taker_fee_e8": -1},
        {"brackets": ()},
        {"brackets": brackets([(0, e8(10), e8("0.02"), 5), (e8(11), e8(20), e8("0.03"), 5)])},
        {"brackets": brackets([(0, e8(10), e8("0.02"), 5), (e8(10), e8(20), e8("0.01"), 5)])},
    ],
)
def test_instrument_when_not_sound_then_value_error(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=BTC):
        spec(**changes)


def test_leverage_when_a_triggered_order_would_leave_its_bracket_then_it_expires() -> None:
    tiers = brackets([(0, e8(1000), e8("0.01"), 20), (e8(1000), e8(5000), e8("0.02"), 10)])
    desk = Desk(100_000, spec(brackets=tiers), leverages={BTC: 20})
    desk.submit(order("a", BUY, 11, stop=101))
    (_, expired) = desk.next(100, 102, 99, 100)
    assert isinstance(expired, OrderExpired)
    assert expired.reason is ExpireReason.NOTIONAL_ABOVE_LEVERAGE_BRACKET


def test_quantity_when_market_orders_have_their_own_maximum_then_limits_may_exceed_it() -> None:
    desk = Desk(100_000, spec(max_market_qty_e8=e8(2)))
    assert reason(desk, order("a", BUY, "2.001")) is RejectReason.QUANTITY_ABOVE_MAX
    assert reason(desk, order("a", BUY, "2.001", stop=105)) is RejectReason.QUANTITY_ABOVE_MAX
    assert names(desk.submit(order("a", BUY, "2.001", price=99))) == ["OrderAccepted"]


def test_memory_when_more_orders_closed_than_it_holds_then_the_oldest_id_is_free_again() -> None:
    desk = Desk(order_memory=2)
    for client_order_id in ("a", "b", "c"):
        desk.submit(order(client_order_id, price=99))
        desk.cancel(client_order_id)
    assert [desk.exchange.knows(client_order_id) for client_order_id in "abc"] == [False, True, True]
    assert names(desk.submit(order("a"))) == ["OrderAccepted"]


def test_list_instrument_when_new_then_traded_in_canonical_order() -> None:
    exchange = SimulatedExchange("acc", e8(1000), [spec("MUSDT")])
    for symbol in ("ZUSDT", BTC):
        exchange.list_instrument(spec(symbol), leverage=5)
    exchange.list_instrument(spec("MUSDT", step_e8=e8(1)), leverage=7)
    positions = exchange.to_state()["account"]["positions"]
    assert [(symbol, item["leverage"]) for symbol, item in positions.items()] == [(BTC, 5), ("MUSDT", 1), ("ZUSDT", 5)]


def test_list_instrument_when_leverage_is_not_allowed_then_value_error() -> None:
    with pytest.raises(ValueError, match=r"leverage 126 is not in 1\.\.125"):
        SimulatedExchange("acc", 0, []).list_instrument(spec(), leverage=126)


def test_from_state_when_instruments_are_others_or_version_is_another_then_value_error() -> None:
    state = Desk().exchange.to_state()
    with pytest.raises(ValueError, match="instruments are"):
        SimulatedExchange.from_state(state, [spec("XUSDT")])
    with pytest.raises(ValueError, match="state version 0"):
        SimulatedExchange.from_state(state | {"version": 0}, [spec()])


@pytest.mark.parametrize("text", ["0", "1", "-1.00000001", "92233720368.54775807", "1E+3"])
def test_decimal_edge_when_exact_then_round_trips(text: str) -> None:
    assert from_e8(to_e8(Decimal(text))) == Decimal(text)


@pytest.mark.parametrize("text", ["0.000000001", "NaN"])
def test_decimal_edge_when_not_exact_then_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"beyond 1e-8|NaN"):
        to_e8(Decimal(text))
