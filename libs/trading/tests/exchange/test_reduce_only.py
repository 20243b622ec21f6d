"""Stories: orders that may only reduce a position, and those that close all of it."""

from __future__ import annotations

from tradewire.trading.exchange import ExpireReason, OrderExpired, OrderReduced, Side

from .exchange_builders import Desk, e8, fills, names, of_type, order

BUY, SELL = Side.BUY, Side.SELL


def test_close_position_when_triggered_then_closes_whatever_is_held() -> None:
    desk = Desk()
    desk.hold(BUY, 3)
    desk.submit(order("s", SELL, 0, stop=95, close_position=True))
    desk.submit(order("more", BUY, 2))
    (entry, fill) = fills(desk.next(100, 101, 94, 100))
    assert (entry.qty_e8, fill.qty_e8, desk.position()) == (e8(2), e8(5), 0)


def test_close_position_when_nothing_is_held_then_expires_at_its_trigger() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("s", SELL, 0, stop=95, close_position=True), order("out", SELL))
    desk.next(100, 100, 100, 100)
    assert names(desk.next(100, 100, 94, 100)) == ["OrderTriggered", "OrderExpired"]


def test_reduce_only_market_when_larger_than_position_then_is_cut_to_it() -> None:
    desk = Desk()
    desk.hold(BUY, 2)
    desk.submit(order("out", SELL, 5, reduce_only=True))
    happened = desk.next(100, 100, 100, 100)
    assert names(happened) == ["OrderReduced", "OrderFilled"]
    assert of_type(happened, OrderReduced)[0].qty_e8 == e8(2)
    assert desk.position() == 0


def test_reduce_only_when_position_is_gone_before_it_acts_then_expires() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("first", SELL), order("second", SELL, reduce_only=True))
    happened = desk.next(100, 100, 100, 100)
    assert names(happened) == ["OrderFilled", "OrderExpired"]
    assert desk.position() == 0


def test_reduce_only_limit_when_position_closes_then_expires_at_once() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("tp", SELL, price=120, reduce_only=True))
    desk.next(100, 100, 100, 100)
    desk.submit(order("out", SELL))
    (expired,) = of_type(desk.next(100, 100, 100, 100), OrderExpired)
    assert (expired.client_order_id, expired.reason) == ("tp", ExpireReason.REDUCE_ONLY_NO_POSITION)
