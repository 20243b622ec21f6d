"""The door between the account's `Decimal` world and this package's e8 integers; exact both ways."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache

PLACES = 8
_EXACT = Context(prec=100)
"""More digits than any amount has: shifting the point never rounds."""
NUMBERS_REMEMBERED = 16_384
"""Numbers kept converted, each way: zeros, prices and balances come again and again."""


@lru_cache(NUMBERS_REMEMBERED)
def to_e8(value: Decimal) -> int:
    """Exact e8 integer of a decimal.

    Raises: ValueError when the value has digits beyond 1e-8 or is NaN; OverflowError when it is infinite.
    """
    scaled = value.scaleb(PLACES, _EXACT)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has digits beyond 1e-8")
    return whole


@lru_cache(NUMBERS_REMEMBERED)
def from_e8(value_e8: int) -> Decimal:
    """Decimal of an e8 integer, with eight places; exact whatever the decimal context."""
    return Decimal(value_e8).scaleb(-PLACES, _EXACT)
