"""Stories: protective orders that follow an entry, and one-cancels-the-other groups."""

from __future__ import annotations

from tradewire.trading.exchange import (
    CancelReason,
    ExpireReason,
    FillModel,
    NewOrder,
    OrderActivated,
    OrderCanceled,
    OrderExpired,
    OrderStatus,
    OrderType,
    Side,
)

from .exchange_builders import Desk, e8, fills, names, of_type, order, prices

BUY, SELL = Side.BUY, Side.SELL


def bracket(entry: NewOrder, qty: str | int = 1) -> tuple[NewOrder, NewOrder, NewOrder]:
    """Entry with a stop at 95 and a take-profit at 110."""
    common = {"reduce_only": True, "oco_group": "g", "activate_on": entry.client_order_id}
    return (
        entry,
        order("stop", SELL, qty, stop=95, **common),
        order("take", SELL, qty, stop=110, type=OrderType.TAKE_PROFIT_MARKET, **common),
    )


def test_bracket_when_both_extremes_are_reached_then_the_stop_comes_first() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in")))
    happened = desk.next(100, 112, 94, 111)
    assert prices(happened) == ["100", "95"]
    (canceled,) = of_type(happened, OrderCanceled)
    assert (canceled.client_order_id, canceled.reason) == ("take", CancelReason.OCO_FILLED)


def test_bracket_when_only_the_target_is_reached_then_it_fills_and_the_stop_is_cancelled() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in")))
    assert prices(desk.next(100, 112, 96, 111)) == ["100", "110"]
    assert desk.exchange.account_state().open_orders == ()


def test_bracket_when_entry_rests_then_its_exits_wait_inactive() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in", price=90)))
    assert desk.next(100, 112, 94, 100) == []
    statuses = [item.status for item in desk.exchange.account_state().open_orders]
    assert statuses == [OrderStatus.WORKING, OrderStatus.INACTIVE, OrderStatus.INACTIVE]


def test_bracket_when_limit_entry_fills_on_the_way_down_then_stop_may_act_in_the_same_bar() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in", price=98)))
    assert prices(desk.next(100, 112, 94, 111)) == ["98", "95"]


def test_bracket_when_stop_entry_fills_on_the_way_up_then_the_low_is_still_to_come() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in", stop=102)))
    assert prices(desk.next(100, 105, 94, 104)) == ["102", "95"]


def test_bracket_when_gap_leaves_stop_behind_then_it_triggers_at_once_at_the_open() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in")))
    assert prices(desk.next(93, 112, 92, 111)) == ["93", "93"]


def test_bracket_when_entry_fills_in_parts_then_exits_follow_the_filled_quantity() -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.5")))
    desk.submit(*bracket(order("in", BUY, 4), 4))
    activated = of_type(desk.next(100, 100, 100, 100, 2), OrderActivated)
    assert [event.qty_e8 for event in activated] == [e8(1), e8(1)]
    activated = of_type(desk.next(100, 100, 100, 100, 4), OrderActivated)
    assert [event.qty_e8 for event in activated] == [e8(3), e8(3)]


def test_bracket_when_exit_fills_first_then_the_rest_of_the_entry_is_cancelled() -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.5")))
    desk.submit(*bracket(order("in", BUY, 4, price=98), 4))
    desk.next(100, 100, 98, 99, 2)
    happened = desk.next(100, 111, 99, 110, 10)
    canceled = {event.client_order_id: event.reason for event in of_type(happened, OrderCanceled)}
    assert canceled == {"in": CancelReason.EXIT_FILLED, "stop": CancelReason.OCO_FILLED}
    assert desk.position() == 0
    assert desk.exchange.account_state().open_orders == ()


def test_bracket_when_entry_is_cancelled_unfilled_then_exits_expire() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in", price=90)))
    happened = desk.cancel("in")
    assert names(happened) == ["OrderCanceled", "OrderExpired", "OrderExpired"]
    assert {event.reason for event in of_type(happened, OrderExpired)} == {ExpireReason.PARENT_CLOSED}


def test_bracket_when_entry_is_cancelled_partly_filled_then_exits_keep_the_filled_part() -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.5")))
    desk.submit(*bracket(order("in", BUY, 4), 4))
    desk.next(100, 100, 100, 100, 2)
    desk.cancel("in")
    assert [item.qty_e8 for item in desk.exchange.account_state().open_orders] == [e8(1), e8(1)]


def test_exit_when_submitted_after_its_entry_filled_then_works_at_once() -> None:
    desk = Desk()
    entry, stop, take = bracket(order("in"))
    desk.submit(entry)
    desk.next(100, 100, 100, 100)
    assert names(desk.submit(stop, take)) == ["OrderAccepted", "OrderActivated"] * 2
    assert prices(desk.next(100, 101, 94, 100)) == ["95"]


def test_exit_when_submitted_after_its_entry_ended_unfilled_then_expires() -> None:
    desk = Desk()
    entry, stop, _ = bracket(order("in", price=90))
    desk.submit(entry)
    desk.cancel("in")
    assert names(desk.submit(stop)) == ["OrderAccepted", "OrderExpired"]


def test_scaled_exits_when_entry_fills_then_each_works_for_its_share() -> None:
    desk = Desk()
    desk.submit(
        order("in", BUY, 3),
        order("half", SELL, 1, price=105, reduce_only=True, activate_on="in"),
        order("rest", SELL, 2, price=110, reduce_only=True, activate_on="in"),
    )
    happened = desk.next(100, 111, 99, 111)
    assert [(fill.client_order_id, fill.qty_e8) for fill in fills(happened)][1:] == [
        ("half", e8(1)),
        ("rest", e8(2)),
    ]


def test_close_position_exit_when_entry_fills_then_closes_all_of_it() -> None:
    desk = Desk()
    desk.submit(order("in", BUY, 3), order("s", SELL, 0, stop=95, close_position=True, activate_on="in"))
    happened = desk.next(100, 100, 94, 100)
    assert prices(happened) == ["100", "95"]
    assert desk.position() == 0


def test_trailing_exit_when_entry_fills_then_trails_from_the_fill_price() -> None:
    desk = Desk()
    desk.submit(order("in"), order("t", SELL, callback=5, reduce_only=True, activate_on="in"))
    assert prices(desk.next(103, 104, 98, 99)) == ["103", "98"]


def test_entry_group_when_one_side_fills_then_the_other_is_cancelled() -> None:
    desk = Desk()
    desk.submit(order("up", BUY, stop=105, oco_group="g"), order("down", SELL, stop=95, oco_group="g"))
    happened = desk.next(100, 106, 94, 104)
    assert len(fills(happened)) == 1
    assert names(happened) == ["OrderTriggered", "OrderFilled", "OrderCanceled"]


def test_exit_order_when_it_joins_the_group_of_the_stops_then_filling_it_clears_them() -> None:
    desk = Desk()
    desk.submit(*bracket(order("in")))
    desk.next(100, 101, 99, 100)
    desk.submit(order("out", SELL, reduce_only=True, oco_group="g"))
    desk.next(100, 101, 99, 100)
    assert desk.exchange.account_state().open_orders == ()
