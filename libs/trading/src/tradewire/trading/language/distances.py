"""How far one number of a comparison can be above the other: its sign, and its bounds as a sum of parts.

A comparison is of the distance left - right with zero. Where rules compare decimals (`ties.sizes`), the distance is
taken apart into parts with exact factors, so that what stands on both sides cancels; else each side is one part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product

from tradewire.trading.language.missing import largest
from tradewire.trading.language.ranges import range_of
from tradewire.trading.language.relations import never_above
from tradewire.trading.language.ties import SLACK, sizes
from tradewire.trading.language.tree import Arithmetic, Constant, Negate, Number, canonical

Parts = Mapping[str, tuple[Number, Fraction]]
"""Each part with its factor, by its canonical text."""


@dataclass(frozen=True, slots=True)
class Distance:
    """``parts`` times their factors, and ``constant``: what left - right is.

    ``margin``: how far from zero the distance of a comparison can be that passes for equal; 0 where none can.
    """

    parts: Parts
    constant: Fraction
    margin: float

    @property
    def low(self) -> Fraction | float:
        """What it is never below."""
        return -self._opposite().high

    @property
    def high(self) -> Fraction | float:
        """What it is never above: parts never above others cancel against those, the rest are at their ends."""
        above = {text: factor for text, (_, factor) in self.parts.items() if factor > 0}
        below = {text: -factor for text, (_, factor) in self.parts.items() if factor < 0}
        for up, down in product(above, below):
            both = min(above[up], below[down])
            if both and never_above(self.parts[up][0], self.parts[down][0]):
                above[up] -= both
                below[down] -= both
        ends = [(factor, range_of(self.parts[text][0]).high) for text, factor in above.items() if factor]
        ends += [(-factor, range_of(self.parts[text][0]).low) for text, factor in below.items() if factor]
        if any(math.isinf(end) for _, end in ends):
            return math.inf
        return self.constant + sum((factor * exact(end) for factor, end in ends), Fraction(0))

    def _opposite(self) -> Distance:
        turned = {text: (part, -factor) for text, (part, factor) in self.parts.items()}
        return Distance(turned, -self.constant, self.margin)

    def signs(self) -> frozenset[int]:
        """Which of -1, 0 and 1 its comparison with zero can be of."""
        low, high = self.low, self.high
        below = {-1} if low < 0 else set()
        above = {1} if high > 0 else set()
        equal = {0} if low <= self.margin and high >= -self.margin else set()
        return frozenset(below | above | equal)


def distance_of(left: Number, right: Number) -> Distance:
    """The distance of a comparison."""
    behind = sizes(left, right)
    parts: dict[str, tuple[Number, Fraction]] = {}
    constant = Fraction(0)
    apart = behind is not None
    for side, factor in ((left, Fraction(1)), (right, Fraction(-1))):
        for part, own in _parts(side, factor, apart=apart):
            if isinstance(part, Constant):
                constant += own * exact(part.value)
                continue
            text = canonical(part)
            total = own + parts.get(text, (part, Fraction(0)))[1]
            parts[text] = (part, total)
    exactly = behind is None or (_added(left, right, behind) and math.isfinite(sum(map(largest, behind))))
    margin = 0.0 if behind is None or exactly else _margin(behind)
    return Distance({text: found for text, found in parts.items() if found[1]}, constant, margin)


def _margin(behind: tuple[Number, Number]) -> float:
    return 2.0 * SLACK * sum(range_of(size).high for size in behind)


def _added(left: Number, right: Number, behind: tuple[Number, Number]) -> bool:
    """Whether the distance is the whole size: no side is a difference, and one is below 0 where the other is not."""
    whole = all(
        canonical(side.operand if isinstance(side, Negate) else side) == canonical(size)
        for side, size in zip((left, right), behind, strict=True)
    )
    one, other = range_of(left), range_of(right)
    return whole and (one.high < 0 <= other.low or other.high < 0 <= one.low)


def _parts(number: Number, factor: Fraction, *, apart: bool) -> Iterator[tuple[Number, Fraction]]:
    """The parts of a number with their factors; the number as one part unless it may be taken ``apart``."""
    match number:
        case Arithmetic("+" | "-" as operator, left, right) if apart:
            yield from _parts(left, factor, apart=True)
            yield from _parts(right, factor if operator == "+" else -factor, apart=True)
        case Arithmetic("*", Constant(value), other) | Arithmetic("*", other, Constant(value)) if apart:
            yield from _parts(other, factor * exact(value), apart=True)
        case Arithmetic("/", other, Constant(value)) if apart and value:
            yield from _parts(other, factor / exact(value), apart=True)
        case Negate(operand) if apart:
            yield from _parts(operand, -factor, apart=True)
        case _:
            yield number, factor


def exact(value: float) -> Fraction:
    """The decimal that a float is written as."""
    return Fraction(Decimal(repr(float(value))))
