"""Margin formulas as pure functions: signed quantities; cost is the unsigned notional paid."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tradewire.trading.exchange.fixed_point import SCALE, mul_div, mul_div_ceil, mul_div_floor, notional
from tradewire.trading.exchange.instrument import Bracket


class MarginMode(StrEnum):
    """Whether a position draws on the whole wallet or on its own margin."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


def unrealized_pnl(position_e8: int, cost_e8: int, mark_e8: int) -> int:
    """Profit of a signed position over its cost at a mark price, quote e8."""
    value_e8 = notional(position_e8, mark_e8)
    return value_e8 - cost_e8 if position_e8 >= 0 else value_e8 + cost_e8


def funding_amount(position_e8: int, mark_e8: int, rate_e8: int) -> int:
    """What the wallet receives at a funding boundary, quote e8: longs pay when the rate is positive.

    Source: Binance, "Introduction to Binance Futures Funding Rates": fee = position notional at mark * rate.
    """
    return -mul_div(notional(position_e8, mark_e8), rate_e8, SCALE)


def liquidation_price_at_rate(
    *,
    position_e8: int,
    cost_e8: int,
    wallet_e8: int,
    mmr_e8: int,
    cum_e8: int,
    other_maintenance_e8: int = 0,
    other_unrealized_e8: int = 0,
) -> int:
    """Mark price e8 at which margin balance equals maintenance margin for one given rate and amount; 0 if
    none.

    Parameters: position_e8: signed, not 0; cost_e8: unsigned entry notional; wallet_e8: wallet balance
    (cross) or the position's own margin (isolated); other_*: maintenance margin and unrealized PnL of the
    other cross positions, 0 if isolated.
    Returns: down for a long, up for a short, so never early; within 2e-8 of the exact price.
    Source: Binance FAQ "How to calculate liquidation price of USDⓈ-M futures contracts":
    LP = (WB - TMM + UPNL + cum - side*q*EP) / (q*MMR - side*q).
    """
    balance_e8 = wallet_e8 - other_maintenance_e8 + other_unrealized_e8 + cum_e8
    if position_e8 > 0:
        if cost_e8 <= balance_e8:
            return 0
        average_e8 = mul_div_floor(cost_e8 - balance_e8, SCALE, position_e8)
        return mul_div_floor(average_e8, SCALE, SCALE - mmr_e8)
    if cost_e8 + balance_e8 <= 0:
        return 0
    average_e8 = mul_div_ceil(cost_e8 + balance_e8, SCALE, -position_e8)
    return mul_div_ceil(average_e8, SCALE, SCALE + mmr_e8)


def liquidation_price(
    tiers: Sequence[Bracket],
    *,
    position_e8: int,
    cost_e8: int,
    wallet_e8: int,
    other_maintenance_e8: int = 0,
    other_unrealized_e8: int = 0,
) -> int:
    """Mark price e8 of liquidation with the bracket that holds *at that price*; 0 if none or no position.

    The bracketed maintenance margin is convex in notional and so the largest of its brackets' lines. The
    first to be met on the way down (long) is the highest of the brackets' prices, on the way up (short) the
    lowest: the fixed point that Binance's FAQ asks for, without iterating.
    """
    if position_e8 == 0:
        return 0
    prices = [
        liquidation_price_at_rate(
            position_e8=position_e8,
            cost_e8=cost_e8,
            wallet_e8=wallet_e8,
            mmr_e8=tier.mmr_e8,
            cum_e8=tier.cum_e8,
            other_maintenance_e8=other_maintenance_e8,
            other_unrealized_e8=other_unrealized_e8,
        )
        for tier in tiers
    ]
    return max(prices) if position_e8 > 0 else min(prices)
