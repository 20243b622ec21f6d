"""Expressions after names, parameters and defaults are resolved, and their canonical text.

Two sorts: numbers (a series with one value a bar, or a constant) and conditions. The canonical text parses
back to the same tree, so it serves as the name of a series between services.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

BAR_FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that is the same on every bar."""

    value: float


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the bar: open, high, low, close or volume."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """One output of an indicator. `interval` names the higher interval that the whole subtree is computed on.

    `output` is "" while no output is chosen from an indicator that has several; such a node is no number yet.
    """

    indicator: str
    arguments: tuple[Number, ...]
    params: tuple[float, ...]
    output: str
    single: bool
    interval: str | None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right`, operator one of + - * /."""

    operator: str
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class Negate:
    """`-operand`."""

    operand: Number


@dataclass(frozen=True, slots=True)
class Function:
    """abs, log, sqrt of one number, min or max of several."""

    name: str
    arguments: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`, operator one of < <= > >= == !=."""

    operator: str
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class Crossing:
    """`left` was on one side of `right` (or touched it) one bar ago and is on the other now."""

    direction: Literal["above", "below"]
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or` over two or more conditions; never directly inside one of the same word."""

    word: Literal["and", "or"]
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Inverse:
    """`not condition`."""

    item: Condition


Number = Constant | Field | Apply | Arithmetic | Negate | Function
Condition = Comparison | Crossing | Junction | Inverse
Tree = Number | Condition

MAX_DEPTH, MAX_NODES = 50, 500
"""Largest tree of one rule or series, names written out; it bounds recursion, work and canonical texts."""
_PRODUCT, _SUM = 2, 1


def number_text(value: float) -> str:
    """Shortest text that reads back as the same float; whole numbers without a point."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


def canonical(tree: Tree) -> str:
    """Canonical text of a tree: `ema(close,20)`, `macd(close,12,26,9).signal`, `close>open and volume>0`."""
    match tree:
        case Comparison(operator, left, right):
            return f"{canonical(left)}{operator}{canonical(right)}"
        case Crossing(direction, left, right):
            return f"crossed_{direction}({canonical(left)},{canonical(right)})"
        case Junction(word, items):
            return f" {word} ".join(_junction_item(item) for item in items)
        case Inverse(item):
            return f"not {_grouped(item)}" if isinstance(item, Junction) else f"not {canonical(item)}"
        case _:
            return _number(tree)


def _junction_item(item: Condition) -> str:
    return _grouped(item) if isinstance(item, Junction) else canonical(item)


def _grouped(tree: Tree) -> str:
    return f"({canonical(tree)})"


def _number(tree: Number) -> str:
    match tree:
        case Constant(value):
            return number_text(value)
        case Field(name):
            return name
        case Apply():
            return call_text(tree) + (f".{tree.output}" if tree.output and not tree.single else "")
        case Negate(operand):
            return f"-{_grouped(operand)}" if isinstance(operand, Arithmetic) else f"-{_number(operand)}"
        case Function(name, arguments):
            return f"{name}({','.join(map(_number, arguments))})"
        case Arithmetic(operator, left, right):
            strength = _strength(tree)
            first = _grouped(left) if _strength(left) < strength else _number(left)
            second = _grouped(right) if _strength(right) <= strength else _number(right)
            return f"{first}{operator}{second}"


def _strength(tree: Number) -> int:
    if not isinstance(tree, Arithmetic):
        return _PRODUCT + 1
    return _PRODUCT if tree.operator in "*/" else _SUM


def call_text(node: Apply, interval: str | None = None) -> str:
    """The call without the choice of an output: `macd(close,12,26,9)`, on `interval` where one is given."""
    parts = [_number(argument) for argument in node.arguments]
    parts += [number_text(value) for value in node.params]
    on = interval or node.interval
    if on:
        parts.append(f"interval={on}")
    return f"{node.indicator}({','.join(parts)})"


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees directly inside this one."""
    match tree:
        case Apply(arguments=arguments) | Function(arguments=arguments):
            return arguments
        case Arithmetic(_, left, right) | Comparison(_, left, right) | Crossing(_, left, right):
            return (left, right)
        case Junction(_, items):
            return items
        case Inverse(inner) | Negate(inner):
            return (inner,)
        case _:
            return ()


def leaves(tree: Tree) -> Iterator[Field | Apply]:
    """The series that a rule reads from a snapshot: bar fields and outermost indicator outputs."""
    if isinstance(tree, Field | Apply):
        yield tree
        return
    for child in children(tree):
        yield from leaves(child)


def crossings(tree: Tree) -> Iterator[Crossing]:
    """Every crossing inside the tree."""
    if isinstance(tree, Crossing):
        yield tree
        return
    for child in children(tree):
        yield from crossings(child)


def too_large(tree: Tree) -> bool:
    """Whether the tree has more than MAX_NODES nodes or MAX_DEPTH levels; stops counting there."""
    pending, count = [(tree, 1)], 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            return True
        pending.extend((child, depth + 1) for child in children(node))
    return False
