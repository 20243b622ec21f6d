"""Conditions whose truth is known without a market, from the bounds of numbers and the order of a bar's prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tradewire.trading.bounds import PRICE_BOUND
from tradewire.trading.language.rules import Truth
from tradewire.trading.language.tree import (
    Apply,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Crossing,
    Field,
    Function,
    Inverse,
    Junction,
    Negate,
    Number,
    canonical,
)


class ValueRange(NamedTuple):
    """All values that a number may take: from ``low`` to ``high``, both included."""

    low: float
    high: float


ANYTHING = ValueRange(-math.inf, math.inf)
PRICE = ValueRange(1e-8, float(PRICE_BOUND))
_FIELDS: Mapping[str, ValueRange] = {"volume": ValueRange(0.0, math.inf)}
_PERCENT, _SWING, _ONE, _SIZE = ValueRange(0, 100), ValueRange(-100, 100), ValueRange(-1, 1), ValueRange(0, math.inf)
BOUNDED: Mapping[str, ValueRange] = {
    **dict.fromkeys(("rsi.value", "mfi.value", "rvi.value", "ultosc.value", "percent_rank.value"), _PERCENT),
    **dict.fromkeys(("stochastic.k", "stochastic.d", "stochastic_fast.k", "stochastic_fast.d"), _PERCENT),
    **dict.fromkeys(("stochrsi.k", "stochrsi.d", "aroon.up", "aroon.down"), _PERCENT),
    **dict.fromkeys(("adx.value", "adxr.value", "dx.value"), _PERCENT),
    **dict.fromkeys(("cmo.value", "aroon.oscillator", "tsi.tsi", "tsi.signal"), _SWING),
    "willr.value": ValueRange(-100, 0),
    **dict.fromkeys(("cmf.value", "supertrend.direction"), _ONE),
    "efficiency_ratio.value": ValueRange(0, 1),
    **dict.fromkeys(("trange.value", "atr.value", "natr.value", "stddev.value", "variance.value"), _SIZE),
    **dict.fromkeys(("ulcer.value", "vortex.plus", "vortex.minus"), _SIZE),
}
"""Of outputs that are bounded whatever the market does."""
_NOT_ABOVE = {("low", "open"), ("low", "close"), ("low", "high"), ("open", "high"), ("close", "high")}
"""Of a bar's prices, which is never above which."""
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def constant_truth(condition: Condition) -> Truth:
    """Whether the condition holds on every bar, or on none, wherever its numbers are known; None when that depends."""
    match condition:
        case Comparison(operator, left, right):
            return _compared(operator, left, right)
        case Crossing("above", left, right):
            return _never_crosses(left, right)
        case Crossing(_, left, right):
            return _never_crosses(right, left)
        case Junction(word, items):
            decisive = word == "or"
            known = [constant_truth(item) for item in items]
            if decisive in known:
                return decisive
            return None if None in known else not decisive
        case Inverse(item):
            truth = constant_truth(item)
            return None if truth is None else not truth


def _never_crosses(left: Number, right: Number) -> Truth:
    """False where ``left`` is always above ``right``, or never is."""
    return False if _compared(">", left, right) is not None else None


def _compared(operator: str, left: Number, right: Number) -> Truth:
    if operator in (">", ">="):
        return _compared(_TURNED[operator], right, left)
    if operator == "!=":
        equal = _compared("==", left, right)
        return None if equal is None else not equal
    if canonical(left) == canonical(right):
        return operator != "<"
    one, other = range_of(left), range_of(right)
    if operator == "==":
        apart = one.high < other.low or other.high < one.low
        return False if apart else True if one.low == one.high == other.low == other.high else None
    if one.high < other.low or (operator == "<=" and (one.high <= other.low or _never_above(left, right))):
        return True
    return False if other.high < one.low or (operator == "<" and _surely_reached(left, right)) else None


def _surely_reached(left: Number, right: Number) -> bool:
    """Whether ``left`` is never below ``right``."""
    return range_of(right).high <= range_of(left).low or _never_above(right, left)


def _never_above(left: Number, right: Number) -> bool:
    return isinstance(left, Field) and isinstance(right, Field) and (left.name, right.name) in _NOT_ABOVE


def range_of(number: Number) -> ValueRange:
    """The values that a number may take, never too narrow."""
    match number:
        case Constant(value):
            return ValueRange(value, value)
        case Field(name):
            return _FIELDS.get(name, PRICE)
        case Negate(operand):
            inner = range_of(operand)
            return ValueRange(-inner.high, -inner.low)
        case Arithmetic(operator, left, right):
            return _ARITHMETIC[operator](range_of(left), range_of(right))
        case Function(name, arguments):
            return _function(name, [range_of(argument) for argument in arguments])
        case Apply(indicator, _, _, output):
            return BOUNDED.get(f"{indicator}.{output}", ANYTHING)


def _function(name: str, ranges: Sequence[ValueRange]) -> ValueRange:
    first = ranges[0]
    if name in ("min", "max"):
        choose = min if name == "min" else max
        return ValueRange(choose(one.low for one in ranges), choose(one.high for one in ranges))
    if name == "abs":
        least = 0.0 if first.low <= 0.0 <= first.high else min(abs(first.low), abs(first.high))
        return ValueRange(least, max(abs(first.low), abs(first.high)))
    if name == "sqrt":
        return ValueRange(math.sqrt(max(first.low, 0.0)), math.sqrt(max(first.high, 0.0)))
    return ANYTHING


def _sum(left: ValueRange, right: ValueRange) -> ValueRange:
    return _whole(left.low + right.low, left.high + right.high)


def _difference(left: ValueRange, right: ValueRange) -> ValueRange:
    return _whole(left.low - right.high, left.high - right.low)


def _product(left: ValueRange, right: ValueRange) -> ValueRange:
    ends = [one * other for one in left for other in right]
    return ANYTHING if any(map(math.isnan, ends)) else ValueRange(min(ends), max(ends))


def _quotient(left: ValueRange, right: ValueRange) -> ValueRange:
    if right.low <= 0.0 <= right.high:
        return ANYTHING
    ends = [one / other for one in left for other in right]
    return ANYTHING if any(map(math.isnan, ends)) else ValueRange(min(ends), max(ends))


def _whole(low: float, high: float) -> ValueRange:
    return ANYTHING if math.isnan(low) or math.isnan(high) else ValueRange(low, high)


_ARITHMETIC: Mapping[str, Callable[[ValueRange, ValueRange], ValueRange]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
}
