"""Values of a saved state, as a changelog holds them: taken as what they must be, or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

INT_MAX = 2**62
DECIMAL_MAX = Decimal("1e29")
"""Bounds of what goes over the wire, see ``contracts/bounds.yaml``."""


def saved_int(value: Any) -> int:
    """Raises ValueError for what is no integer of the wire."""
    if type(value) is not int or abs(value) > INT_MAX:
        raise ValueError(f"found {value!r:.100}; allowed: an integer up to {INT_MAX}")
    return value


def saved_decimal(value: Any) -> Decimal:
    """Raises ValueError, ArithmeticError for what is no decimal of the wire, as text."""
    number = Decimal(saved_text(value))
    if not number.is_finite() or abs(number) > DECIMAL_MAX:
        raise ValueError(f"found {value!r:.100}; allowed: a decimal up to {DECIMAL_MAX}")
    return number


def saved_text(value: Any) -> str:
    """Raises ValueError for what is no text."""
    if not isinstance(value, str):
        raise ValueError(f"found {value!r:.100}; allowed: a text")
    return value
