"""Fills become trades: what was entered, what was left, and what it came to, to the last unit."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradewire.backtest.trades import trades_of
from tradewire.ports.backtest import BacktestFill, FundingPayment, Trade
from tradewire.ports.events import Liquidity, Side
from tradewire.trading.exchange import FillModel, NewOrder, OrderType, SimulatedExchange, from_e8, to_e8
from tradewire.trading.exchange import OrderFilled as Filled
from tradewire.trading.exchange import Side as VenueSide
from tradewire.trading.exchange.bars import Bar
from tradewire.trading.exchange.instrument import InstrumentSpec, brackets

BTC = "BTCUSDT"
E8 = 10**8


def fill(
    time_us: int, side: Side, qty: str, price: str, *, fee: str = "0", realized: str = "0", symbol: str = BTC
) -> BacktestFill:
    return BacktestFill(
        time_us=time_us,
        symbol=symbol,
        client_order_id=f"{time_us}",
        leg="ENTRY",
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
        fee=Decimal(fee),
        liquidity=Liquidity.TAKER,
        realized_pnl=Decimal(realized),
        slippage=Decimal(0),
    )


def one(trades: tuple[Trade, ...]) -> Trade:
    (trade,) = trades
    return trade


def test_round_trip_is_one_trade_net_of_fees_and_funding() -> None:
    fills = [
        fill(10, Side.BUY, "2", "100", fee="0.1"),
        fill(40, Side.SELL, "2", "110", fee="0.11", realized="20"),
    ]

    trade = one(trades_of(fills, [FundingPayment(20, BTC, Decimal("-0.5"), Decimal(2))], {}))

    assert (trade.side, trade.qty, trade.entry_price, trade.exit_price) == (Side.BUY, *map(Decimal, (2, 100, 110)))
    assert (trade.entry_time_us, trade.exit_time_us) == (10, 40)
    assert (trade.fees, trade.funding, trade.pnl) == (Decimal("0.21"), Decimal("-0.5"), Decimal("19.29"))


def test_entry_in_parts_and_exit_in_parts_have_weighted_prices() -> None:
    fills = [
        fill(1, Side.SELL, "1", "100"),
        fill(2, Side.SELL, "3", "104"),
        fill(3, Side.BUY, "2", "90", realized="26"),
        fill(4, Side.BUY, "2", "80", realized="46"),
    ]

    trade = one(trades_of(fills, [], {}))

    assert (trade.side, trade.qty) == (Side.SELL, Decimal(4))
    assert (trade.entry_price, trade.exit_price, trade.pnl) == (Decimal(103), Decimal(85), Decimal(72))


def test_fill_through_zero_ends_one_trade_and_begins_the_next() -> None:
    fills = [fill(1, Side.BUY, "1", "100"), fill(2, Side.SELL, "3", "90", fee="0.3", realized="-10")]

    first, second = trades_of(fills, [], {BTC: Decimal(85)})

    assert (first.qty, first.exit_time_us, first.fees, first.pnl) == (Decimal(1), 2, Decimal("0.1"), Decimal("-10.1"))
    assert (second.side, second.qty, second.entry_time_us, second.exit_time_us) == (Side.SELL, Decimal(2), 2, None)
    assert (second.fees, second.exit_price, second.pnl) == (Decimal("0.2"), Decimal(85), Decimal("9.8"))


def test_funding_at_the_moment_of_a_fill_belongs_to_the_position_it_was_paid_on() -> None:
    fills = [fill(1, Side.BUY, "1", "100"), fill(2, Side.SELL, "3", "100"), fill(3, Side.BUY, "2", "100")]
    payments = [
        FundingPayment(1, BTC, Decimal(-1), Decimal(1)),  # bought just before the settlement
        FundingPayment(2, BTC, Decimal(-2), Decimal(1)),  # turned round just after it
        FundingPayment(3, BTC, Decimal(4), Decimal(-2)),
    ]

    first, second = trades_of(fills, payments, {})

    assert (first.funding, second.funding) == (Decimal(-3), Decimal(4))


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(list(VenueSide)), st.integers(1, 50), st.integers(90, 110)), min_size=1, max_size=25
    )
)
def test_trades_add_up_to_what_the_account_gained(steps: list[tuple[VenueSide, int, int]]) -> None:
    spec = InstrumentSpec(
        "binance", BTC, E8, E8 // 10, E8 // 10, 10**6 * E8, 0, 20_000, 50_000, brackets([(0, 10**20, 400_000, 100)])
    )
    exchange = SimulatedExchange("a", 10**7 * E8, [spec], leverages={BTC: 1}, fill_model=FillModel())
    fills, last = [], 0
    for n, (side, tenths, price) in enumerate(steps):
        time_us = n * 1_000
        order = NewOrder(f"o{n}", BTC, side, OrderType.MARKET, tenths * E8 // 10)
        exchange.submit(order, time_us)
        bar = Bar(time_us, time_us + 1_000, price * E8, price * E8, price * E8, price * E8, 0)
        for event in exchange.step(time_us + 1_000, {BTC: bar}):
            if isinstance(event, Filled):
                done = event.fill
                fills.append(
                    fill(
                        done.time_us,
                        Side(done.side.value),
                        str(from_e8(done.qty_e8)),
                        str(from_e8(done.price_e8)),
                        fee=str(from_e8(done.fee_e8)),
                        realized=str(from_e8(done.realized_pnl_e8)),
                    )
                )
        last = price

    trades = trades_of(fills, [], {BTC: Decimal(last)})

    gained = from_e8(exchange.account_state().equity_e8) - Decimal(10**7)
    assert abs(sum(to_e8(trade.pnl) for trade in trades) - to_e8(gained)) <= len(fills)  # a unit per rounded price
    assert all(trade.exit_time_us is not None for trade in trades[:-1])
