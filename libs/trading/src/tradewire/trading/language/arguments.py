"""What an indicator is told where its argument is made of decimals: the decimal, not what floats left.

`percent_rank(close - open, 7)` counts equal differences, and 100.3 - 100.2 and 100.4 - 100.3 are different floats. So
what is made of fields and constants by sums, differences and products, or divided by a constant such as 2 or 10, is
taken to its nearest decimal where it is no further from one than rounding may have brought it. What else is done with
such numbers (a third of a sum, a root) is done with these decimals, so that equal ones stay equal.

A field is off from its decimal by at most u = 2⁻⁵³ of itself; a sum by u and the larger of its parts' shares, a product
by u and the sum of them, each of the size that stands in `ties.py`. Scaled to a whole number N below 2⁴⁹, as in
`decimals.py`, a number of k such u is off by at most (k + 1) · u · N, less than 1/2 for k ≤ 6: the decimal is found if
it has 13 digits. A number of more digits stays the float that it is, unless a decimal is within its rounding.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from tradewire.trading.indicators import FloatArray
from tradewire.trading.indicators.decimals import (
    HIGHEST_EXPONENT,
    LOWEST_EXPONENT,
    ROUNDER,
    ULP,
    UNITS,
    decimal_within,
)
from tradewire.trading.language.numbers import ArrayForm, ScalarForm, SeriesArrays, array_form, scalar_form
from tradewire.trading.language.ties import size_of
from tradewire.trading.language.tree import Arithmetic, Constant, Field, Function, Negate, Number

ROUNDINGS_MAX = 6
"""Of a number that has a nearest decimal without doubt."""
_UNITS = np.array(UNITS)


def argument_form(tree: Number) -> ScalarForm:
    """An indicator's argument as a function of one snapshot."""
    behind = _behind(tree)
    if behind is None:
        return scalar_form(tree, argument_form)
    form, off, size = scalar_form(tree), behind[0], scalar_form(behind[1])
    return lambda snapshot: decimal_within(form(snapshot), size(snapshot), off)


def argument_values(tree: Number, series: SeriesArrays, length: int) -> FloatArray:
    """The argument over all bars, shape (length,); equals the scalar form on every bar."""
    return _array_form(tree, length)(series)


def _array_form(tree: Number, length: int) -> ArrayForm:
    behind = _behind(tree)
    if behind is None:
        return array_form(tree, length, _array_form)
    form, off, size = array_form(tree, length), behind[0], array_form(behind[1], length)
    return lambda series: _nearest_decimals(form(series), size(series), off)


def _behind(tree: Number) -> tuple[float, Number] | None:
    """By how much of its size a number that is computed from decimals may be off, and the size; None for any other."""
    roundings = None if isinstance(tree, Field | Constant) else _roundings(tree)
    size = None if roundings is None or roundings > ROUNDINGS_MAX else size_of(tree)
    return None if roundings is None or size is None else ((roundings + 1) * ULP, size)


def _roundings(tree: Number) -> int | None:
    """By how many u of its size a number may be off; None where no decimal stands behind it."""
    match tree:
        case Field():
            return 1
        case Constant(value):
            return 0 if value.is_integer() else 1
        case Negate(operand):
            return _roundings(operand)
        case Function("abs" | "min" | "max", arguments):
            parts = [_roundings(argument) for argument in arguments]
            return None if None in parts else max(part for part in parts if part is not None)
        case Arithmetic(operator, left, right):
            first, second = _roundings(left), _roundings(right)
            if first is None or second is None or (operator == "/" and not _keeps_decimals(right)):
                return None
            return 1 + (max(first, second) if operator in "+-" else first + second)
        case _:
            return None


def _keeps_decimals(divisor: Number) -> bool:
    """Whether a decimal divided by it is a decimal: by 2, 0.5 or 10, not by 3."""
    if not isinstance(divisor, Constant) or not math.isfinite(divisor.value) or divisor.value == 0.0:
        return False
    left = abs(Fraction(repr(divisor.value)).numerator)
    for factor in (2, 5):
        while left % factor == 0:
            left //= factor
    return left == 1


def _nearest_decimals(values: FloatArray, sizes: FloatArray, off: float) -> FloatArray:
    """`decimal_within` of each."""
    exponents = np.frexp(sizes)[1]
    known = (exponents >= LOWEST_EXPONENT) & (exponents <= HIGHEST_EXPONENT)
    units = _UNITS[np.where(known, exponents - LOWEST_EXPONENT, 0)]
    with np.errstate(all="ignore"):
        scaled = values * units
        wholes = scaled + ROUNDER - ROUNDER
        near = known & (np.abs(scaled - wholes) <= off * (sizes * units))
        return np.where(near, wholes / units, values)
