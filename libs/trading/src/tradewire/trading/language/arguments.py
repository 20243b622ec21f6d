"""What an indicator is told where its argument is a sum or difference of decimals: the decimal, not what floats left.

`percent_rank(close - open, 7)` counts equal differences, and 100.3 - 100.2 and 100.4 - 100.3 are different floats. So a
sum of two to six fields and constants is taken to its nearest decimal, by the bound that stands in `decimals.py`.
"""

from __future__ import annotations

import numpy as np

from tradewire.trading.indicators import FloatArray
from tradewire.trading.indicators.decimals import (
    HIGHEST_EXPONENT,
    LOWEST_EXPONENT,
    ROUNDER,
    UNITS,
    nearest_decimal,
)
from tradewire.trading.language.numbers import ScalarForm, SeriesArrays, array_form, scalar_form
from tradewire.trading.language.ties import size_of
from tradewire.trading.language.tree import Arithmetic, Constant, Field, Negate, Number

TERMS_MAX = 6
"""Numbers of which a sum still has a nearest decimal without doubt."""
_UNITS = np.array(UNITS)


def argument_form(tree: Number) -> ScalarForm:
    """An indicator's argument as a function of one snapshot."""
    form = scalar_form(tree)
    size = size_of(tree) if _is_sum(tree) else None
    if size is None:
        return form
    behind = scalar_form(size)
    return lambda snapshot: nearest_decimal(form(snapshot), behind(snapshot))


def argument_values(tree: Number, series: SeriesArrays, length: int) -> FloatArray:
    """The argument over all bars, shape (length,); equals the scalar form on every bar."""
    values = array_form(tree, length)(series)
    size = size_of(tree) if _is_sum(tree) else None
    return values if size is None else _nearest_decimals(values, array_form(size, length)(series))


def _is_sum(tree: Number) -> bool:
    return 1 < (_terms(tree) or 0) <= TERMS_MAX


def _terms(tree: Number) -> int | None:
    """How many fields and constants are added up or taken from each other; None for any other number."""
    match tree:
        case Field() | Constant():
            return 1
        case Negate(operand):
            return _terms(operand)
        case Arithmetic("+" | "-", left, right):
            first, second = _terms(left), _terms(right)
            return None if first is None or second is None else first + second
        case _:
            return None


def _nearest_decimals(values: FloatArray, sizes: FloatArray) -> FloatArray:
    """`nearest_decimal` of each."""
    exponents = np.frexp(sizes)[1]
    known = (exponents >= LOWEST_EXPONENT) & (exponents <= HIGHEST_EXPONENT)
    units = _UNITS[np.where(known, exponents - LOWEST_EXPONENT, 0)]
    with np.errstate(all="ignore"):
        return np.where(known, (values * units + ROUNDER - ROUNDER) / units, values)
