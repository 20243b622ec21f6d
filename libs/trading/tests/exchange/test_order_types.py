"""Stories: each order type and time in force on a path that one can check by eye. The last price before is 100."""

from __future__ import annotations

import pytest

from tradewire.trading.exchange import (
    ExpireReason,
    FillModel,
    Liquidity,
    NewOrder,
    OrderExpired,
    OrderTriggered,
    OrderType,
    Side,
    TimeInForce,
    WorkingType,
)

from .exchange_builders import Desk, e8, fills, mark_bar, names, of_type, order, prices

BUY, SELL = Side.BUY, Side.SELL


def test_market_order_when_submitted_at_close_then_fills_at_next_open_as_taker() -> None:
    desk = Desk()
    assert names(desk.submit(order("a"))) == ["OrderAccepted"]
    (fill,) = fills(desk.next(103, 110, 90, 95))
    assert (fill.price_e8, fill.liquidity, fill.time_us) == (e8(103), Liquidity.TAKER, desk.now_us - 3_600_000_000)
    assert fill.position_after_e8 == e8(1)


@pytest.mark.parametrize(("side", "price"), [(BUY, "100.21"), (SELL, "99.79")])
def test_market_order_when_slippage_then_price_is_worse_and_on_tick(side: Side, price: str) -> None:
    desk = Desk(fill_model=FillModel(slippage_rate_e8=1_234_567 // 10, slippage_ticks=8))
    desk.submit(order("a", side))
    assert prices(desk.next(100, 100, 100, 100)) == [price]


def test_limit_when_touched_then_fills_at_its_price_as_maker() -> None:
    desk = Desk()
    desk.submit(order("a", price=98))
    (fill,) = fills(desk.next(100, 101, 98, 99))
    assert (fill.price_e8, fill.liquidity) == (e8(98), Liquidity.MAKER)


def test_limit_when_not_reached_then_rests_for_later_bars() -> None:
    desk = Desk()
    desk.submit(order("a", price=98))
    assert desk.next(100, 101, "98.01", 99) == []
    assert prices(desk.next(99, 99, 97, 97)) == ["98"]


def test_limit_when_trade_through_is_asked_then_touch_is_not_enough() -> None:
    desk = Desk(fill_model=FillModel(through_ticks=1))
    desk.submit(order("a", price=98))
    assert desk.next(100, 101, 98, 99) == []
    assert prices(desk.next(99, 99, "97.99", 99)) == ["98"]


@pytest.mark.parametrize(("side", "limit", "open_", "paid"), [(BUY, 98, 95, "95"), (SELL, 102, 105, "105")])
def test_limit_when_rested_and_market_gaps_over_it_then_fills_at_the_better_open(
    side: Side, limit: int, open_: int, paid: str
) -> None:
    desk = Desk()
    desk.submit(order("a", side, price=limit))
    desk.next(100, 101, 99, 100)
    (fill,) = fills(desk.next(open_, 105, 95, 100))
    assert (prices(desk.events), fill.liquidity) == ([paid], Liquidity.MAKER)


def test_limit_when_marketable_on_arrival_then_takes_at_open_never_beyond_its_price() -> None:
    desk = Desk(fill_model=FillModel(slippage_ticks=200))
    desk.submit(order("a", price=101), order("b", price=105))
    filled = fills(desk.next(100, 100, 100, 100))
    assert [(fill.price_e8, fill.liquidity) for fill in filled] == [
        (e8(101), Liquidity.TAKER),
        (e8(102), Liquidity.TAKER),
    ]


@pytest.mark.parametrize(
    ("tif", "volume", "events", "reason"),
    [
        (TimeInForce.GTC, 10, ["OrderFilled"], None),
        (TimeInForce.IOC, 10, ["OrderFilled"], None),
        (TimeInForce.FOK, 10, ["OrderFilled"], None),
        (TimeInForce.GTC, 5, ["OrderPartiallyFilled"], None),
        (TimeInForce.IOC, 5, ["OrderPartiallyFilled", "OrderExpired"], ExpireReason.IMMEDIATE_OR_CANCEL),
        (TimeInForce.FOK, 5, ["OrderExpired"], ExpireReason.FILL_OR_KILL),
        (TimeInForce.IOC, 0, ["OrderExpired"], ExpireReason.IMMEDIATE_OR_CANCEL),
    ],
)
def test_marketable_limit_when_volume_is_bounded_then_acts_as_its_time_in_force(
    tif: TimeInForce, volume: int, events: list[str], reason: ExpireReason | None
) -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.1")))
    desk.submit(order("a", price=101, time_in_force=tif))
    happened = desk.next(100, 100, 100, 100, volume)
    assert names(happened) == events
    assert [event.reason for event in of_type(happened, OrderExpired)] == ([reason] if reason else [])


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_immediate_limit_when_not_marketable_at_open_then_expires_though_touched_later(tif: TimeInForce) -> None:
    desk = Desk()
    desk.submit(order("a", price=99, time_in_force=tif))
    assert names(desk.next(100, 101, 98, 100)) == ["OrderExpired"]


def test_post_only_when_market_gapped_into_it_then_expires_instead_of_taking() -> None:
    desk = Desk()
    desk.submit(order("a", price=99, time_in_force=TimeInForce.GTX))
    (expired,) = of_type(desk.next(98, 99, 97, 98), OrderExpired)
    assert expired.reason is ExpireReason.POST_ONLY_WOULD_CROSS


def test_post_only_when_it_rests_then_fills_as_maker() -> None:
    desk = Desk()
    desk.submit(order("a", price=99, time_in_force=TimeInForce.GTX))
    (fill,) = fills(desk.next(100, 100, 98, 100))
    assert fill.liquidity is Liquidity.MAKER


@pytest.mark.parametrize(
    ("side", "stop", "path", "price"),
    [
        (SELL, 95, (100, 101, 94, 100), "95"),
        (SELL, 95, (93, 101, 90, 100), "93"),
        (BUY, 105, (100, 106, 99, 100), "105"),
        (BUY, 105, (107, 108, 99, 100), "107"),
    ],
    ids=["sell-on-path", "sell-gap", "buy-on-path", "buy-gap"],
)
def test_stop_when_reached_then_fills_there_and_when_gapped_at_the_open(
    side: Side, stop: int, path: tuple[int, int, int, int], price: str
) -> None:
    desk = Desk()
    desk.submit(order("a", side, stop=stop))
    happened = desk.next(*path)
    assert names(happened) == ["OrderTriggered", "OrderFilled"]
    assert prices(happened) == [price]


def test_stop_when_slippage_then_fill_is_worse_than_trigger() -> None:
    desk = Desk(fill_model=FillModel(slippage_ticks=3))
    desk.submit(order("a", SELL, stop=95))
    assert prices(desk.next(100, 100, 90, 100)) == ["94.97"]


@pytest.mark.parametrize(
    ("side", "stop", "path", "price"),
    [
        (SELL, 105, (100, 106, 99, 100), "105"),
        (BUY, 95, (100, 101, 94, 100), "95"),
        (SELL, 105, (108, 109, 99, 100), "108"),
    ],
)
def test_take_profit_when_reached_then_fills_there_and_when_gapped_at_the_open(
    side: Side, stop: int, path: tuple[int, int, int, int], price: str
) -> None:
    desk = Desk()
    desk.submit(order("a", side, stop=stop, type=OrderType.TAKE_PROFIT_MARKET))
    assert prices(desk.next(*path)) == [price]


def test_trailing_stop_when_price_rises_then_follows_and_triggers_on_the_way_down() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("t", SELL, callback=5, reduce_only=True))
    assert desk.next(100, 110, 99, 108) == []
    assert desk.exchange.account_state().open_orders[0].extreme_e8 == e8(110)
    assert prices(desk.next(108, 109, 104, 106)) == ["105"]


def test_trailing_stop_when_short_and_rate_then_mirrored() -> None:
    desk = Desk()
    desk.hold(SELL)
    desk.submit(order("t", BUY, callback_rate_e8=e8("0.05"), reduce_only=True))
    assert desk.next(100, 101, 80, 82) == []
    assert prices(desk.next(82, 85, 82, 84)) == ["84"]


def test_trailing_stop_when_market_gaps_beyond_it_then_fills_at_open() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("t", SELL, callback=5, reduce_only=True))
    desk.next(100, 110, 99, 108)
    assert prices(desk.next(90, 120, 90, 100)) == ["90"]


def test_trailing_stop_when_high_comes_after_the_low_then_that_bar_does_not_trigger_it_at_the_low() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("t", SELL, callback=5, reduce_only=True))
    happened = desk.next(100, 110, 96, 104)  # O-L-H-C: 96 is above 100 - 5; then 110 - 5 on the way to 104
    assert prices(happened) == ["105"]


def test_stop_when_working_on_mark_then_last_price_alone_does_not_trigger_it() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("s", SELL, stop=95, working_type=WorkingType.MARK, reduce_only=True))
    assert desk.next(100, 101, 90, 100, mark=mark_bar(100, 101, 96, 100)) == []
    happened = desk.next(100, 101, 90, 100, mark=mark_bar(100, 101, 95, 100))
    assert of_type(happened, OrderTriggered)[0].trigger_price_e8 == e8(95)
    assert prices(happened) == ["90"]


def test_stop_when_mark_reaches_it_halfway_then_fills_at_the_last_price_of_that_moment() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.submit(order("s", SELL, stop=95, working_type=WorkingType.MARK, reduce_only=True))
    assert prices(desk.next(100, 101, 92, 100, mark=mark_bar(100, 101, 90, 100))) == ["96"]


def test_constant_mark_when_given_then_holds_for_the_whole_bar() -> None:
    desk = Desk()
    desk.hold(BUY)
    desk.next(100, 150, 50, 120, mark=e8(101))
    assert desk.exchange.account_state().unrealized_pnl_e8 == e8(1)


def test_market_order_when_larger_than_opposite_position_then_flips_it() -> None:
    desk = Desk()
    desk.hold(BUY, 1)
    desk.submit(order("flip", SELL, 3))
    (fill,) = fills(desk.next(110, 110, 110, 110))
    (position,) = desk.exchange.account_state().positions
    assert (fill.realized_pnl_e8, position.qty_e8, position.entry_price_e8) == (e8(10), e8(-2), e8(110))


def test_fees_when_maker_and_taker_then_each_at_its_rate_rounded_up() -> None:
    from .exchange_builders import spec

    desk = Desk(100_000, spec(maker_fee_e8=20_001, taker_fee_e8=40_001))
    desk.submit(order("t", BUY, "0.055"), order("m", BUY, "0.055", price=99))
    taken, made = fills(desk.next("100.01", 101, 99, 100))
    assert taken.fee_e8 == 220_028  # 5.50055 * 0.00040001 = 0.002200275…
    assert made.fee_e8 == 108_906  # 5.445 * 0.00020001 = 0.00108905445


def test_stop_and_limit_when_reached_at_one_price_then_the_stop_acts_first() -> None:
    desk = Desk()
    desk.hold(BUY, 2)
    desk.submit(order("dip", BUY, price=95), order("stop", SELL, stop=95, reduce_only=True))
    assert [fill.client_order_id for fill in fills(desk.next(100, 100, 94, 96))] == ["stop", "dip"]


@pytest.mark.parametrize(
    "resting",
    [
        order("a", BUY, price=98),
        order("a", SELL, price=102),
        order("a", BUY, stop=102),
        order("a", SELL, stop=98),
        order("a", BUY, stop=98, type=OrderType.TAKE_PROFIT_MARKET),
        order("a", SELL, stop=102, type=OrderType.TAKE_PROFIT_MARKET),
        order("a", BUY, stop=102, working_type=WorkingType.MARK),
    ],
)
def test_resting_order_when_an_extreme_just_touches_its_level_then_acts_and_not_a_tick_before(
    resting: NewOrder,
) -> None:
    desk = Desk()
    desk.submit(resting)
    assert desk.next(100, 100, 100, 100) == []
    assert desk.next(100, "101.99", 100, 100) == []
    assert desk.next(100, 100, "98.01", 100) == []
    assert desk.position() == 0
    assert len(fills(desk.next(100, 102, 98, 100))) == 1
