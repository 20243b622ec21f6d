"""The exchange's exact arithmetic (`tradewire.trading.exchange.fixed_point`) for compiled loops.

A product of two int64 may need 128 bits, which no machine integer of numba has. float64 gives its quotient to some
thousand units; what is missing is known exactly from the products modulo 2**64. Quotients must be within ±9e18 and
divisors below 2**32, or quotients within ±2**50 and divisors below 2**60.
"""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_in_place

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_1 = np.uint64(1)
_0 = np.uint64(0)
SCALE = np.uint64(100_000_000)
SCALE_E8 = 100_000_000
"""Units of 1e-8 per whole."""


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
def notional(quantity_e8: int, price_e8: int) -> int:
    """Quantity times price in 1e-8 quote units, half to even; the sign is the quantity's."""
    return mul_div(quantity_e8, price_e8, SCALE_E8)


@compiled
def _product(left: np.uint64, right: np.uint64) -> tuple[np.uint64, np.uint64]:
    """High and low 64 bits of left * right."""
    a, b, c, d = left >> _32, left & _LOW, right >> _32, right & _LOW
    low, middle, other = b * d, a * d, b * c
    carry = (low >> _32) + (middle & _LOW) + (other & _LOW)
    high = a * c + (middle >> _32) + (other >> _32) + (carry >> _32)
    return high, (carry << _32) | (low & _LOW)


@compiled
def average_price(cost_e8: int, quantity_e8: int) -> int:
    """Cost per unit, half to even, in 1e-8 units; cost ≥ 0, 0 < quantity < 2**62, the result in int64."""
    rest, low = _product(np.uint64(cost_e8), SCALE)
    divisor, quotient = np.uint64(quantity_e8), _0
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


@compiled
def floor_to(value: int, step: int) -> int:
    """Largest multiple of ``step`` > 0 that is not above ``value``."""
    return value // step * step


@compiled
def ceil_to(value: int, step: int) -> int:
    """Smallest multiple of ``step`` > 0 that is not below ``value``."""
    return -(-value // step) * step
