"""Which numbers have a value on every bar after the warm-up, and which may lack one.

A quotient lacks a value where its divisor is 0, a root and a logarithm where they are not defined, and any result that
is too large for a float (see `numbers`). The catalogue's indicators have a value wherever their series have.
"""

from __future__ import annotations

import math

from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language.ranges import range_of
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

Known = frozenset[tuple[str, bool]]
"""Canonical texts of numbers that have a value on the bar; or on the one before, where the flag is set."""
NOTHING: Known = frozenset()
_VOLUME = 1e30
"""Beyond any volume."""
_FACTOR = 1e40
"""An indicator is below the square of what it reads and this; its formulas multiply no more than two of its series."""


def decides(condition: Comparison | Crossing, known: Known = NOTHING) -> bool:
    """Whether the condition is surely true or false, where the numbers ``known`` have a value."""
    sides = (condition.left, condition.right)
    bars = (False, True) if isinstance(condition, Crossing) else (False,)
    return all(_has_value(side, known, before=before) for side in sides for before in bars)


def known_where(condition: Condition, *, holds: bool = True) -> Known:
    """The numbers that have a value on every bar on which the condition is true, or false."""
    match condition:
        case Inverse(item):
            return known_where(item, holds=not holds)
        case Junction(word, items):
            parts = [known_where(item, holds=holds) for item in items]
            return NOTHING.union(*parts) if (word == "and") is holds else parts[0].intersection(*parts[1:])
        case Comparison(_, left, right):
            return frozenset((text, False) for side in (left, right) for text in _inside(side))
        case Crossing(_, left, right):
            texts = [text for side in (left, right) for text in _inside(side)]
            return frozenset((text, before) for text in texts for before in (False, True))


def _inside(number: Number) -> list[str]:
    """The number and all that it lacks a value without."""
    parts: tuple[Number, ...] = ()
    match number:
        case Arithmetic(_, left, right):
            parts = (left, right)
        case Negate(operand):
            parts = (operand,)
        case Function(_, arguments):
            parts = arguments
    return [canonical(number), *(text for part in parts for text in _inside(part))]


def _has_value(number: Number, known: Known, *, before: bool) -> bool:
    if (canonical(number), before) in known:
        return True
    match number:
        case Constant() | Field():
            return True
        case Negate(operand):
            return _has_value(operand, known, before=before)
        case Arithmetic(_, left, right):
            whole = _has_value(left, known, before=before) and _has_value(right, known, before=before)
            return whole and math.isfinite(largest(number))
        case Function(name, arguments):
            first = range_of(arguments[0])
            defined = {"sqrt": first.low >= 0.0, "log": first.low > 0.0}.get(name, True)
            return defined and all(_has_value(argument, known, before=before) for argument in arguments)
        case Apply(indicator, arguments):
            own = indicator in INDICATORS and not INDICATORS[indicator].is_foreign
            fits = math.isfinite(_of_indicator(arguments))
            return own and fits and all(_has_value(argument, NOTHING, before=before) for argument in arguments)


def largest(number: Number) -> float:
    """What a number is never further from 0 than; infinite where it may be too large for a float."""
    bounds = range_of(number)
    size = max(abs(bounds.low), abs(bounds.high))
    match number:
        case Arithmetic("/", left, right):
            divisor = range_of(right)
            least = 0.0 if divisor.low <= 0.0 <= divisor.high else min(abs(divisor.low), abs(divisor.high))
            return largest(left) / least if least else math.inf
        case Arithmetic("*", left, right):
            return largest(left) * largest(right) if size else 0.0
        case Arithmetic(_, left, right):
            return largest(left) + largest(right)
        case Field():
            return min(size, _VOLUME)
        case Apply(_, arguments):
            return min(size, _of_indicator(arguments))
        case Negate(operand):
            return largest(operand)
        case Function("abs" | "min" | "max", arguments):
            return max(map(largest, arguments))
        case Function("sqrt", (operand,)):
            return max(largest(operand), 1.0)
        case Function():
            return 1e3  # of a logarithm of a float
        case _:
            return size


def _of_indicator(arguments: tuple[Number, ...]) -> float:
    reach = _FACTOR + sum(map(largest, arguments))
    return reach * reach
