"""From the loop's integers to the result of a backtest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.trades import trades_of
from tradewire.backtest.vectorized.arithmetic import notional, units
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.state import LEG_ENTRY, LEG_EXIT
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestFill,
    BacktestRequest,
    BacktestResult,
    FundingPayment,
)
from tradewire.ports.events import Liquidity, OrderLeg, Side
from tradewire.trading.exchange import from_e8
from tradewire.trading.exchange.fixed_point import mul_div_ceil
from tradewire.trading.exchange.margin import funding_amount
from tradewire.trading.exchange.path_walk import WHOLE_LEG
from tradewire.trading.language import CompiledStrategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

FILL_MODEL = (
    "market orders at the open after the decision's close; stop loss, take profit and trailing stop along the path "
    "open, adverse extreme, favourable extreme, close, at the open where it gapped over them; "
    "slippage and taker fee on every fill; funding at the close's mark"
)
LEGS = (OrderLeg.ENTRY, OrderLeg.EXIT, OrderLeg.STOP_LOSS, OrderLeg.TAKE_PROFIT, OrderLeg.TRAILING_STOP)
"""By the loop's leg codes."""


def result_of(
    request: BacktestRequest,
    strategy: CompiledStrategy,
    markets: Markets,
    equity_e8: IntArray,
    held_e8: IntArray,
    fills: IntArray,
) -> BacktestResult:
    """The result of one run; arrays as `run_account` returns them."""
    made = tuple(_fills(fills, strategy, markets))
    funding = tuple(_payments(held_e8, markets))
    return BacktestResult(
        engine="vectorized",
        strategy_id=strategy.id,
        strategy_hash=strategy.digest,
        params=strategy.params,
        account=request.account,
        fingerprint=_fingerprint(markets, equity_e8, held_e8, fills),
        fill_model=FILL_MODEL,
        left_out=left_out(request.account, markets),
        trades=trades_of(made, funding, _last_marks(markets)),
        fills=made,
        funding=funding,
        time_us=markets.time_us,
        equity_e8=equity_e8,
        position_e8={symbol: np.ascontiguousarray(held_e8[:, j]) for j, symbol in enumerate(markets.symbols)},
    )


def left_out(account: AccountSettings, markets: Markets) -> tuple[str, ...]:
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
    if any(history.mark is not None for history in markets.histories):
        said.append("The mark price is used at the closes only, not inside the bars.")
    return tuple(said)


def _fills(fills: IntArray, strategy: CompiledStrategy, markets: Markets) -> Iterator[BacktestFill]:
    """The logged fills, by time and symbol."""
    symbols, decided = markets.symbols, {}
    rows = []
    for order, row in enumerate(fills.tolist()):
        rows.append((_time_us(row, markets), row[1], order, row))
    for time_us, j, order, row in sorted(rows):
        _, _, leg, sign, qty, price, shown, fee, realised = row[:9]
        if leg in (LEG_ENTRY, LEG_EXIT):
            decided[j] = order
        yield BacktestFill(
            time_us=time_us,
            symbol=symbols[j],
            client_order_id=f"{strategy.id}-{order if leg in (LEG_ENTRY, LEG_EXIT) else decided[j]}-{LEGS[leg]}",
            leg=LEGS[leg],
            side=Side.BUY if sign > 0 else Side.SELL,
            qty=from_e8(qty),
            price=from_e8(price),
            fee=from_e8(fee),
            liquidity=Liquidity.TAKER,
            realized_pnl=from_e8(realised),
            slippage=from_e8(notional(qty, abs(price - shown))),
        )


def _time_us(row: list[int], markets: Markets) -> int:
    """Modelled time of a fill: the open, or where on the third of the bar its price lies."""
    part, start, end, shown = row[10], row[11], row[12], row[6]
    span_us = markets.interval_us
    open_us = int(markets.time_us[row[0]]) - span_us
    if part == 0:
        return open_us
    first_us, last_us = (open_us + span_us * third // 3 for third in (part - 1, part))
    progress = mul_div_ceil(abs(shown - start), WHOLE_LEG, abs(end - start)) if end != start else 0
    return first_us + (last_us - first_us) * progress // WHOLE_LEG


def _payments(held_e8: IntArray, markets: Markets) -> Iterator[FundingPayment]:
    if not markets.tape.funding.size:
        return
    rates, marks = markets.at_closes(markets.tape.funding, 0), markets.at_closes(markets.marks_e8(), 0)
    for t, j in np.argwhere((rates != 0) & (held_e8 != 0)).tolist():
        amount = funding_amount(int(held_e8[t, j]), int(marks[t, j]), int(rates[t, j]))
        yield FundingPayment(int(markets.time_us[t]), markets.symbols[j], from_e8(amount), from_e8(int(held_e8[t, j])))


def _last_marks(markets: Markets) -> dict[str, Decimal]:
    return {
        symbol: from_e8(units(markets.tape.mark[j, len(bars) - 1]))
        for j, (symbol, bars) in enumerate(zip(markets.symbols, markets.columns, strict=True))
    }


def _fingerprint(markets: Markets, equity_e8: IntArray, held_e8: IntArray, fills: IntArray) -> str:
    """Digest of all fills and of the account at every close."""
    digest = hashlib.sha256(repr(("vectorized/1", markets.symbols, held_e8.shape, fills.shape)).encode())
    for array in (markets.time_us, equity_e8, held_e8, fills):
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()
