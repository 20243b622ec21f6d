"""Which of two numbers is never above the other, from what they are made of.

A bar's prices lie between its low and its high; the highest of some bars is none of them exceeded, and an average lies
between the lowest and the highest that it is of. What is said of an average holds of its decimals, and rules compare
those (see `ties`).
"""

from __future__ import annotations

from typing import NamedTuple

from tradewire.trading.language.ranges import range_of
from tradewire.trading.language.tree import Apply, Field, Function, Number, canonical

_PRICES = {("low", "open"), ("low", "close"), ("low", "high"), ("open", "high"), ("close", "high")}
"""Of a bar's prices, which is never above which."""
_LINES = {("lower", "middle"), ("lower", "upper"), ("middle", "upper")}
_BANDS = frozenset({"bollinger", "keltner", "donchian"})
"""Indicators whose lines, of the same call, never change places."""
_AVERAGES = frozenset({"sma", "wma", "midpoint"})
"""Between the lowest and the highest of the same bars of their series."""
_LONGEST = 200
"""Bars of an average whose rounding is surely within what passes for equal (`ties`)."""
_OF_BAR = frozenset({"typprice", "medprice", "wclprice", "avgprice"})
"""Between the low and the high of the bar."""


class Extreme(NamedTuple):
    """The ``most`` or the least of a number over the bars from ``first`` to ``last`` ago, both included."""

    number: Number
    most: bool
    first: int
    last: int

    @property
    def single(self) -> bool:
        """Whether it is of one bar, and so both the most and the least."""
        return self.first == self.last


def never_above(left: Number, right: Number) -> bool:
    """Whether ``left`` is known to be never above ``right`` of the same bar, where both have a value."""
    if canonical(left) == canonical(right) or range_of(left).high <= range_of(right).low:
        return True
    match left, right:
        case Field(one), Field(other):
            return (one, other) in _PRICES
        case Function("max", parts), _:
            return all(never_above(part, right) for part in parts)
        case _, Function("min", parts):
            return all(never_above(left, part) for part in parts)
        case Function("min", parts), _ if any(never_above(part, right) for part in parts):
            return True
        case _, Function("max", parts):
            return any(never_above(left, part) for part in parts)
        case Apply(), Apply() if _same_call(left, right):
            return (left.output, right.output) in _LINES
        case _:
            return _extremes(left, right)


def _same_call(left: Apply, right: Apply) -> bool:
    calls = {(one.indicator, one.arguments, one.params, one.interval) for one in (left, right)}
    return left.indicator in _BANDS and len(calls) == 1


def _extremes(left: Number, right: Number) -> bool:
    """Whether the most that ``left`` can be is never above the least that ``right`` can be."""
    over, under = _bound(left, most=True), _bound(right, most=False)
    if over is None or under is None or not (isinstance(left, Apply) or isinstance(right, Apply)):
        return False
    return _within(over, under) and _base_never_above(over.number, under.number)


def _within(over: Extreme, under: Extreme) -> bool:
    """Whether the bars of both are such that what holds bar by bar holds of the extremes."""
    if (over.most or over.single) and (under.most or under.single):
        return under.first <= over.first and over.last <= under.last
    if not (over.most and not over.single) and not (under.most and not under.single):
        return over.first <= under.first and under.last <= over.last
    return not over.most and under.most and over.first <= under.last and under.first <= over.last


def _base_never_above(left: Number, right: Number) -> bool:
    return not isinstance(left, Apply) and not isinstance(right, Apply) and never_above(left, right)


def _bound(number: Number, *, most: bool) -> Extreme | None:
    """An extreme that the number never exceeds (``most``) or never falls below; None where none is known."""
    if not isinstance(number, Apply):
        return Extreme(number, most, 0, 0) if _is_price(number) else None
    if number.interval is not None:
        return None  # its bars are not those of the rule
    bars = int(number.params[0]) if number.params else 1
    field = Field("high" if most else "low")
    match number:
        case Apply("highest" | "lowest" | "shift" as name, (series,)):
            return _moved(series, name, bars)
        case Apply(name, (series,)) if name in _AVERAGES and bars <= _LONGEST and _is_price(series):
            return Extreme(series, most, 0, bars - 1)
        case Apply("donchian", output=line):
            upper = line == "upper" or (line == "middle" and most)
            return Extreme(Field("high" if upper else "low"), upper, 0, bars - 1)
        case Apply("midprice"):
            return Extreme(field, most, 0, bars - 1)
        case Apply(name) if name in _OF_BAR:
            return Extreme(field, most, 0, 0)
        case _:
            return None


def _moved(series: Number, name: str, bars: int) -> Extreme | None:
    """The extreme that highest, lowest or shift of a series of prices, or of extremes of them, is."""
    inner = _exactly(series)
    if inner is None:
        return None
    if name == "shift":
        return Extreme(inner.number, inner.most, inner.first + bars, inner.last + bars)
    most = name == "highest"
    if not inner.single and inner.most is not most:
        return None
    return Extreme(inner.number, most, inner.first, inner.last + bars - 1)


def _exactly(series: Number) -> Extreme | None:
    """The extreme that a series is, not only bounded by; None where it is none."""
    if not isinstance(series, Apply):
        return Extreme(series, True, 0, 0) if _is_price(series) else None
    exact = series.indicator in ("highest", "lowest", "shift") or (
        series.indicator == "donchian" and series.output != "middle"
    )
    return _bound(series, most=True) if exact else None


def _is_price(number: Number) -> bool:
    """Whether it is a field of the bar, or the least or largest of some: known on every bar, and not rounded."""
    match number:
        case Field():
            return True
        case Function("min" | "max", parts):
            return all(map(_is_price, parts))
        case _:
            return False
