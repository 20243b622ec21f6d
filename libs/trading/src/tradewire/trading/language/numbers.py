"""Arithmetic of the language in two forms that give the same bits: one float at a time, and whole arrays.

A result that is no finite number (division by zero, log of a number ≤ 0, root of a negative one, overflow)
is "no value": NaN here, null between services. A missing input makes a missing result.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.tree import (
    Apply,
    Arithmetic,
    Constant,
    Field,
    Function,
    Negate,
    Number,
    canonical,
)

Snapshot = Mapping[str, float | None]
"""Series by canonical text; None while warming up."""
SeriesArrays = Mapping[str, FloatArray]
"""Series by canonical text; each shape (n,), NaN where there is no value."""
ScalarForm = Callable[[Snapshot], float]
ArrayForm = Callable[[SeriesArrays], FloatArray]

NAN = math.nan
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def finite(value: float) -> float:
    """The value itself, or NaN when it is infinite."""
    return value if value - value == 0.0 else NAN


def finite_array(values: FloatArray) -> FloatArray:
    """The values, shape (n,), NaN where infinite; themselves, not a copy, where none is."""
    endless = np.isinf(values)
    return np.where(endless, NAN, values) if endless.any() else values


def divide(left: float, right: float) -> float:
    """`left / right`, NaN when right is 0."""
    return finite(left / right) if right != 0.0 else NAN


def logarithm(value: float) -> float:
    """Natural logarithm, NaN for numbers ≤ 0."""
    return math.log(value) if value > 0.0 else NAN


def square_root(value: float) -> float:
    """Square root, NaN for negative numbers."""
    return math.sqrt(value) if value >= 0.0 else NAN


def smaller(left: float, right: float) -> float:
    """The smaller number; NaN when either is."""
    return NAN if left != left or right != right else (left if left < right else right)


def larger(left: float, right: float) -> float:
    """The larger number; NaN when either is."""
    return NAN if left != left or right != right else (left if left > right else right)


_ONE: Mapping[str, Callable[[float], float]] = {"abs": math.fabs, "log": logarithm, "sqrt": square_root}
_MANY: Mapping[str, Callable[[float, float], float]] = {"min": smaller, "max": larger}
FUNCTIONS = (*_ONE, *_MANY)
"""Functions of numbers, computed bar by bar."""


def takes_many(name: str) -> bool:
    """Whether the function takes two numbers or more (min, max), not one."""
    return name in _MANY


def apply_arithmetic(symbol: str, left: float, right: float) -> float:
    """`left symbol right` for one bar."""
    return divide(left, right) if symbol == "/" else finite(float(_OPERATORS[symbol](left, right)))


def apply_function(name: str, values: list[float]) -> float:
    """The function of the values of one bar."""
    if name in _ONE:
        return _ONE[name](values[0])
    result = values[0]
    for value in values[1:]:
        result = _MANY[name](result, value)
    return result


def scalar_form(tree: Number, part: Callable[[Number], ScalarForm] | None = None) -> ScalarForm:
    """The number as a function of one snapshot; NaN where a series it reads has no value. `part`: of its parts."""
    part = part or scalar_form
    match tree:
        case Constant(constant):
            return lambda snapshot: constant
        case Field() | Apply():
            return _reader(canonical(tree))
        case Negate(operand):
            inner = part(operand)
            return lambda snapshot: -inner(snapshot)
        case Arithmetic(symbol, left, right):
            first, second = part(left), part(right)
            return lambda snapshot: apply_arithmetic(symbol, first(snapshot), second(snapshot))
        case Function(name, arguments):
            forms = [part(argument) for argument in arguments]
            return lambda snapshot: apply_function(name, [form(snapshot) for form in forms])


def _reader(key: str) -> ScalarForm:
    def read(snapshot: Snapshot) -> float:
        value = snapshot.get(key)
        return NAN if value is None else finite(value)

    return read


def array_form(tree: Number, length: int, part: Callable[[Number, int], ArrayForm] | None = None) -> ArrayForm:
    """The number as a function of series arrays of shape (length,); equals the scalar form on every bar.

    `part`: the form of its parts.
    """
    part = part or array_form
    match tree:
        case Constant(constant):
            return lambda series: np.full(length, constant)
        case Field() | Apply():
            key = canonical(tree)
            return lambda series: finite_array(series[key])
        case Negate(operand):
            inner = part(operand, length)
            return lambda series: -inner(series)
        case Arithmetic(symbol, left, right):
            first, second = part(left, length), part(right, length)
            return lambda series: _arithmetic_arrays(symbol, first(series), second(series))
        case Function(name, arguments):
            forms = [part(argument, length) for argument in arguments]
            return lambda series: _function_arrays(name, [form(series) for form in forms])


def _arithmetic_arrays(symbol: str, left: FloatArray, right: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        if symbol == "/":
            return finite_array(np.divide(left, np.where(right == 0.0, NAN, right)))
        return finite_array(_OPERATORS[symbol](left, right))


def _function_arrays(name: str, values: list[FloatArray]) -> FloatArray:
    if name == "abs":
        return np.abs(values[0])
    if name == "sqrt":
        return np.sqrt(np.where(values[0] >= 0.0, values[0], NAN))
    if name == "log":  # NumPy's vector log may differ from the C library's in the last bit
        return np.array([logarithm(value) for value in values[0].tolist()], dtype=np.float64)
    result = values[0]
    for value in values[1:]:
        chosen = result < value if name == "min" else result > value
        result = np.where(np.isnan(result) | np.isnan(value), NAN, np.where(chosen, result, value))
    return result
