"""From the loop's integers to the result of a backtest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.loops.path import LEGS
from tradewire.backtest.market_details import details_left_out
from tradewire.backtest.on_access import MadeOnAccess, MadeOnce
from tradewire.backtest.trades import STILL_OPEN, TradeColumns
from tradewire.backtest.vectorized.booked import (
    FEE,
    LEG,
    OPEN,
    PRICE,
    QTY,
    REALIZED,
    SIGN,
    SYMBOL,
    Booked,
    Payments,
    booked,
)
from tradewire.backtest.vectorized.kept import RunRecord
from tradewire.backtest.vectorized.market import Markets
from tradewire.ports.activity import Activity
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestFill,
    BacktestRequest,
    BacktestResult,
    FundingPayment,
    MarketHistory,
    Trade,
)
from tradewire.ports.events import Liquidity, Side
from tradewire.trading.exchange import from_e8
from tradewire.trading.language import CompiledStrategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

FILL_MODEL = (
    "market orders at the open after the decision's close; stop loss, take profit and trailing stop along the path "
    "open, adverse extreme, favourable extreme, close, at the open where it gapped over them; "
    "slippage and taker fee on every fill; funding at the close's mark"
)


def result_of(
    request: BacktestRequest,
    strategy: CompiledStrategy,
    markets: Markets,
    record: RunRecord,
    paid: Payments,
    make_activity: Callable[[], Activity],
) -> BacktestResult:
    """The result of one run, of which a record was kept.

    Every number of it is made here; fills, trades and payments become objects, and the fingerprint is made, when they
    are asked for.
    """
    equity_e8, held_e8, fills = record
    book = booked(markets, fills, paid)
    return BacktestResult(
        engine="vectorized",
        strategy_id=strategy.id,
        strategy_hash=strategy.digest,
        params=strategy.params,
        account=request.account,
        make_fingerprint=MadeOnce(lambda: _fingerprint(markets, equity_e8, held_e8, fills)),
        fill_model=FILL_MODEL,
        left_out=left_out(request.account, markets.histories),
        trades=MadeOnAccess(len(book.entry), lambda: _trades(fills, book, markets)),
        fills=MadeOnAccess(len(fills), lambda: _fills(fills, book, strategy, markets)),
        funding=MadeOnAccess(len(paid.close), lambda: _payments(paid, markets)),
        time_us=markets.time_us,
        equity_e8=equity_e8,
        position_e8={symbol: np.ascontiguousarray(held_e8[:, j]) for j, symbol in enumerate(markets.symbols)},
        fees=from_e8(int(fills[:, FEE].sum())),
        make_activity=MadeOnce(make_activity),
    )


def left_out(account: AccountSettings, markets: Sequence[MarketHistory]) -> tuple[str, ...]:
    """What was asked for and is not modelled, a sentence each."""
    said = [
        f"Margin is not modelled (asked for: {account.margin_mode.value.lower()}, leverage {account.leverage}): "
        "no order is refused for lack of it and no position is liquidated."
    ]
    if account.limits is not None:
        said.append("The account's risk limits are not applied, but for the price collar.")
    if account.volume_share:
        said.append(f"Orders fill whole: the volume share of {account.volume_share} is not applied.")
    if account.latency_us:
        said.append(f"Orders act at the next open: the latency of {account.latency_us} µs is not applied.")
    if any(history.mark is not None for history in markets):
        said.append("The mark price is used at the closes only, not inside the bars.")
    return (*said, *details_left_out(markets))


def _fills(log: IntArray, book: Booked, strategy: CompiledStrategy, markets: Markets) -> Iterator[BacktestFill]:
    """The logged fills, by time and symbol."""
    numbers = np.column_stack([log[:, : REALIZED + 1], book.time_us, book.slippage, book.decided])[book.by_time]
    for _, j, leg, sign, qty, price, _, fee, realized, time_us, slippage, decided in numbers.tolist():
        yield BacktestFill(
            time_us=time_us,
            symbol=markets.symbols[j],
            client_order_id=f"{strategy.id}-{decided}-{LEGS[leg]}",
            leg=LEGS[leg],
            side=Side.BUY if sign > 0 else Side.SELL,
            qty=from_e8(qty),
            price=from_e8(price),
            fee=from_e8(fee),
            liquidity=Liquidity.TAKER,
            realized_pnl=from_e8(realized),
            slippage=from_e8(slippage),
        )


def _trades(log: IntArray, book: Booked, markets: Markets) -> Iterator[Trade]:
    """The trades, by time and symbol of their entry."""
    entries = log[book.entry]
    columns = TradeColumns(
        symbol=entries[:, SYMBOL],
        sign=entries[:, SIGN],
        qty=entries[:, QTY],
        entry_time_us=book.time_us[book.entry],
        exit_time_us=np.where(book.exit == OPEN, STILL_OPEN, book.time_us[book.exit]),
        entry_price=entries[:, PRICE],
        exit_price=book.exit_price,
        fees=book.fees,
        funding=book.funding,
        slippage=book.trade_slippage,
        pnl=book.pnl,
        exit_leg=log[book.exit, LEG],
    )
    return columns.trades(markets.symbols, LEGS)


def _payments(paid: Payments, markets: Markets) -> Iterator[FundingPayment]:
    for close, j, amount, held in zip(*(column.tolist() for column in paid), strict=True):
        yield FundingPayment(int(markets.time_us[close]), markets.symbols[j], from_e8(amount), from_e8(held))


def _fingerprint(markets: Markets, equity_e8: IntArray, held_e8: IntArray, fills: IntArray) -> str:
    """Digest of all fills and of the account at every close."""
    digest = hashlib.sha256(repr(("vectorized/1", markets.symbols, held_e8.shape, fills.shape)).encode())
    for array in (markets.time_us, equity_e8, held_e8, fills):
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()
