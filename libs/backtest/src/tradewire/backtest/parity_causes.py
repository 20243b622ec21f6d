"""Why one engine has a fill that another has not, as far as their results tell."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from tradewire.ports.backtest import LIQUIDATION, BacktestFill, BacktestResult
from tradewire.ports.events import OrderLeg, Side

UNKNOWN = "one engine's order was refused, not sent or not filled"


def cause_of_missing(fill: BacktestFill, lacking: BacktestResult, having: BacktestResult) -> str:
    """Why ``lacking`` has not the ``fill`` that ``having`` has; what either engine leaves out is named with it."""
    if fill.leg == LIQUIDATION:
        return _also(f"{lacking.engine} does not liquidate here", lacking)
    if fill.leg == OrderLeg.ENTRY:
        needed = margin_needed(lacking, fill)
        equity = _equity_at(lacking, fill.time_us)
        if equity is not None and needed > equity:
            said = (
                f"{lacking.engine} has no margin for it: its positions and this order need about {needed:,.0f} at "
                f"{lacking.account.leverage}x, and its equity is {equity:,.0f}"
            )
            return _also(said, having)
    return _also(UNKNOWN, lacking, having)


def margin_needed(result: BacktestResult, order: BacktestFill) -> Decimal:
    """Initial margin, quote, of an account's positions by the fills so far and of an order; at the prices filled."""
    held: dict[str, Decimal] = {}
    price: dict[str, Decimal] = {}
    for fill in result.fills:
        if fill.time_us > order.time_us:
            continue
        signed = fill.qty if fill.side is Side.BUY else -fill.qty
        held[fill.symbol] = held.get(fill.symbol, Decimal(0)) + signed
        price[fill.symbol] = fill.price
    notional = sum((abs(qty) * price[symbol] for symbol, qty in held.items()), order.qty * order.price)
    return notional / result.account.leverage


def _equity_at(result: BacktestResult, time_us: int) -> Decimal | None:
    """Equity as of the last close by then, quote; None before the first."""
    at = int(np.searchsorted(result.time_us, time_us, side="right")) - 1
    return None if at < 0 else Decimal(int(result.equity_e8[at])).scaleb(-8)


def _also(said: str, *results: BacktestResult) -> str:
    """The cause, and what the engines say that they leave out."""
    sentences: Iterable[str] = (f"{one.engine} leaves out: {' '.join(one.left_out)}" for one in results if one.left_out)
    return "; ".join([said, *sentences])
