"""The door between the account's `Decimal` world and this package's e8 integers; exact both ways."""

from __future__ import annotations

from decimal import Decimal

from tradewire.trading.exchange.fixed_point import SCALE


def to_e8(value: Decimal) -> int:
    """Exact e8 integer of a decimal.

    Raises: ValueError when the value has digits beyond 1e-8 or is NaN; OverflowError when it is infinite.
    """
    numerator, denominator = value.as_integer_ratio()
    scaled, rest = divmod(numerator * SCALE, denominator)
    if rest:
        raise ValueError(f"{value} has digits beyond 1e-8")
    return scaled


def from_e8(value_e8: int) -> Decimal:
    """Decimal of an e8 integer, with eight places; exact whatever the decimal context."""
    digits = tuple(int(digit) for digit in str(abs(value_e8)))
    return Decimal((int(value_e8 < 0), digits, -8))
