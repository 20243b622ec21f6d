"""The exchange's fixed-point arithmetic for compiled loops, without numbers wider than 64 bits.

As long as a result is within ±9e18 the functions return what `tradewire.trading.exchange.fixed_point` returns, to the
last unit. A product of two int64 may need 128 bits: float64 gives its quotient to some thousand units, and what is
missing is known exactly from the products modulo 2**64. Divisors must be below 2**32, or quotients within ±2**50 and
divisors below 2**60. Distances come from float64 indicators; they are rounded as the decimals that Python prints for
them would be.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.trading.bounds import PRICE_BOUND, PRICE_BOUND_E8, WORTH_BOUND

SCALE = 100_000_000
"""Units of 1e-8 in a whole."""
_UNIT = 1e-8
LARGEST_UNITS = 9e18
"""No amount, in 1e-8 units, may come near the end of 64 bits."""
LARGEST_WORTH = float(WORTH_BOUND) * SCALE
"""No position and no balance may be worth more, in 1e-8 units."""
TOO_LARGE = "found a position or balance worth more than 4.5e10 quote, allowed is what fits 64 bits of 1e-8 units"
LARGEST_PRICE = float(PRICE_BOUND)
"""All prices are below it."""
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_1 = np.uint64(1)
_0 = np.uint64(0)
_WIDE_SCALE = np.uint64(SCALE)
_NEXT_TO_NOTHING = 1e-6
"""Of a unit: what is left of a distance that is next to a whole number of units, and not one."""


@compiled_in_place
def units(price: float) -> int:
    """A price of at most 8 decimals in 1e-8 units."""
    return int(np.rint(price * SCALE))


@compiled_in_place
def _quotient(left: int, right: int, divisor: int) -> tuple[int, int]:
    """``left * right // divisor``, and the rest; the divisor above 0, the others of any sign."""
    quotient = int(np.floor(float(left) * float(right) / float(divisor)))
    rest = left * right - quotient * divisor
    if not 0 <= rest < divisor:
        missing = rest // divisor
        quotient += missing
        rest -= missing * divisor
    return quotient, rest


@compiled_in_place
def mul_div(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded half to even; the divisor above 0, the others of any sign."""
    quotient, rest = _quotient(left, right, divisor)
    # Without a branch: whether to round up is a coin that no processor foresees.
    return quotient + int(2 * rest > divisor) + (int(2 * rest == divisor) & quotient & 1)


@compiled_in_place
def mul_div_ceil(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded up; the divisor above 0, the others of any sign."""
    quotient, rest = _quotient(left, right, divisor)
    return quotient + int(rest > 0)


@compiled_in_place
def mul_div_floor(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded down; the divisor above 0, the others of any sign."""
    quotient, _ = _quotient(left, right, divisor)
    return quotient


@compiled_in_place
def notional(qty_e8: int, price_e8: int) -> int:
    """Quantity times price (either of any sign) in 1e-8 units, half to even."""
    result = int(np.floor(float(qty_e8) * float(price_e8) * _UNIT))  # faster than to divide, and as near
    rest = qty_e8 * price_e8 - result * SCALE
    if not 0 <= rest < SCALE:
        missing = rest // SCALE
        result += missing
        rest -= missing * SCALE
    # Without a branch: whether to round up is a coin that no processor foresees.
    return result + int(2 * rest > SCALE) + (int(2 * rest == SCALE) & result & 1)


@compiled_in_place
def ensure_fits(qty_e8: int, price: float) -> None:
    """Raises: ValueError for a position that is worth more at a price than may be."""
    if abs(float(qty_e8)) * price > LARGEST_WORTH:
        raise ValueError(TOO_LARGE)


@compiled_in_place
def share_up(amount_e8: int, rate_e8: int) -> int:
    """Amount times a rate below 1, neither negative, rounded up."""
    return (amount_e8 // SCALE) * rate_e8 - (-(amount_e8 % SCALE) * rate_e8) // SCALE


@compiled_in_place
def whole_steps(amount: int, step: int) -> int:
    """``amount // step``, of an amount within ±9e18 and a step above 0.

    A division of floats and a product take a third of the time of a division of integers.
    """
    quotient = int(np.floor(float(amount) / float(step)))
    rest = amount - quotient * step
    return quotient if 0 <= rest < step else quotient + rest // step


@compiled_in_place
def taker_price(price_e8: int, sign: int, slippage_e8: int, tick_e8: int) -> int:
    """What a taker gets where the market shows ``price_e8``: slipped, then to the tick, against the taker."""
    slipped = share_up(price_e8, slippage_e8)
    if sign > 0:
        return -whole_steps(-(price_e8 + slipped), tick_e8) * tick_e8
    return max(whole_steps(price_e8 - slipped, tick_e8) * tick_e8, tick_e8)


@compiled_in_place
def tick_price(base_e8: int, distance: float, sign: int, tick_e8: int) -> int:
    """``base + sign * distance`` half to even to the tick, at least one tick; the distance in price units, above 0.

    0 for a level that no price reaches: it never acts.
    The distance counts as the decimal that Python prints for it: of 8 decimals or fewer, its units are whole ones;
    else they are not, however near they come, and there is no tie to break.
    """
    if not distance < LARGEST_PRICE:
        return 0 if sign > 0 else tick_e8
    nearest = math.floor(distance * SCALE + 0.5)
    rest = distance * SCALE - nearest
    decimal = nearest / SCALE
    if decimal == distance:
        rest = 0.0
    elif rest == 0.0:
        rest = _NEXT_TO_NOTHING if distance > decimal else -_NEXT_TO_NOTHING
    total = base_e8 + sign * int(nearest)
    if total >= PRICE_BOUND_E8:
        return 0
    ticks = total // tick_e8
    twice = 2.0 * (float(total - ticks * tick_e8) + sign * rest)
    if twice > tick_e8 or (twice == tick_e8 and ticks & 1):
        ticks += 1
    elif twice < -tick_e8:
        ticks -= 1
    return int(max(ticks * tick_e8, tick_e8))


@compiled_inside
def _product(left: np.uint64, right: np.uint64) -> tuple[np.uint64, np.uint64]:
    """High and low 64 bits of left * right."""
    a, b, c, d = left >> _32, left & _LOW, right >> _32, right & _LOW
    low, middle, other = b * d, a * d, b * c
    carry = (low >> _32) + (middle & _LOW) + (other & _LOW)
    high = a * c + (middle >> _32) + (other >> _32) + (carry >> _32)
    return high, (carry << _32) | (low & _LOW)


@compiled_inside
def average_price(cost_e8: int, qty_e8: int) -> int:
    """Cost per unit, half to even, in 1e-8 units; cost ≥ 0, 0 < quantity < 2**62, the result in int64."""
    rest, low = _product(np.uint64(cost_e8), _WIDE_SCALE)
    divisor, quotient = np.uint64(qty_e8), _0
    for bit in range(63, -1, -1):  # the divisor may be wider than `_divide` allows
        rest = (rest << _1) | ((low >> np.uint64(bit)) & _1)
        quotient <<= _1
        if rest >= divisor:
            rest -= divisor
            quotient |= _1
    twice = rest << _1
    if twice > divisor or (twice == divisor and (quotient & _1) == _1):
        quotient += _1
    units: int = np.int64(quotient)  # type: ignore[assignment]  # an int to numba
    return units
