"""Conditions whose truth is known without a market: what can never hold, and what can never fail.

A condition holds when all of some comparisons hold, or all of some others. Such a set is impossible when a comparison
is (its distance has no sign that it allows), when two comparisons of the same numbers allow no sign in common, or when
several bound the same sum of numbers to an empty range. A condition is always true when its opposite is impossible, and
the comparisons that show it can not be unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tradewire.trading.language.distances import Distance, distance_of
from tradewire.trading.language.missing import NOTHING, Known, decides, known_where
from tradewire.trading.language.rules import Truth
from tradewire.trading.language.tree import Comparison, Condition, Crossing, Inverse, Junction, Number, canonical

_SIGNS = {
    "<": frozenset({-1}),
    "<=": frozenset({-1, 0}),
    "==": frozenset({0}),
    "!=": frozenset({-1, 1}),
    ">=": frozenset({0, 1}),
    ">": frozenset({1}),
}
"""Of each operator: the signs of left - right for which it holds."""
_MOST_CASES = 64
"""Sets of comparisons that are looked at; a condition of more is taken to be possible."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """That left - right is of one of these signs, on the bar or on the one ``before``."""

    left: Number
    right: Number
    signs: frozenset[int]
    before: bool = False


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A condition, or its opposite, of which nothing more is known."""

    text: str
    holds: bool


_Case = Sequence[_Claim | _Unknown]


def constant_truth(condition: Condition) -> Truth:
    """Whether the condition holds on every bar after the warm-up, or on none; None when that depends."""
    if never_holds(condition):
        return False
    return True if always_holds(condition) else None


def never_holds(*conditions: Condition) -> bool:
    """Whether no bar can be one on which all of the conditions hold."""
    cases = _cases(Junction("and", conditions), holds=True)
    return cases is not None and all(map(_impossible, cases))


def always_holds(condition: Condition, *, given: Sequence[Condition] = ()) -> bool:
    """Whether the condition is true on every bar after the warm-up, or on every one on which all ``given`` hold.

    It is not where it is unknown, as a number of it has no value.
    """
    known = NOTHING.union(*map(known_where, given))
    cases = _all_of([*(_cases(one, holds=True) for one in given), _cases(condition, holds=False, known=known)])
    return all(map(_impossible, cases))


def _cases(condition: Condition, *, holds: bool, known: Known | None = None) -> list[_Case] | None:
    """The sets of claims of which one must be met whole for the condition to hold, or not; None for too many.

    With ``known``, numbers that have a value, comparisons that may be unknown claim nothing.
    """
    match condition:
        case Inverse(item):
            return _cases(item, holds=not holds, known=known)
        case Junction(word, items):
            parts = [_cases(item, holds=holds, known=known) for item in items]
            return _all_of(parts) if (word == "and") is holds else _any_of(parts)
        case Comparison() | Crossing() if known is not None and not decides(condition, known):
            return [[]]
        case Comparison(operator, left, right):
            signs = _SIGNS[operator]
            return [[_Claim(left, right, signs if holds else frozenset({-1, 0, 1}) - signs)]]
        case Crossing(direction, left, right):
            now, was = (">", "<=") if direction == "above" else ("<", ">=")
            claims = [_Claim(left, right, _SIGNS[now]), _Claim(left, right, _SIGNS[was], before=True)] if holds else []
            return [[_Unknown(canonical(condition), holds), *claims]]


def _any_of(parts: Sequence[list[_Case] | None]) -> list[_Case] | None:
    found: list[_Case] = []
    for part in parts:
        if part is None or len(found) + len(part) > _MOST_CASES:
            return None
        found += part
    return found


def _all_of(parts: Sequence[list[_Case] | None]) -> list[_Case]:
    """Every choice of one case of each part; of parts that are too many, those that are left decide alone."""
    found: list[_Case] = [[]]
    for part in sorted((part for part in parts if part is not None), key=len):
        if len(found) * len(part) > _MOST_CASES:
            break
        found = [[*one, *other] for one in found for other in part]
    return found


def _impossible(case: _Case) -> bool:
    """Whether the claims can not all be met."""
    unknown = {(one.text, one.holds) for one in case if isinstance(one, _Unknown)}
    if any((text, not holds) in unknown for text, holds in unknown):
        return True
    claims = [one for one in case if isinstance(one, _Claim)]
    distances = [distance_of(claim.left, claim.right) for claim in claims]
    return any(map(_no_sign, claims, distances)) or _no_common_sign(claims) or _no_common_range(claims, distances)


def _no_sign(claim: _Claim, distance: Distance) -> bool:
    return not claim.signs & distance.signs()


def _no_common_sign(claims: Sequence[_Claim]) -> bool:
    """Whether two claims about the same two numbers contradict each other."""
    left_over: dict[tuple[str, str, bool], frozenset[int]] = {}
    for claim in claims:
        first, second = canonical(claim.left), canonical(claim.right)
        turned = second < first
        key = (second, first, claim.before) if turned else (first, second, claim.before)
        signs = frozenset(-sign for sign in claim.signs) if turned else claim.signs
        left_over[key] = left_over.get(key, signs) & signs
    return not all(left_over.values())


def _no_common_range(claims: Sequence[_Claim], distances: Sequence[Distance]) -> bool:
    """Whether claims about the same sum of parts leave it no value."""
    ranges: dict[tuple[object, ...], list[_Bound]] = {}
    for claim, distance in zip(claims, distances, strict=True):
        if distance.parts:
            scale = next(iter(sorted(distance.parts.items())))[1][1]
            shape = tuple(sorted((text, factor / scale) for text, (_, factor) in distance.parts.items()))
            ranges.setdefault((claim.before, shape), []).extend(_bounds(claim, distance, scale))
    return any(map(_empty, ranges.values()))


@dataclass(frozen=True, slots=True)
class _Bound:
    """A lower or ``upper`` bound; ``open``: it is itself not reached."""

    value: Fraction | float
    upper: bool
    open: bool


def _bounds(claim: _Claim, distance: Distance, scale: Fraction) -> Iterator[_Bound]:
    """Bounds of parts / scale, by the claim and by what the distance can be at all."""
    ends = [(distance.low, False, False), (distance.high, True, False)]
    reach = distance.margin if math.isinf(distance.margin) else Fraction(distance.margin)
    if 1 not in claim.signs:
        strict = 0 not in claim.signs
        ends.append((Fraction(0) if strict else reach, True, strict))
    if -1 not in claim.signs:
        strict = 0 not in claim.signs
        ends.append((Fraction(0) if strict else -reach, False, strict))
    for end, upper, strict in ends:
        if not (isinstance(end, float) and math.isinf(end)):
            yield _Bound((Fraction(end) - distance.constant) / scale, upper if scale > 0 else not upper, strict)


def _empty(bounds: Sequence[_Bound]) -> bool:
    lows = [bound for bound in bounds if not bound.upper]
    highs = [bound for bound in bounds if bound.upper]
    return any(
        low.value > high.value or (low.value == high.value and (low.open or high.open))
        for low in lows
        for high in highs
    )
