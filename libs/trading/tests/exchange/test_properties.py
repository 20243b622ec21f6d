"""Properties of whole sessions: conservation, restore, determinism, and runs related by a symmetry."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import fields, replace
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.trading.exchange import (
    Bar,
    Event,
    FundingPaid,
    InsuranceCovered,
    NewOrder,
    OrderFilled,
    OrderRejected,
    OrderType,
    SimulatedExchange,
)
from tradewire.trading.exchange.fixed_point import SCALE, mul_div

from .exchange_builders import HOUR_US, e8, fills, of_type
from .exchange_sessions import MIRROR, Hour, Session, map_hours, play, play_hour, sessions

MODEST = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@MODEST
@given(session=sessions())
def test_books_when_rebuilt_from_events_alone_then_equal_to_the_last_unit(session: Session) -> None:
    exchange, events = play(session)
    state = exchange.account_state()
    held: defaultdict[str, int] = defaultdict(int)
    cash = state.initial_balance_e8
    for fill in fills(events):
        assert fill.qty_e8 > 0
        assert fill.price_e8 > 0
        assert fill.notional_e8 == mul_div(fill.qty_e8, fill.price_e8, SCALE)
        held[fill.symbol] += fill.side.sign * fill.qty_e8
        assert held[fill.symbol] == fill.position_after_e8
        cash -= fill.side.sign * fill.notional_e8 + fill.fee_e8
    cash += sum(event.amount_e8 for event in of_type(events, FundingPaid))
    cash += sum(event.amount_e8 for event in of_type(events, InsuranceCovered))
    positions = {position.symbol: position for position in state.positions}
    assert {symbol: size for symbol, size in held.items() if size} == {
        symbol: position.qty_e8 for symbol, position in positions.items()
    }
    value = sum(mul_div(item.qty_e8, item.mark_e8, SCALE) for item in positions.values())
    assert cash + value == state.equity_e8
    assert state.equity_e8 >= 0
    assert state.realized_pnl_e8 == sum(fill.realized_pnl_e8 for fill in fills(events))
    assert state.fees_e8 == sum(fill.fee_e8 for fill in fills(events))


@MODEST
@given(session=sessions())
def test_orders_when_a_session_ends_then_each_ended_once_or_is_open(session: Session) -> None:
    exchange, events = play(session)
    ended: defaultdict[str, int] = defaultdict(int)
    filled: defaultdict[str, int] = defaultdict(int)
    for event in events:
        if type(event).__name__ in ("OrderRejected", "OrderCanceled", "OrderExpired"):
            ended[event.client_order_id] += 1  # type: ignore[union-attr]
        if isinstance(event, OrderFilled):
            ended[event.fill.client_order_id] += 1
    for fill in fills(events):
        filled[fill.client_order_id] += fill.qty_e8
    still_open = {item.request.client_order_id for item in exchange.account_state().open_orders}
    for request in (request for hour in session.hours for request in hour.orders):
        order_id = request.client_order_id
        assert ended[order_id] == (0 if order_id in still_open else 1)
        assert request.close_position or filled[order_id] <= request.qty_e8
    trade_ids = [fill.trade_id for fill in fills(events)]
    assert len(set(trade_ids)) == len(trade_ids)


@MODEST
@given(session=sessions())
def test_reduce_only_when_it_fills_then_the_position_never_grows_or_flips(session: Session) -> None:
    _, events = play(session)
    reducing = {o.client_order_id for hour in session.hours for o in hour.orders if o.only_reduces}
    for fill in fills(events):
        if fill.client_order_id in reducing:
            before = fill.position_after_e8 - fill.side.sign * fill.qty_e8
            assert before * fill.position_after_e8 >= 0
            assert abs(fill.position_after_e8) < abs(before)


@MODEST
@given(session=sessions(), data=st.data())
def test_restore_when_done_anywhere_then_same_events_and_state(session: Session, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(session.hours)))
    original = session.open()
    for hour in session.hours[:cut]:
        play_hour(original, hour)
    text = json.dumps(original.to_state())
    restored = SimulatedExchange.from_state(json.loads(text), session.specs)
    assert json.dumps(restored.to_state()) == text
    for hour in session.hours[cut:]:
        assert play_hour(restored, hour) == play_hour(original, hour)
    assert restored.to_state() == original.to_state()
    assert restored.account_state() == original.account_state()


@MODEST
@given(session=sessions())
def test_run_when_repeated_with_mappings_reversed_then_identical(session: Session) -> None:
    def reverse(hour: Hour) -> Hour:
        return replace(
            hour,
            bars=dict(list(hour.bars.items())[::-1]),
            marks=dict(list(hour.marks.items())[::-1]),
            funding=dict(list(hour.funding.items())[::-1]),
        )

    one, events = play(session)
    other, same_events = play(map_hours(session, reverse, specs=session.specs[::-1]))
    assert events == same_events
    assert one.to_state() == other.to_state()


@MODEST
@given(session=sessions())
def test_step_when_the_shortcut_for_quiet_bars_is_off_then_same_events_and_state(session: Session) -> None:
    one, events = play(session)
    with patch("tradewire.trading.exchange.simulated_exchange.nothing_can_happen", return_value=False):
        other, same_events = play(session)
    assert events == same_events
    assert one.to_state() == other.to_state()


@MODEST
@given(session=sessions())
def test_submit_when_every_order_is_sent_twice_then_the_second_is_refused_and_changes_nothing(
    session: Session,
) -> None:
    exchange = session.open()
    for hour in session.hours:
        time_us = next(iter(hour.bars.values())).open_time_us
        for request in hour.orders:
            first = exchange.submit(request, time_us)
            before = exchange.to_state()
            (again,) = exchange.submit(request, time_us)
            assert isinstance(again, OrderRejected)
            accepted = not isinstance(first[0], OrderRejected)
            assert (again.reason == "DUPLICATE_CLIENT_ORDER_ID") is accepted
            assert exchange.to_state() == before
        play_hour(exchange, replace(hour, orders=()))


@MODEST
@given(session=sessions(), hours=st.integers(1, 10_000))
def test_run_when_shifted_in_time_then_only_times_change(session: Session, hours: int) -> None:
    shift = hours * HOUR_US

    def later(hour: Hour) -> Hour:
        bars = {
            symbol: replace(one, open_time_us=one.open_time_us + shift, close_time_us=one.close_time_us + shift)
            for symbol, one in hour.bars.items()
        }
        return replace(hour, bars=bars)

    _, events = play(session)
    _, shifted = play(map_hours(session, later))
    assert [_shift_time(event, shift) for event in events] == shifted


def _shift_time(event: Event, shift: int) -> Any:
    changes: dict[str, Any] = {}
    for item in fields(event):
        if item.name in ("time_us", "effective_us"):
            changes[item.name] = getattr(event, item.name) + shift
        if item.name == "fill":
            changes["fill"] = _shift_time(getattr(event, "fill"), shift)  # noqa: B009
    return replace(event, **changes)


@MODEST
@given(session=sessions(plain=True), factor=st.integers(2, 50))
def test_run_when_prices_and_balance_are_scaled_then_fills_and_equity_scale(session: Session, factor: int) -> None:
    def scale_order(request: NewOrder) -> NewOrder:
        return replace(
            request,
            price_e8=request.price_e8 * factor,
            stop_price_e8=request.stop_price_e8 * factor,
            callback_distance_e8=request.callback_distance_e8 * factor,
        )

    def scale(hour: Hour) -> Hour:
        bars = {symbol: _map_prices(one, factor, 0) for symbol, one in hour.bars.items()}
        return replace(hour, bars=bars, orders=tuple(map(scale_order, hour.orders)))

    specs = tuple(replace(one, tick_e8=one.tick_e8 * factor) for one in session.specs)
    exchange, events = play(session)
    scaled, scaled_events = play(map_hours(session, scale, specs=specs, balance_e8=session.balance_e8 * factor))
    assert [(fill.client_order_id, fill.qty_e8, fill.price_e8 * factor) for fill in fills(events)] == [
        (fill.client_order_id, fill.qty_e8, fill.price_e8) for fill in fills(scaled_events)
    ]
    assert exchange.account_state().equity_e8 * factor == scaled.account_state().equity_e8


@MODEST
@given(session=sessions(plain=True))
def test_run_when_long_and_short_are_mirrored_then_same_equity(session: Session) -> None:
    def mirror_order(request: NewOrder) -> NewOrder:
        return replace(
            request,
            side=request.side.opposite,
            price_e8=MIRROR - request.price_e8 if request.price_e8 else 0,
            stop_price_e8=MIRROR - request.stop_price_e8 if request.stop_price_e8 else 0,
        )

    def mirror(hour: Hour) -> Hour:
        bars = {symbol: _map_prices(one, -1, MIRROR) for symbol, one in hour.bars.items()}
        return replace(hour, bars=bars, orders=tuple(map(mirror_order, hour.orders)))

    def by_distance(hour: Hour) -> Hour:  # a callback rate is of the price, which the mirror does not keep
        orders = (
            replace(o, callback_rate_e8=0, callback_distance_e8=o.callback_distance_e8 or e8(1)) for o in hour.orders
        )
        kept = (o if o.type is OrderType.TRAILING_STOP_MARKET else replace(o, callback_distance_e8=0) for o in orders)
        return replace(hour, orders=tuple(kept))

    session = map_hours(session, by_distance)
    exchange, events = play(session)
    mirrored, mirrored_events = play(map_hours(session, mirror))
    assert [(fill.client_order_id, fill.side, fill.price_e8) for fill in fills(events)] == [
        (fill.client_order_id, fill.side.opposite, MIRROR - fill.price_e8) for fill in fills(mirrored_events)
    ]
    assert exchange.account_state().equity_e8 == mirrored.account_state().equity_e8


def _map_prices(one: Bar, factor: int, offset: int) -> Bar:
    """Bar with every price p as factor * p + offset."""
    open_, close, high, low = (
        factor * price + offset for price in (one.open_e8, one.close_e8, one.high_e8, one.low_e8)
    )
    return replace(one, open_e8=open_, close_e8=close, high_e8=max(high, low), low_e8=min(high, low))


@MODEST
@given(session=sessions(plain=True))
def test_run_when_each_market_order_is_split_in_two_then_same_position_and_equity(session: Session) -> None:
    def only_market(hour: Hour) -> Hour:
        orders = (o for o in hour.orders if o.type is OrderType.MARKET)
        return replace(hour, cancels=(), orders=tuple(replace(o, oco_group="", activate_on="") for o in orders))

    def split(hour: Hour) -> Hour:
        halves = []
        for request in hour.orders:
            half = request.qty_e8 // 2
            halves.append(replace(request, client_order_id=request.client_order_id + "a", qty_e8=half))
            halves.append(replace(request, client_order_id=request.client_order_id + "b", qty_e8=request.qty_e8 - half))
        return replace(hour, orders=tuple(halves))

    session = map_hours(session, only_market)
    whole, _ = play(session)
    halved, _ = play(map_hours(session, split))
    assert _held(whole) == _held(halved)
    assert whole.account_state().equity_e8 == halved.account_state().equity_e8


def _held(exchange: SimulatedExchange) -> list[tuple[str, int]]:
    return [(item.symbol, item.qty_e8) for item in exchange.account_state().positions]


@MODEST
@given(session=sessions(plain=True))
def test_run_when_fees_are_on_then_equity_differs_by_exactly_the_fees(session: Session) -> None:
    free, _ = play(session)
    costly, events = play(
        replace(session, specs=tuple(replace(s, taker_fee_e8=40_000, maker_fee_e8=20_000) for s in session.specs))
    )
    fees = sum(fill.fee_e8 for fill in fills(events))
    assert free.account_state().equity_e8 - fees == costly.account_state().equity_e8


@given(left=st.integers(-(10**20), 10**20), right=st.integers(-(10**20), 10**20), divisor=st.integers(1, 10**18))
def test_mul_div_when_negated_then_symmetric_and_within_half(left: int, right: int, divisor: int) -> None:
    result = mul_div(left, right, divisor)
    assert result == -mul_div(-left, right, divisor)
    assert abs(2 * (result * divisor - left * right)) <= divisor


def test_mul_div_when_halfway_then_even() -> None:
    assert [mul_div(value, 1, 2) for value in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]
