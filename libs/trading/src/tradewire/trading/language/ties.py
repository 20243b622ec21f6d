"""When two numbers of a rule are equal: of sums, differences and averages of decimals, not of the floats they round to.

Prices are decimals, and arithmetic with floats rounds: 100.3 - 100.2 is below 0.1, and the mean of three prices may
miss the price that it equals. So where both sides of a comparison are made of prices and constants by arithmetic and
averages, two numbers are equal that are within `SLACK` of the sizes behind them.

The size of a number is what it would be if no part of it were taken from another: of `close - open` it is
`close + open`. A float is off from its decimal by at most u = 2⁻⁵³ of itself, an operation by u of its result, and a
mean of n numbers by n · u of their size, so that a number made by k operations is off by at most (k + n + 1) · u of its
size: by less than `SLACK`, 2⁻⁴⁵, for k + n up to 255, and by far less in most markets. What is not equal differs by a
tick, or by a tick's part of an average: numbers of 13 digits are told apart.

Where either side is no such combination (a recursive average, an oscillator, a root), floats are compared as they are:
there are no decimals behind them. So they are where both sides are exact: equal decimals are equal floats.
"""

from __future__ import annotations

from decimal import Decimal

from tradewire.trading.language.tree import (
    Apply,
    Arithmetic,
    Constant,
    Field,
    Function,
    Negate,
    Number,
    children,
)

SLACK = 2.0**-45
DIGITS = 15
"""Any decimal of so many digits is told apart by the floats that are nearest to them."""
_CHOSEN = frozenset({"shift", "highest", "lowest"})
"""Each value is one of the series."""
_MEANS = frozenset(
    {"sma", "wma", "sum", "midpoint", "midprice", "typprice", "medprice", "wclprice", "avgprice", "donchian"}
)
"""Each value is a sum of others with weights from 0 on."""
_BESIDE = {
    "momentum": 2.0,
    "linreg": 4.0,
    "linreg_intercept": 4.0,
    "linreg_slope": 2.0,
    "tsf": 4.0,
}
"""Differences: beside its own, so many times the size of the series bounds what is taken from each other."""
_RATES = {"roc": 200.0, "rocp": 2.0}
"""Ratios of two values less one, times 100 or not."""


def sizes(left: Number, right: Number) -> tuple[Number, Number] | None:
    """Sizes of two numbers that are compared as decimals; None where floats are compared as they are."""
    if _is_exact(left) and _is_exact(right):
        return None
    first, second = size_of(left), size_of(right)
    return None if first is None or second is None else (first, second)


def size_of(tree: Number) -> Number | None:
    """The size of a number, as a number of the same bar; None where it is no combination of decimals."""
    match tree:
        case Constant(value):
            return Constant(abs(value))
        case Field():
            return tree
        case Negate(operand):
            return size_of(operand)
        case Arithmetic(operator, left, right):
            return _of_arithmetic(operator, left, right)
        case Function("abs" | "min" | "max", arguments):
            parts = [size_of(argument) for argument in arguments]
            found = [part for part in parts if part is not None]
            if len(found) < len(parts):
                return None
            return found[0] if len(found) == 1 else Function("max", tuple(found))
        case Apply():
            return _of_indicator(tree)
        case _:
            return None


def _of_arithmetic(operator: str, left: Number, right: Number) -> Number | None:
    first, second = size_of(left), size_of(right)
    if first is None or second is None:
        return None
    if operator != "/":
        return Arithmetic("*" if operator == "*" else "+", first, second)
    if second == right:
        return Arithmetic("/", first, right)
    below = Function("abs", (right,))
    return Arithmetic("*", Arithmetic("/", first, below), Arithmetic("/", second, below))


def _of_indicator(tree: Apply) -> Number | None:
    inner = [size_of(argument) for argument in tree.arguments]
    parts = [part for part in inner if part is not None]
    if len(parts) < len(inner):
        return None
    own = Function("abs", (tree,))
    if tree.indicator in _CHOSEN | _MEANS or (tree.indicator, tree.output) == ("bollinger", "middle"):
        if tuple(parts) == tree.arguments:
            return tree  # nothing is taken from another
        return Arithmetic("+", own, parts[0]) if _of_fields(tree) else None
    if tree.indicator == "trange":
        return Arithmetic("+", tree, Arithmetic("*", Constant(2.0), Field("high")))
    if tree.indicator in _RATES and tuple(parts) == tree.arguments:
        return Arithmetic("+", own, Constant(_RATES[tree.indicator]))
    if tree.indicator in _BESIDE and _of_fields(tree):
        return Arithmetic("+", own, Arithmetic("*", Constant(_BESIDE[tree.indicator]), parts[0]))
    return None


def _of_fields(tree: Apply) -> bool:
    """Whether the series of an indicator is made of the bar's fields alone, so that every snapshot has its size."""
    return not any(_holds_indicator(argument) for argument in tree.arguments)


def _holds_indicator(tree: Number) -> bool:
    return isinstance(tree, Apply) or any(_holds_indicator(child) for child in children(tree))  # type: ignore[arg-type]  # numbers hold numbers


def _is_exact(tree: Number) -> bool:
    """Whether a number is a decimal of the market or the file as it stands."""
    match tree:
        case Constant(value):  # one of more digits is what constants came to: 0.1 + 0.2
            return len(Decimal(repr(value)).normalize().as_tuple().digits) <= DIGITS
        case _:
            return _is_of_market(tree)


def _is_of_market(tree: Number) -> bool:
    """Whether a number is always one of those that the market shows."""
    match tree:
        case Field() | Apply("donchian", output="upper" | "lower"):
            return True
        case Negate(operand):
            return _is_of_market(operand)
        case Function("abs" | "min" | "max", arguments):
            return all(map(_is_of_market, arguments))
        case Apply(name, arguments) if name in _CHOSEN:
            return all(map(_is_of_market, arguments))
        case _:
            return False
