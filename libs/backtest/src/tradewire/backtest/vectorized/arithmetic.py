"""The exchange's fixed-point arithmetic for compiled loops, without numbers wider than 64 bits.

As long as a result fits int64 the functions return what `tradewire.trading.exchange.fixed_point` returns, to the last
unit. Quantities
and distances that come from float64 are *snapped*: a number within a few rounding errors of a whole one is that whole
one, as it would be in decimals.
"""

from __future__ import annotations

import math

from tradewire.backtest.vectorized.compiled import compiled

SCALE = 100_000_000
"""Units of 1e-8 in a whole."""
_UNIT = 1e-8
ROUNDING = 1e-15
"""Relative error that a chain of four float64 operations can't exceed (5 half units in the last place)."""


@compiled
def notional(quantity_e8: int, price_e8: int) -> int:
    """Quantity times price (either of any sign) in 1e-8 units, half to even.

    float64 gives the quotient to some thousand units; what is missing is known exactly from the products modulo 2**64.
    """
    result = int(float(quantity_e8) * float(price_e8) * _UNIT)
    rest = quantity_e8 * price_e8 - result * SCALE
    if not 0 <= rest < SCALE:
        missing = rest // SCALE
        result += missing
        rest -= missing * SCALE
    twice = 2 * rest
    if twice > SCALE or (twice == SCALE and result & 1):
        result += 1
    return result


@compiled
def share_up(amount_e8: int, rate_e8: int) -> int:
    """Amount times a rate below 1, neither negative, rounded up."""
    return (amount_e8 // SCALE) * rate_e8 - (-(amount_e8 % SCALE) * rate_e8) // SCALE


@compiled
def taker_price(price_e8: int, sign: int, slippage_e8: int, tick_e8: int) -> int:
    """What a taker gets where the market shows ``price_e8``: slipped, then to the tick, against the taker."""
    slipped = share_up(price_e8, slippage_e8)
    if sign > 0:
        return -(-(price_e8 + slipped) // tick_e8) * tick_e8
    return max((price_e8 - slipped) // tick_e8 * tick_e8, tick_e8)


@compiled
def steps(quantity: float) -> int:
    """Whole steps in a quantity counted in steps, rounded down after snapping; 0 for what is no amount."""
    if not 0.0 < quantity < 9e18:
        return 0
    whole = math.floor(quantity)
    if quantity - whole >= 1.0 - ROUNDING * quantity:
        whole += 1
    return int(whole)


@compiled
def tick_price(base_e8: int, distance: float, sign: int, tick_e8: int) -> int:
    """``base + sign * distance`` half to even to the tick, at least one tick; the distance in price units."""
    scaled = distance * SCALE
    if not scaled < 4e18:
        return tick_e8
    nearest = math.floor(scaled + 0.5)
    if abs(scaled - nearest) <= ROUNDING * scaled:
        scaled = nearest
    units = math.floor(scaled)
    rest = scaled - units
    total = base_e8 + sign * int(units)
    if sign < 0 and rest > 0.0:
        total, rest = total - 1, 1.0 - rest
    ticks = total // tick_e8
    twice = 2.0 * (float(total - ticks * tick_e8) + rest)
    if twice > tick_e8 or (twice == tick_e8 and ticks & 1):
        ticks += 1
    return max(ticks * tick_e8, tick_e8)
