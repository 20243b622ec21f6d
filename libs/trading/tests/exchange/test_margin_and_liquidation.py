"""Stories: funding, cross and isolated margin, liquidation, insurance."""

from __future__ import annotations

import pytest

from tradewire.trading.exchange import (
    CancelReason,
    FundingPaid,
    InsuranceCovered,
    Liquidated,
    MarginMode,
    OrderCanceled,
    Side,
    SimulatedExchange,
    brackets,
)

from .exchange_builders import (
    BTC,
    ETH,
    HOUR_US,
    Desk,
    assert_books_balance,
    bar,
    e8,
    fills,
    mark_bar,
    names,
    of_type,
    order,
    prices,
    spec,
)

BUY, SELL = Side.BUY, Side.SELL
ISOLATED = {BTC: MarginMode.ISOLATED}
FLAT_2_PERCENT = brackets([(0, e8(10_000_000), e8("0.02"), 50)])


def leveraged(balance: int, leverage: int, mode: MarginMode = MarginMode.CROSS, liquidation_fee: str = "0.01") -> Desk:
    return Desk(
        balance,
        spec(brackets=FLAT_2_PERCENT, liquidation_fee_e8=e8(liquidation_fee)),
        leverages={BTC: leverage},
        margin_modes={BTC: mode},
    )


@pytest.mark.parametrize(
    ("side", "rate", "received"), [(BUY, "0.0001", "-0.021"), (SELL, "0.0001", "0.021"), (BUY, "-0.0003", "0.063")]
)
def test_funding_when_boundary_is_in_the_step_then_paid_on_notional_at_mark(
    side: Side, rate: str, received: str
) -> None:
    desk = Desk()
    desk.hold(side, 2)
    (paid,) = of_type(desk.next(100, 106, 99, 104, mark=e8(105), funding=e8(rate)), FundingPaid)
    assert (paid.amount_e8, paid.mark_e8, paid.position_e8) == (e8(received), e8(105), side.sign * e8(2))
    assert desk.exchange.account_state().funding_e8 == e8(received)


def test_funding_when_times_are_uneven_then_each_boundary_counts_once() -> None:
    desk = Desk()
    desk.hold(BUY, 1)
    for rate in ("0.0001", None, None, "0.0002", None, "-0.0004"):
        desk.next(100, 100, 100, 100, funding=None if rate is None else e8(rate))
    assert [event.amount_e8 for event in of_type(desk.events, FundingPaid)] == [e8("-0.01"), e8("-0.02"), e8("0.04")]


def test_funding_when_order_is_submitted_at_the_boundary_then_it_pays_none() -> None:
    desk = Desk()
    desk.next(100, 100, 100, 100, funding=e8("0.01"))
    desk.submit(order("a"))
    assert names(desk.next(100, 100, 100, 100)) == ["OrderFilled"]


def test_cross_long_when_mark_falls_to_its_liquidation_price_then_closed_there_with_fee() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)  # 100 + 20 - 2 % of the mark: liquidation at 80 / 0.98
    desk.submit(order("tp", SELL, price=120))
    (position,) = desk.exchange.account_state().positions
    assert position.liquidation_price_e8 == 8_163_265_306
    (liquidated,) = of_type(desk.next(100, 100, 70, 90), Liquidated)
    fill = liquidated.fill
    assert (fill.price_e8, fill.qty_e8, fill.side) == (8_163_265_306, e8(1), SELL)
    assert fill.fee_e8 == 81_632_654
    assert fill.client_order_id.startswith("autoclose-")
    (canceled,) = of_type(desk.events, OrderCanceled)
    assert (canceled.client_order_id, canceled.reason) == ("tp", CancelReason.LIQUIDATION)
    assert desk.exchange.account_state().wallet_e8 == e8(20) - (e8(100) - 8_163_265_306) - 81_632_654


def test_cross_long_when_mark_stays_above_then_kept() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    assert desk.next(100, 100, "81.64", 90) == []


def test_cross_short_when_mark_rises_then_liquidated_at_its_price() -> None:
    desk = leveraged(20, 10)
    desk.hold(SELL, 1)  # 120 / 1.02
    (liquidated,) = of_type(desk.next(100, 130, 100, 120), Liquidated)
    assert liquidated.fill.price_e8 == 11_764_705_883


def test_liquidation_when_only_the_mark_gets_there_then_last_price_does_not_matter() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    assert desk.next(100, 100, 70, 100, mark=mark_bar(100, 100, 90, 100)) == []
    happened = desk.next(100, 100, 95, 100, mark=mark_bar(100, 100, 70, 100))
    assert [event.fill.price_e8 for event in of_type(happened, Liquidated)] == [8_163_265_306]


def test_liquidation_when_the_open_gaps_there_then_it_precedes_a_market_exit() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    desk.submit(order("out", SELL))
    assert names(desk.next(81, 81, 81, 81)) == ["OrderCanceled", "Liquidated"]


def test_liquidation_when_mark_gaps_beyond_bankruptcy_then_insurance_covers_and_wallet_is_zero() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    happened = desk.next(70, 75, 65, 70)
    assert names(happened) == ["Liquidated", "InsuranceCovered"]
    assert prices(happened) == ["70"]
    assert fills(happened)[0].fee_e8 == 0
    assert of_type(happened, InsuranceCovered)[0].amount_e8 == e8(10)
    assert desk.exchange.account_state().wallet_e8 == 0


def test_liquidation_when_stop_lies_above_then_the_stop_saves_the_account() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    desk.submit(order("s", SELL, stop=85, reduce_only=True))
    assert names(desk.next(100, 100, 70, 90)) == ["OrderTriggered", "OrderFilled"]


def test_liquidation_when_stop_lies_below_then_the_stop_comes_too_late() -> None:
    desk = leveraged(20, 10)
    desk.hold(BUY, 1)
    desk.submit(order("s", SELL, stop=81, reduce_only=True))
    assert names(desk.next(100, 100, 70, 90)) == ["OrderCanceled", "Liquidated"]


def test_isolated_when_liquidated_then_loses_its_own_margin_only() -> None:
    desk = leveraged(1000, 10, MarginMode.ISOLATED)
    desk.hold(BUY, 1)
    (position,) = desk.exchange.account_state().positions
    assert position.initial_margin_e8 == e8(10)
    assert position.liquidation_price_e8 == 9_183_673_469  # 90 / 0.98
    happened = desk.next(60, 70, 60, 70)
    assert names(happened) == ["Liquidated", "InsuranceCovered"]
    assert desk.exchange.account_state().wallet_e8 == e8(990)


def test_isolated_when_part_is_closed_then_margin_is_released_in_proportion() -> None:
    desk = leveraged(1000, 10, MarginMode.ISOLATED)
    desk.hold(BUY, 4)
    desk.submit(order("out", SELL, 1))
    desk.next(110, 110, 110, 110)
    (position,) = desk.exchange.account_state().positions
    assert (position.initial_margin_e8, desk.exchange.account_state().realized_pnl_e8) == (e8(30), e8(10))


def test_isolated_when_funding_is_paid_then_its_margin_shrinks_until_liquidation() -> None:
    desk = leveraged(1000, 10, MarginMode.ISOLATED)
    desk.hold(BUY, 1)
    assert names(desk.next(100, 100, 100, 100, funding=e8("0.05"))) == ["FundingPaid"]
    happened = desk.next(100, 100, 100, 100, funding=e8("0.03"))
    assert names(happened) == ["FundingPaid", "Liquidated"]
    assert desk.exchange.account_state().wallet_e8 == e8(1000) - e8(8) - e8(1)


def pair(balance: int, modes: dict[str, MarginMode] | None = None) -> SimulatedExchange:
    """Long 1 BTC at 100 and short 2 ETH at 50, leverage 10."""
    listed = [spec(symbol, brackets=FLAT_2_PERCENT) for symbol in (ETH, BTC)]
    exchange = SimulatedExchange("acc", e8(balance), listed, leverages={BTC: 10, ETH: 10}, margin_modes=modes or {})
    flat = {BTC: bar(0, 100, 100, 100, 100), ETH: bar(0, 50, 50, 50, 50)}
    exchange.step(HOUR_US, flat)
    exchange.submit(order("b", BUY, 1), HOUR_US)
    exchange.submit(order("e", SELL, 2, symbol=ETH), HOUR_US)
    exchange.step(2 * HOUR_US, {BTC: bar(1, 100, 100, 100, 100), ETH: bar(1, 50, 50, 50, 50)})
    return exchange


def test_cross_pair_when_adverse_extremes_meet_then_liquidated_though_closes_are_fine() -> None:
    exchange = pair(24)
    bars = {BTC: bar(2, 100, 101, 90, 100), ETH: bar(2, 50, 56, 49, 50)}  # -10 and -12 at once, margin 1.8 + 2.24
    liquidated = of_type(exchange.step(3 * HOUR_US, bars), Liquidated)
    assert [event.fill.symbol for event in liquidated] == [ETH]
    assert_books_balance(exchange)


def test_cross_pair_when_one_gains_what_the_other_loses_then_kept() -> None:
    exchange = pair(24)
    bars = {BTC: bar(2, 80, 80, 80, 80), ETH: bar(2, 40, 40, 40, 40)}
    assert exchange.step(3 * HOUR_US, bars) == []


def test_cross_pair_when_liquidated_then_the_largest_maintenance_margin_goes_first_until_safe() -> None:
    exchange = pair(24)
    bars = {BTC: bar(2, 77, 77, 77, 77), ETH: bar(2, 50, 50, 50, 50)}  # balance 1, margin 1.54 + 2
    liquidated = of_type(exchange.step(3 * HOUR_US, bars), Liquidated)
    assert [event.fill.symbol for event in liquidated] == [ETH, BTC]
    assert exchange.account_state().wallet_e8 == e8(1)


def test_isolated_pair_when_one_is_liquidated_then_the_other_is_untouched() -> None:
    exchange = pair(24, {BTC: MarginMode.ISOLATED, ETH: MarginMode.ISOLATED})
    happened = exchange.step(3 * HOUR_US, {BTC: bar(2, 91, 91, 91, 91), ETH: bar(2, 50, 50, 50, 50)})
    assert [event.fill.symbol for event in of_type(happened, Liquidated)] == [BTC]
    assert [position.symbol for position in exchange.account_state().positions] == [ETH]


def test_step_when_symbols_come_in_any_order_then_same_events() -> None:
    one, other = pair(24), pair(24)
    bars = {BTC: bar(2, 100, 101, 90, 100), ETH: bar(2, 50, 56, 49, 50)}
    assert one.step(3 * HOUR_US, bars) == other.step(3 * HOUR_US, dict(reversed(bars.items())))
    assert one.to_state() == other.to_state()


@pytest.mark.parametrize(("balance", "leverage"), [(-1, 1), (1, 0), (1, 51)])
def test_exchange_when_settings_are_not_allowed_then_value_error(balance: int, leverage: int) -> None:
    with pytest.raises(ValueError, match=r"balance|leverage"):
        SimulatedExchange("acc", balance, [spec(brackets=FLAT_2_PERCENT)], leverages={BTC: leverage})


def test_available_balance_when_position_and_orders_hold_margin_then_the_rest() -> None:
    desk = leveraged(100, 10)
    desk.hold(BUY, 2)
    desk.submit(order("more", BUY, 1, price=90))
    desk.next(110, 110, 110, 110)
    state = desk.exchange.account_state()
    assert (state.initial_margin_e8, state.order_margin_e8) == (e8(22), e8(9))
    assert state.available_balance_e8 == e8(100) + e8(20) - e8(22) - e8(9)


def test_exit_when_it_fills_beyond_bankruptcy_while_the_mark_stands_then_insurance_covers() -> None:
    desk = leveraged(5, 50)
    desk.hold(BUY, 1)
    desk.submit(order("out", SELL))
    happened = desk.next(90, 90, 90, 90, mark=e8(100))
    assert names(happened) == ["OrderFilled", "InsuranceCovered"]
    assert of_type(happened, InsuranceCovered)[0].amount_e8 == e8(5)
    assert desk.exchange.account_state().wallet_e8 == 0


def test_cross_long_when_the_balance_is_exactly_the_maintenance_margin_then_liquidated() -> None:
    exact = Desk("21.6", spec(brackets=FLAT_2_PERCENT), leverages={BTC: 10})
    exact.hold(BUY, 1)  # at 80: 21.6 - 20 = 1.6 = 2 % of 80
    assert names(exact.next(80, 80, 80, 80)) == ["Liquidated"]


def test_isolated_when_part_of_an_odd_margin_is_closed_then_what_is_left_has_the_rest() -> None:
    desk = leveraged(1000, 3, MarginMode.ISOLATED)
    desk.hold(BUY, 1)  # margin 33.33333334
    desk.submit(order("out", SELL, "0.5"), order("again", SELL, "0.25"))
    desk.next(100, 100, 100, 100)
    (position,) = desk.exchange.account_state().positions
    kept = desk.exchange.account.positions[position.symbol].margin_e8
    assert kept == 3_333_333_334 - 1_666_666_667 - 833_333_333


def test_cross_pair_when_one_is_liquidated_below_zero_then_the_gain_of_the_other_answers_for_it() -> None:
    """At 3.1 - 31.4 + 30 = 1.7 against margins of 1.372 + 0.4; without BTC 1.7 against 0.4."""
    listed = [spec(symbol, brackets=FLAT_2_PERCENT) for symbol in (ETH, BTC)]
    exchange = SimulatedExchange("acc", e8("3.1"), listed, leverages={BTC: 50, ETH: 50})
    flat = [{BTC: bar(n, 100, 100, 100, 100), ETH: bar(n, 50, 50, 50, 50)} for n in range(2)]
    exchange.step(HOUR_US, flat[0])
    exchange.submit(order("b", BUY, 1), HOUR_US)
    exchange.submit(order("e", SELL, 1, symbol=ETH), HOUR_US)
    exchange.step(2 * HOUR_US, flat[1])
    happened = exchange.step(3 * HOUR_US, {BTC: bar(2, *["68.6"] * 4), ETH: bar(2, 20, 20, 20, 20)})
    assert names(happened) == ["Liquidated"]
    assert exchange.account_state().wallet_e8 == e8("-28.3")
    closed = exchange.step(4 * HOUR_US, {BTC: bar(3, *["68.6"] * 4), ETH: bar(3, *["21.9"] * 4)})
    assert names(closed) == ["Liquidated", "InsuranceCovered"]
    assert of_type(closed, InsuranceCovered)[0].amount_e8 == e8("0.2")
    assert_books_balance(exchange)
