"""A condition as the steps that compute it over arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tradewire.backtest.vectorized.operands import Operand, Operands
from tradewire.backtest.vectorized.truth import COMPARISONS, FALSE, TRUE
from tradewire.trading.language.tree import Comparison, Condition, Constant, Crossing, Inverse, Junction


class Step(Enum):
    """What a plan does with its operands or parts."""

    COMPARE = auto()
    CROSS = auto()
    JOIN = auto()
    INVERT = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One step. ``code``: the comparison, 1 for a crossing from below, the decisive truth of a junction.

    ``behind``: the parameters that its truth depends on, beside those that the rule itself names.
    """

    step: Step
    code: int
    operands: tuple[Operand, ...]
    parts: tuple[Plan, ...]
    behind: tuple[str, ...]

    def reads(self) -> list[tuple[Operand, bool]]:
        """Operands that read series, and whether also a bar earlier."""
        own = [(item, self.step is Step.CROSS) for item in self.operands if not isinstance(item.tree, Constant)]
        return own + [read for part in self.parts for read in part.reads()]


def plan_of(condition: Condition, operands: Operands) -> Plan:
    """The steps of a condition whose named indicators are marked."""
    match condition:
        case Comparison(symbol, left, right):
            return _leaf(Step.COMPARE, COMPARISONS[symbol], (operands.of(left), operands.of(right)))
        case Crossing(direction, left, right):
            return _leaf(Step.CROSS, int(direction == "above"), (operands.of(left), operands.of(right)))
        case Junction(word, items):
            parts = tuple(plan_of(item, operands) for item in items)
            return Plan(Step.JOIN, int(TRUE if word == "or" else FALSE), (), parts, _union(parts))
        case Inverse(item):
            inner = plan_of(item, operands)
            return Plan(Step.INVERT, 0, (), (inner,), inner.behind)


def _leaf(step: Step, code: int, operands: tuple[Operand, Operand]) -> Plan:
    return Plan(step, code, operands, (), _union(operands))


def _union(items: Sequence[Operand | Plan]) -> tuple[str, ...]:
    return tuple(sorted({param for item in items for param in item.behind}))
