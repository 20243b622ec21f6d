"""The rules of a strategy as the steps that compute them over arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.vectorized.numbers import Wanted
from tradewire.backtest.vectorized.operands import Operand
from tradewire.backtest.vectorized.truth import AND, COMPARE, COMPARISONS, CROSS, INVERT, OR, STEP_COLUMNS
from tradewire.trading.language.ties import sizes
from tradewire.trading.language.tree import Comparison, Condition, Constant, Crossing, Inverse, Junction, Number

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.ports.backtest import IntArray

RULES = ("entry_long", "exit_long", "entry_short", "exit_short")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What `truth.signals_of_sets` computes for a set of rules and measures.

    The columns of a set's rows are: values and sizes of ``operands``; where the ones of ``readers`` are complete; the
    ``measures`` (stop, take-profit and trailing distance, volatility; None where not asked for) where they are above 0.
    """

    steps: IntArray
    rules: IntArray
    reads: IntArray
    operands: tuple[tuple[Operand, Wanted], ...]
    readers: tuple[Operand, ...]
    measures: tuple[Operand | None, ...]

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for plans that one call can compute: those that differ in their operands only."""
        asked = tuple(measure is None for measure in self.measures)
        return (self.steps.tobytes(), self.rules.tobytes(), self.reads.tobytes(), len(self.operands), asked)


def plan_of(
    rules: Mapping[str, Condition],
    measures: Sequence[Operand | None],
    waits: Sequence[Operand],
    operand: Callable[[Number], tuple[Operand, Number]],
) -> Plan:
    """The plan of conditions whose named indicators are marked; ``operand`` makes a number of theirs one, and gives it
    as it is without marks.

    ``waits``: what must have a value beside what the rules read.
    """
    writer = _Writer(operand)
    registers = [writer.write(rules[name]) if name in rules else -1 for name in RULES]
    for item in waits:
        writer.before.setdefault(item, False)
    first = len(writer.columns)
    reads = [(first + place, int(before)) for place, before in enumerate(writer.before.values())]
    asked = sum(measure is not None for measure in measures)
    reads += [(first + len(writer.before) + place, 0) for place in range(asked)]
    return Plan(
        np.array(writer.steps, dtype=np.int64).reshape(-1, STEP_COLUMNS),
        np.array(registers, dtype=np.int64),
        np.array(reads, dtype=np.int64).reshape(-1, 2),
        tuple(writer.columns),
        tuple(writer.before),
        tuple(measures),
    )


class _Writer:
    """Writes a condition's steps, inner ones first."""

    def __init__(self, operand: Callable[[Number], tuple[Operand, Number]]) -> None:
        self._operand = operand
        self.steps: list[tuple[int, ...]] = []
        self.columns: dict[tuple[Operand, Wanted], int] = {}
        self.before: dict[Operand, bool] = {}

    def write(self, condition: Condition) -> int:
        """The register that will hold the condition's truth."""
        match condition:
            case Comparison(symbol, left, right):
                return self._judge(COMPARE, COMPARISONS[symbol], (left, right))
            case Crossing(direction, left, right):
                return self._judge(CROSS, int(direction == "above"), (left, right))
            case Junction(word, items):
                does = OR if word == "or" else AND
                return reduce(lambda one, other: self._step(does, 0, one, other), map(self.write, items))
            case Inverse(item):
                return self._step(INVERT, 0, self.write(item), 0)

    def _judge(self, does: int, code: int, pair: tuple[Number, Number]) -> int:
        """A comparison or crossing of two numbers, by their sizes where they have any."""
        (left, plain_left), (right, plain_right) = map(self._operand, pair)
        first, second = (self._read(item, before=does == CROSS) for item in (left, right))
        if sizes(plain_left, plain_right) is None:
            return self._step(does, code, first, second)
        return self._step(does, code, first, second, *(self._column(item, Wanted.SIZE) for item in (left, right)))

    def _step(self, does: int, code: int, first: int, second: int, size: int = -1, other: int = -1) -> int:
        self.steps.append((does, code, first, second, len(self.steps), size, other))
        return len(self.steps) - 1

    def _read(self, item: Operand, *, before: bool) -> int:
        if not isinstance(item.tree, Constant):
            self.before[item] = self.before.get(item, False) or before
        return self._column(item, Wanted.VALUE)

    def _column(self, item: Operand, what: Wanted) -> int:
        return self.columns.setdefault((item, what), len(self.columns))
