"""Between which values a number lies, whatever the market does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tradewire.trading.bounds import PRICE_BOUND
from tradewire.trading.indicators.candlesticks import CANDLESTICKS
from tradewire.trading.language.tree import Apply, Arithmetic, Constant, Field, Function, Negate, Number


class ValueRange(NamedTuple):
    """All values that a number may take: from ``low`` to ``high``, both included."""

    low: float
    high: float


ANYTHING = ValueRange(-math.inf, math.inf)
PRICE = ValueRange(1e-8, float(PRICE_BOUND))
_FIELDS: Mapping[str, ValueRange] = {"volume": ValueRange(0.0, math.inf)}
_PERCENT, _SWING, _ONE, _SIZE = ValueRange(0, 100), ValueRange(-100, 100), ValueRange(-1, 1), ValueRange(0, math.inf)
_PATTERN = ValueRange(-200, 200)
"""Of candlestick patterns that a later bar confirms."""
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
    **{f"{name}.value": _PATTERN if "hikkake" in name else _SWING for name in (one.name for one in CANDLESTICKS)},
    **dict.fromkeys(("cdldoji.value", "cdldragonflydoji.value", "cdlgravestonedoji.value"), _PERCENT),
}
"""Of outputs that are bounded whatever the market does."""


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
        case Apply("highest" | "lowest" | "shift", (series,)):
            return range_of(series)
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
