"""Stories: path rule, finer bars, volume share, latency, and the rules of time."""

from __future__ import annotations

import pytest

from tradewire.trading.exchange import (
    Bar,
    FillModel,
    Liquidity,
    MarkBar,
    OrderCanceled,
    OrderExpired,
    Side,
    SimulatedExchange,
)
from tradewire.trading.exchange.bars import low_comes_first

from .exchange_builders import BTC, ETH, HOUR_US, Desk, bar, e8, fills, mark_bar, names, of_type, order, prices, spec

BUY, SELL = Side.BUY, Side.SELL
HALF_HOUR_US = HOUR_US // 2


@pytest.mark.parametrize(
    ("position", "buys", "sells", "close", "low_first"),
    [
        (1, 9, 0, 90, True),
        (-1, 0, 9, 110, False),
        (0, 2, 1, 110, False),
        (0, 1, 2, 90, True),
        (0, 1, 1, 100, True),
        (0, 0, 0, 110, True),
        (0, 0, 0, 90, False),
    ],
)
def test_path_when_exposure_is_given_then_adverse_extreme_first(
    position: int, buys: int, sells: int, close: int, low_first: bool
) -> None:
    one = bar(1, 100, 120, 80, close)
    assert low_comes_first(one, position_e8=position, opening_buys_e8=buys, opening_sells_e8=sells) is low_first


def exits(entry: Side) -> list[str]:
    desk = Desk()
    out = entry.opposite
    low, high = (95, 105)
    stop, take = (low, high) if entry is BUY else (high, low)
    desk.submit(
        order("in", entry),
        order("stop", out, stop=stop, reduce_only=True, oco_group="g", activate_on="in"),
        order("take", out, price=take, reduce_only=True, oco_group="g", activate_on="in"),
    )
    desk.next(100, 106, 94, 100)
    return [fill.client_order_id for fill in fills(desk.events)]


@pytest.mark.parametrize("entry", [BUY, SELL])
def test_path_when_both_exits_are_in_reach_then_the_stop_fills_for_either_side(entry: Side) -> None:
    assert exits(entry) == ["in", "stop"]


def finer(*halves: tuple[int, int, int, int]) -> Bar:
    """Bar 1 made of two half-hours."""
    pieces = tuple(
        Bar(HOUR_US + n * HALF_HOUR_US, HOUR_US + (n + 1) * HALF_HOUR_US, e8(o), e8(h), e8(low), e8(c))
        for n, (o, h, low, c) in enumerate(halves)
    )
    return Bar(
        HOUR_US,
        2 * HOUR_US,
        pieces[0].open_e8,
        max(piece.high_e8 for piece in pieces),
        min(piece.low_e8 for piece in pieces),
        pieces[-1].close_e8,
        path=pieces,
    )


@pytest.mark.parametrize(
    ("halves", "winner"),
    [(((100, 106, 99, 104), (104, 104, 94, 96)), "take"), (((100, 101, 94, 96), (96, 106, 96, 104)), "stop")],
)
def test_finer_bars_when_given_then_the_true_order_decides(
    halves: tuple[tuple[int, int, int, int], ...], winner: str
) -> None:
    desk = Desk()
    desk.submit(
        order("in", BUY),
        order("stop", SELL, stop=95, reduce_only=True, oco_group="g", activate_on="in"),
        order("take", SELL, price=105, reduce_only=True, oco_group="g", activate_on="in"),
    )
    desk.step(finer(*halves))
    assert [fill.client_order_id for fill in fills(desk.events)] == ["in", winner]


def test_finer_bars_when_marks_do_not_match_them_then_value_error() -> None:
    desk = Desk()
    desk.submit(order("in"))
    with pytest.raises(ValueError, match="2 finer bars need as many marks"):
        desk.step(finer((100, 100, 100, 100), (100, 100, 100, 100)), mark=mark_bar(100, 101, 99, 100))


def test_finer_bars_when_marks_match_them_then_each_has_its_own() -> None:
    desk = Desk()
    desk.submit(order("in"))
    halves = (mark_bar(100, 100, 100, 100), mark_bar(100, 103, 100, 102))
    marks = MarkBar(e8(100), e8(103), e8(100), e8(102), path=halves)
    desk.step(finer((100, 100, 100, 100), (100, 100, 100, 100)), mark=marks)
    assert desk.exchange.account_state().unrealized_pnl_e8 == e8(2)


def test_volume_share_when_market_order_is_larger_then_rest_fills_at_later_opens() -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.1")))
    desk.submit(order("a", BUY, 5))
    assert names(desk.next(100, 120, 80, 100, 20)) == ["OrderPartiallyFilled"]
    assert names(desk.next(101, 120, 80, 100, 0)) == []
    assert names(desk.next(102, 120, 80, 100, 20)) == ["OrderPartiallyFilled"]
    assert names(desk.next(103, 120, 80, 100, 20)) == ["OrderFilled"]
    assert [(f.qty_e8 // e8(1), f.price_e8 // e8(1)) for f in fills(desk.events)] == [(2, 100), (2, 102), (1, 103)]


def test_volume_share_when_several_orders_act_then_they_share_one_budget_by_age() -> None:
    desk = Desk(fill_model=FillModel(volume_share_e8=e8("0.1")))
    desk.submit(order("a", BUY, 2), order("b", BUY, 2))
    filled = fills(desk.next(100, 100, 100, 100, "30.009"))
    assert [(fill.client_order_id, fill.qty_e8) for fill in filled] == [("a", e8(2)), ("b", e8(1))]


def test_latency_when_it_ends_inside_the_bar_then_order_meets_the_path_there() -> None:
    desk = Desk(fill_model=FillModel(latency_us=HOUR_US // 6))  # half of the first leg
    desk.submit(order("a", BUY))
    (fill,) = fills(desk.next(100, 110, 90, 100))  # a flat account that buys: O-H-L-C
    assert (fill.price_e8, fill.time_us) == (e8(105), HOUR_US + HOUR_US // 6)


def test_latency_when_cancel_is_slower_than_the_market_then_order_fills_first() -> None:
    desk = Desk(fill_model=FillModel(latency_us=HOUR_US // 2))
    desk.submit(order("a", BUY, price=99))
    desk.next(100, 100, 100, 100)
    assert names(desk.cancel("a")) == ["CancelPending"]
    assert names(desk.next(98, 100, 98, 100)) == ["OrderFilled"]


def test_latency_when_cancel_arrives_before_the_touch_then_order_is_cancelled() -> None:
    desk = Desk(fill_model=FillModel(latency_us=HOUR_US // 2))
    desk.submit(order("a", BUY, price=91))
    desk.next(100, 100, 100, 100)
    desk.cancel("a")
    (canceled,) = of_type(desk.next(100, 110, 90, 100), OrderCanceled)
    assert canceled.time_us == 2 * HOUR_US + HOUR_US // 2


def test_latency_when_cancel_is_asked_twice_then_the_first_time_stays() -> None:
    desk = Desk(fill_model=FillModel(latency_us=HOUR_US))
    desk.submit(order("a", BUY, price=50))
    desk.cancel("a")
    first = desk.exchange.to_state()
    desk.cancel("a")
    assert desk.exchange.to_state() == first


@pytest.mark.parametrize(
    "knobs",
    [
        {"slippage_ticks": -1},
        {"latency_us": -1},
        {"through_ticks": -1},
        {"slippage_rate_e8": e8(1)},
        {"volume_share_e8": e8(2)},
    ],
)
def test_fill_model_when_out_of_range_then_value_error(knobs: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        FillModel(**knobs)


def test_step_when_a_bar_comes_twice_then_value_error() -> None:
    desk = Desk()
    one = bar(1, 100, 100, 100, 100)
    desk.step(one)
    with pytest.raises(ValueError, match="bar closes at"):
        desk.exchange.step(one.close_time_us, {BTC: one})


def test_step_when_bar_ends_after_the_step_then_value_error() -> None:
    with pytest.raises(ValueError, match="bar closes at"):
        SimulatedExchange("acc", 0, [spec()]).step(1, {BTC: bar(1, 100, 100, 100, 100)})


def test_calls_when_time_goes_back_then_value_error() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="is before"):
        desk.exchange.submit(order("a"), 1)


def test_step_when_symbol_is_not_listed_then_value_error() -> None:
    with pytest.raises(ValueError, match="not listed"):
        Desk().step(bar(1, 100, 100, 100, 100), symbol=ETH)


@pytest.mark.parametrize(
    "values",
    [(0, 1, 100, 99, 98, 99), (0, 1, 100, 101, 0, 99), (0, 1, 100, 101, 99, 102), (1, 1, 100, 101, 99, 100)],
)
def test_bar_when_prices_or_times_do_not_nest_then_value_error(values: tuple[int, int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="bar at"):
        Bar(*values)


def test_bar_when_volume_is_negative_then_value_error() -> None:
    with pytest.raises(ValueError, match="volume"):
        Bar(0, 1, 100, 101, 99, 100, -1)


def test_bar_when_finer_bars_leave_it_then_value_error() -> None:
    with pytest.raises(ValueError, match="finer bars"):
        Bar(0, 10, 100, 101, 99, 100, 0, (Bar(5, 11, 100, 101, 99, 100),))


@pytest.mark.parametrize("values", [(100, 99, 98, 98), (100, 110, 101, 105), (100, 110, 0, 105)])
def test_mark_bar_when_prices_do_not_nest_then_value_error(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="mark bar"):
        MarkBar(*values)


def test_post_only_liquidity_when_child_limit_is_passed_already_then_takes() -> None:
    desk = Desk()
    desk.submit(order("in", BUY, price=98), order("out", SELL, price=97, reduce_only=True, activate_on="in"))
    (entry, out) = fills(desk.next(100, 100, 98, 99))
    assert (entry.liquidity, out.liquidity, prices(desk.events)) == (Liquidity.MAKER, Liquidity.TAKER, ["98", "98"])
    assert not of_type(desk.events, OrderExpired)


def test_latency_when_exit_is_sent_after_its_entry_filled_then_it_still_travels() -> None:
    desk = Desk(fill_model=FillModel(latency_us=HOUR_US // 2))
    desk.submit(order("in", BUY))
    desk.next(100, 100, 100, 100)
    desk.submit(order("stop", SELL, stop=95, reduce_only=True, activate_on="in"))
    happened = desk.next(100, 100, 90, 100)  # O-L-H-C: back at 95 when the stop arrives
    assert fills(happened)[0].time_us == 2 * HOUR_US + HOUR_US // 2
    assert prices(happened) == ["95"]
