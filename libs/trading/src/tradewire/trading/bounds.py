"""The largest numbers that are traded with: what 64 bits hold of 1e-8 units, in every engine and service alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

LARGEST_E8: Final = 2**63 - 1
"""Largest amount of money or base, in units of 1e-8: 92,233,720,368.54775807."""
PRICE_BOUND: Final = Decimal(40_000_000_000)
"""All prices are below it, so that the sum of two of them, or of a price and a distance, fits as well."""
WORTH_BOUND: Final = Decimal(45_000_000_000)
"""No balance and no position is worth more, quote, so that the sum of two fits."""
PRICE_BOUND_E8: Final = int(PRICE_BOUND * 10**8)
