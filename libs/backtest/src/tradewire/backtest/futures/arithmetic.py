"""The exchange's exact arithmetic (`tradewire.trading.exchange.fixed_point`) for compiled loops.

Products of two int64 need 128 bits, which no machine integer of numba has: they are kept as two uint64 and divided by
long division in base 2**32. Quotients must fit int64, divisors must be below 2**32.
"""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_0 = np.uint64(0)
_1 = np.uint64(1)
SCALE = np.uint64(100_000_000)
SCALE_E8 = 100_000_000
"""Units of 1e-8 per whole."""


@compiled
def _product(left: np.uint64, right: np.uint64) -> tuple[np.uint64, np.uint64]:
    """High and low 64 bits of left * right."""
    a, b, c, d = left >> _32, left & _LOW, right >> _32, right & _LOW
    low, middle, other = b * d, a * d, b * c
    carry = (low >> _32) + (middle & _LOW) + (other & _LOW)
    high = a * c + (middle >> _32) + (other >> _32) + (carry >> _32)
    return high, (carry << _32) | (low & _LOW)


@compiled
def _divide(high: np.uint64, low: np.uint64, divisor: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Quotient (its low 64 bits) and remainder of a 128-bit number by a divisor below 2**32."""
    rest = high % divisor
    rest = (rest << _32) | (low >> _32)
    upper = rest // divisor
    rest = ((rest % divisor) << _32) | (low & _LOW)
    return (upper << _32) | (rest // divisor), rest % divisor


@compiled
def mul_div(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded half to even; 0 < divisor < 2**32, the others of any sign."""
    negative = (left < 0) != (right < 0)
    high, low = _product(np.uint64(abs(left)), np.uint64(abs(right)))
    unsigned = np.uint64(divisor)
    quotient, rest = _divide(high, low, unsigned)
    twice = rest << _1
    if twice > unsigned or (twice == unsigned and (quotient & _1) == _1):
        quotient += _1
    units: int = np.int64(quotient)  # type: ignore[assignment]  # an int to numba
    return -units if negative else units


@compiled
def mul_div_ceil(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded up; left and right ≥ 0, 0 < divisor < 2**32."""
    high, low = _product(np.uint64(left), np.uint64(right))
    quotient, rest = _divide(high, low, np.uint64(divisor))
    units: int = np.int64(quotient)  # type: ignore[assignment]  # an int to numba
    return units + 1 if rest > _0 else units


@compiled
def notional(quantity_e8: int, price_e8: int) -> int:
    """Quantity times price in 1e-8 quote units, half to even; the sign is the quantity's."""
    return mul_div(quantity_e8, price_e8, SCALE_E8)


@compiled
def mul_div_floor(left: int, right: int, divisor: int) -> int:
    """``left * right / divisor`` rounded down; left and right ≥ 0, 0 < divisor < 2**32."""
    high, low = _product(np.uint64(left), np.uint64(right))
    quotient, _ = _divide(high, low, np.uint64(divisor))
    units: int = np.int64(quotient)  # type: ignore[assignment]  # an int to numba
    return units


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
