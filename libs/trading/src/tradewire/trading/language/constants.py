"""Numbers of a strategy file as the decimals that they are written as, though floats carry them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from tradewire.trading.language.numbers import apply_arithmetic

_EXACT: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def fold_arithmetic(symbol: str, left: float, right: float) -> float:
    """The float nearest to `left symbol right` of the two as decimals: 0.1 + 0.2 is 0.3, and 0.57 * 100 is 57."""
    rounded = apply_arithmetic(symbol, left, right)
    if not all(map(math.isfinite, (left, right, rounded))):
        return rounded
    try:
        return float(_EXACT[symbol](Fraction(repr(left)), Fraction(repr(right))))
    except OverflowError:  # the decimals come to just above the largest float, and the floats to just below
        return rounded


def is_held(text: str) -> bool:
    """Whether a float holds the decimal: any of 15 digits, and not every one of more."""
    try:
        return Decimal(text) == Decimal(repr(float(text)))
    except (InvalidOperation, ValueError):
        return True  # no decimal at all, which whoever reads it reports


def too_many_digits(name: str, text: str) -> tuple[str, str]:
    """What is wrong with a number that a float does not hold, and the way out."""
    return f"{name} is {text}, more digits than are kept", f"write {float(text)!r}, or at most 15 digits"
