"""What a sweep searches: the values of each parameter, and the conditions between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from tradewire.backtest.sweeps.constraint import Constraint
from tradewire.trading.language import ParamRange, StrategyDocument
from tradewire.trading.language.tree import number_text
from tradewire.trading.spelling import nearest_word

LEVELS_MAX = 1_000_000
Levels = tuple[float, ...]
ParamSet = tuple[float, ...]
"""One value per name of the space, in its order."""
FORMS = "NAME, NAME=LOW:HIGH:STEP or NAME=A,B,C"
"""How a parameter is named."""


@dataclass(frozen=True, slots=True)
class Space:
    """``levels``: values in increasing or given order, by parameter; sets run with the last parameter fastest."""

    levels: Mapping[str, Levels]
    constraints: tuple[Constraint, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters, in the order of a set's values."""
        return tuple(self.levels)

    @property
    def size(self) -> int:
        """Sets before constraints."""
        return math.prod(len(values) for values in self.levels.values())

    def allows(self, values: ParamSet) -> bool:
        """Whether a set meets the constraints."""
        named = dict(zip(self.names, values, strict=True))
        return all(constraint.holds(named) for constraint in self.constraints)

    def sets(self) -> Iterator[ParamSet]:
        """Every set that the constraints allow, in order."""
        return filter(self.allows, product(*self.levels.values()))

    def count(self) -> int:
        """Sets that the constraints allow."""
        return sum(1 for _ in self.sets()) if self.constraints else self.size

    def at(self, number: int) -> ParamSet:
        """The set at a place of the whole order, constraints aside."""
        values = []
        for levels in reversed(list(self.levels.values())):
            number, place = divmod(number, len(levels))
            values.append(levels[place])
        return tuple(reversed(values))


def parse_space(document: StrategyDocument, words: Sequence[str], conditions: Sequence[str] = ()) -> Space:
    """The space of ``NAME=LOW:HIGH:STEP``, ``NAME=A,B,C`` or ``NAME`` (its range in the file); no words: all of it.

    Raises: ValueError for what is unknown, malformed or outside the file's range, and for a space without a set.
    """
    if not document.params:
        raise ValueError(f"{document.id} has no params; write params: {{fast: {{default: 12, low: 5, high: 60}}}}")
    levels: dict[str, Levels] = {}
    for word in words or list(document.params):
        name, _, text = word.partition("=")
        name = name.strip()
        if name in levels:
            raise ValueError(f"--params: found {name} twice, allowed once")
        span = _span(document, name)
        levels[name] = _within(name, _levels(name, text, span), span)
    space = Space(levels, tuple(Constraint(text, levels) for text in conditions))
    if not list(islice(space.sets(), 1)):
        raise ValueError(f"no parameter set meets --where {' and '.join(conditions)}")
    return space


def _span(document: StrategyDocument, name: str) -> ParamRange:
    if name not in document.params:
        near = nearest_word(name, document.params)
        hint = f"; did you mean {near}?" if near else ""
        raise ValueError(f"--params: found {name!r}, allowed {', '.join(document.params)}, as {FORMS}{hint}")
    return document.params[name]


def _levels(name: str, text: str, span: ParamRange) -> Levels:
    if not text and "=" not in name:
        if span.step is None:
            raise ValueError(f"--params: {name} has no step in the file; write {name}={span.low:g}:{span.high:g}:STEP")
        return _steps(name, span.low, span.high, span.step)
    try:
        if ":" in text:
            low, high, step = (float(part) for part in text.split(":"))
            return _steps(name, low, high, step)
        return tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError as error:
        if str(error).startswith("--params"):
            raise
        raise ValueError(f"--params: found {name}={text}, allowed {name}=LOW:HIGH:STEP or {name}=A,B,C") from None


def _steps(name: str, low: float, high: float, step: float) -> Levels:
    """Both ends included; a hair of a step is forgiven to rounding."""
    if not (math.isfinite(low) and math.isfinite(high) and low <= high and step > 0.0):
        raise ValueError(f"--params: found {name}={low:g}:{high:g}:{step:g}, allowed LOW <= HIGH and STEP > 0")
    count = math.floor((high - low) / step + 1e-9) + 1
    if count > LEVELS_MAX:
        raise ValueError(f"--params: found {count:,} values of {name}, allowed {LEVELS_MAX:,}")
    return tuple(round(low + step * number, 12) for number in range(count))


def _within(name: str, levels: Levels, span: ParamRange) -> Levels:
    for value in levels:
        if not span.low <= value <= span.high:
            allowed = f"{number_text(span.low)} to {number_text(span.high)} (the file's)"
            raise ValueError(f"--params: found {name}={number_text(value)}, allowed {allowed}")
        if span.whole and value != int(value):
            raise ValueError(f"--params: found {name}={number_text(value)}, allowed whole numbers")
    return levels
