"""Conditions in two forms, one snapshot at a time and over whole arrays, with three truth values.

A comparison with a missing value is unknown, not false, so that `not` cannot make it true (Kleene's logic:
false and unknown = false, true or unknown = true, else unknown stays unknown).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.numbers import (
    ArrayForm,
    ScalarForm,
    SeriesArrays,
    Snapshot,
    array_form,
    scalar_form,
)
from tradewire.trading.language.ties import SLACK, sizes
from tradewire.trading.language.tree import Comparison, Condition, Crossing, Inverse, Junction, Number, leaves

BoolArray = NDArray[np.bool_]
Truth = bool | None
"""True, False, or None for unknown."""
TruthForm = Callable[[Snapshot, Snapshot], Truth]

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class TruthArrays:
    """Truth on every bar: known true, known false, else unknown; each shape (n,)."""

    true: BoolArray
    false: BoolArray


TruthArrayForm = Callable[[SeriesArrays], TruthArrays]


def truth_form(condition: Condition) -> TruthForm:
    """The condition as a function of the snapshot and the one a bar earlier."""
    match condition:
        case Comparison(symbol, left, right):
            return _comparison(symbol, left, right)
        case Crossing("above", left, right):
            return _crossing(left, right, operator.le, operator.gt)
        case Crossing(_, left, right):
            return _crossing(left, right, operator.ge, operator.lt)
        case Junction(word, items):
            return _junction([truth_form(item) for item in items], decisive=word == "or")
        case Inverse(item):
            inner = truth_form(item)
            return lambda now, before: _inverse(inner(now, before))


def _comparison(symbol: str, left: Number, right: Number) -> TruthForm:
    apart, compare = _apart(left, right), _COMPARE[symbol]

    def truth(now: Snapshot, before: Snapshot) -> Truth:
        distance = apart(now)
        return None if distance != distance else bool(compare(distance, 0.0))

    return truth


def _apart(left: Number, right: Number) -> ScalarForm:
    """How far the left number is above the right, 0 where they are equal; see `ties`."""
    first, second, behind = scalar_form(left), scalar_form(right), sizes(left, right)
    if behind is None:
        return lambda snapshot: first(snapshot) - second(snapshot)
    size, other = map(scalar_form, behind)

    def apart(snapshot: Snapshot) -> float:
        distance = first(snapshot) - second(snapshot)
        return 0.0 if abs(distance) <= SLACK * (size(snapshot) + other(snapshot)) else distance

    return apart


def _crossing(
    left: Number, right: Number, was: Callable[[Any, Any], Any], now_is: Callable[[Any, Any], Any]
) -> TruthForm:
    apart = _apart(left, right)

    def truth(now: Snapshot, before: Snapshot) -> Truth:
        here, there = apart(now), apart(before)
        if here != here or there != there:
            return None
        return bool(was(there, 0.0) and now_is(here, 0.0))

    return truth


def _junction(forms: list[TruthForm], *, decisive: bool) -> TruthForm:
    """`or` is decided by one truth (decisive True), `and` by one falsehood (decisive False)."""

    def truth(now: Snapshot, before: Snapshot) -> Truth:
        unknown = False
        for form in forms:
            value = form(now, before)
            if value is decisive:
                return decisive
            unknown = unknown or value is None
        return None if unknown else not decisive

    return truth


def _inverse(value: Truth) -> Truth:
    return None if value is None else not value


def truth_array_form(condition: Condition, length: int) -> TruthArrayForm:
    """The condition as a function of series, each shape (length,)."""
    match condition:
        case Comparison(symbol, left, right):
            apart, compare = _apart_arrays(left, right, length), _COMPARE[symbol]
            return lambda series: _compared(compare, apart(series))
        case Crossing(direction, left, right):
            return _crossing_arrays(direction == "above", left, right, length)
        case Junction(word, items):
            forms = [truth_array_form(item, length) for item in items]
            join = _any if word == "or" else _all
            return lambda series: join([form(series) for form in forms])
        case Inverse(item):
            inner = truth_array_form(item, length)
            return lambda series: _swapped(inner(series))


def _compared(compare: Callable[[Any, Any], Any], distance: FloatArray) -> TruthArrays:
    known, holds = ~np.isnan(distance), compare(distance, 0.0)
    return TruthArrays(known & holds, known & ~holds)


def _apart_arrays(left: Number, right: Number, length: int) -> ArrayForm:
    """`_apart` on every bar."""
    first, second, behind = array_form(left, length), array_form(right, length), sizes(left, right)

    def plain(series: SeriesArrays) -> FloatArray:
        with np.errstate(over="ignore"):
            return first(series) - second(series)

    if behind is None:
        return plain
    size, other = (array_form(tree, length) for tree in behind)

    def apart(series: SeriesArrays) -> FloatArray:
        distance = plain(series)
        return np.where(np.abs(distance) <= SLACK * (size(series) + other(series)), 0.0, distance)

    return apart


def _crossing_arrays(above: bool, left: Number, right: Number, length: int) -> TruthArrayForm:
    apart = _apart_arrays(left, right, length)
    was, now_is = (operator.le, operator.gt) if above else (operator.ge, operator.lt)
    constant = not [*leaves(left), *leaves(right)]

    def truth(series: SeriesArrays) -> TruthArrays:
        here = apart(series)
        there = here if constant else one_bar_later(here)
        known = ~(np.isnan(here) | np.isnan(there))
        holds = was(there, 0.0) & now_is(here, 0.0)
        return TruthArrays(known & holds, known & ~holds)

    return truth


def one_bar_later(values: FloatArray) -> FloatArray:
    """Each bar's value at the bar after it, shape (n,); NaN at the first."""
    moved = np.empty(len(values))
    moved[:1] = np.nan
    moved[1:] = values[:-1]
    return moved


def _all(parts: list[TruthArrays]) -> TruthArrays:
    return TruthArrays(
        reduce(np.logical_and, [part.true for part in parts]),
        reduce(np.logical_or, [part.false for part in parts]),
    )


def _any(parts: list[TruthArrays]) -> TruthArrays:
    return _swapped(_all([_swapped(part) for part in parts]))


def _swapped(part: TruthArrays) -> TruthArrays:
    return TruthArrays(part.false, part.true)
