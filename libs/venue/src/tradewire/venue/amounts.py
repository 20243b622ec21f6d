"""Amounts as the venue writes them."""

from __future__ import annotations

from decimal import Decimal

from tradewire.trading.exchange import from_e8

ZERO = Decimal(0)
_PLACES = Decimal("0.00000001")


def money(value_e8: int) -> Decimal:
    """An amount of the margin asset: eight decimals."""
    return from_e8(value_e8)


def at_step(value_e8: int, step: Decimal) -> Decimal:
    """A price or quantity with as many decimals as its tick or step has; more where it needs them."""
    value = from_e8(value_e8)
    rounded = value.quantize(step)
    return rounded if rounded == value else value


def text(number: Decimal) -> str:
    """As text without an exponent."""
    return format(number, "f")
