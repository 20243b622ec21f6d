"""How large a position a strategy asks for. Risk turns this and the evaluation's inputs into a quantity."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class SizingMethod(StrEnum):
    """What the amount means.

    VOLATILITY_TARGET: leverage = amount / realized volatility a year (sizing input `volatility`, as ratio);
    FRACTION_OF_EQUITY: notional = amount × equity; FIXED_NOTIONAL: quote units; FIXED_QTY: base asset units;
    RISK_PER_TRADE: qty = amount × equity / stop distance (sizing input `stop_distance`, price units).
    """

    VOLATILITY_TARGET = "volatility_target"
    FRACTION_OF_EQUITY = "fraction_of_equity"
    FIXED_NOTIONAL = "fixed_notional"
    FIXED_QTY = "fixed_qty"
    RISK_PER_TRADE = "risk_per_trade"


@dataclass(frozen=True, slots=True)
class Sizing:
    """Method, its amount, and the cap on notional / equity (None = only risk's own limits)."""

    method: SizingMethod
    amount: Decimal
    max_leverage: Decimal | None
