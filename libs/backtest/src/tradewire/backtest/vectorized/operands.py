"""Numbers of a strategy whose named indicators change with its parameters: resolved once, computed once per value.

A rule is resolved with a *mark* in place of each named indicator (the same call on a field that no market has), so
that one tree serves all parameter sets; an operand puts the indicator of a set where its mark is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeGuard

from tradewire.trading.language.tree import (
    Apply,
    Arithmetic,
    Constant,
    Field,
    Function,
    Negate,
    Number,
    canonical,
    children,
)

MARK = "@"
"""Begins the name of a marked field; no name of the language can."""
CALL = MARK + MARK
"""Begins the name of the field inside a marked call, which stands for the whole call: `sma(mark, 3)` is another."""


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """A number in a rule: its tree with marks, the named indicators marked in it and the parameters behind those."""

    tree: Number
    names: tuple[str, ...]
    behind: tuple[str, ...]

    def written_out(self, named: Mapping[str, Number]) -> Number:
        """The tree with a parameter set's own indicators."""
        return _written_out(self.tree, named) if self.names else self.tree


class Operands:
    """Makes operands, one for all numbers of the same text."""

    def __init__(self, behind: Mapping[str, tuple[str, ...]]) -> None:
        """``behind``: the parameters that each named indicator depends on."""
        self._behind = behind
        self._made: dict[str, Operand] = {}

    def of(self, tree: Number) -> Operand:
        """The number as an operand."""
        text = canonical(tree)
        if text not in self._made:
            names = tuple(dict.fromkeys(_names(tree)))
            behind = sorted({param for name in names for param in self._behind[name]})
            self._made[text] = Operand(tree, names, tuple(behind))
        return self._made[text]


def marked(name: str, tree: Number) -> Number:
    """What stands for the named indicator ``tree``; constants stand for themselves."""
    if isinstance(tree, Constant):
        return tree
    if isinstance(tree, Apply):
        return replace(tree, arguments=(Field(CALL + name),), params=())
    return Field(MARK + name)


def _names(tree: Number) -> list[str]:
    if isinstance(tree, Field):
        return [tree.name.lstrip(MARK)] if tree.name.startswith(MARK) else []
    return [name for child in children(tree) for name in _names(child)]  # type: ignore[arg-type]  # numbers hold numbers


def _written_out(tree: Number, named: Mapping[str, Number]) -> Number:
    if isinstance(tree, Field):
        return named[tree.name.removeprefix(MARK)] if tree.name.startswith(MARK) else tree
    if isinstance(tree, Apply) and len(tree.arguments) == 1 and _is_call(tree.arguments[0]):
        own = named[tree.arguments[0].name.removeprefix(CALL)]
        if isinstance(own, Apply) and own.output != tree.output:
            return replace(own, output=tree.output)
        return own
    match tree:
        case Apply(arguments=arguments) | Function(arguments=arguments):
            return replace(tree, arguments=tuple(_written_out(item, named) for item in arguments))
        case Arithmetic(symbol, left, right):
            return Arithmetic(symbol, _written_out(left, named), _written_out(right, named))
        case Negate(inner):
            return Negate(_written_out(inner, named))
        case _:
            return tree


def _is_call(tree: Number) -> TypeGuard[Field]:
    return isinstance(tree, Field) and tree.name.startswith(CALL)
