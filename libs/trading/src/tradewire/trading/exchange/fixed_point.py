"""Exact arithmetic on integers scaled by 1e8, with the rounding written out.

Every price, quantity, notional, balance and rate in this package is an ``int`` counting 1e-8 units (suffix
``_e8``), so a result does not depend on the machine. All operands fit int64; only the product inside a
``mul_div`` needs 128 bits, which keeps the door open for a compiled port of the same formulas.

Which rounding is used where:

* notional, released cost, funding: half to even. It is unbiased and symmetric in sign, so a long and its
  mirrored short book the same amounts, and what one side of a funding payment pays the other receives.
* fees, initial and maintenance margin: up. They are owed to the venue, which never rounds in our favour.
* fill prices: to the tick, against the taker. Quantities: down to the step, so that no rule makes an order
  larger.
"""

from __future__ import annotations

from typing import Final

SCALE: Final = 10**8
"""Units per whole: 1.0 is 100,000,000."""


def mul_div(left: int, right: int, divisor: int) -> int:
    """Return ``left * right / divisor`` rounded half to even; ``divisor`` > 0, the others of any sign."""
    quotient, remainder = divmod(left * right, divisor)
    twice = 2 * remainder
    if twice > divisor or (twice == divisor and quotient & 1):
        return quotient + 1
    return quotient


def mul_div_floor(left: int, right: int, divisor: int) -> int:
    """Return ``left * right / divisor`` rounded towards minus infinity; ``divisor`` > 0."""
    return left * right // divisor


def mul_div_ceil(left: int, right: int, divisor: int) -> int:
    """Return ``left * right / divisor`` rounded towards plus infinity; ``divisor`` > 0."""
    return -(-left * right // divisor)


def notional(qty_e8: int, price_e8: int) -> int:
    """Quantity times price in 1e-8 quote units, half to even; the sign is the quantity's."""
    return mul_div(qty_e8, price_e8, SCALE)


def floor_to(value: int, step: int) -> int:
    """Largest multiple of ``step`` that is not above ``value``."""
    return value // step * step


def ceil_to(value: int, step: int) -> int:
    """Smallest multiple of ``step`` that is not below ``value``."""
    return -(-value // step) * step
