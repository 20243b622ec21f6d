"""Conditions between parameters, such as ``fast < slow and slow - fast >= 10``: arithmetic and comparisons only."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Constraint:
    """A condition that parameter sets must meet."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        """Raises: ValueError for what is no condition over these names."""
        self.text = text
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"--where {text!r}: found {error.msg}, allowed a comparison such as fast < slow") from None
        self._check(self._tree, names, truth=True)

    def holds(self, params: Mapping[str, float]) -> bool:
        """Whether the set meets it; a division by zero does not."""
        try:
            return bool(self._value(self._tree, params))
        except ZeroDivisionError:
            return False

    def _check(self, node: ast.expr, names: Collection[str], *, truth: bool) -> None:
        match node:
            case ast.BoolOp(values=parts) if truth:
                self._check_all(parts, names, truth=True)
            case ast.UnaryOp(op=ast.Not(), operand=part) if truth:
                self._check(part, names, truth=True)
            case ast.Compare(left=left, ops=ops, comparators=rest) if truth and _known(ops):
                self._check_all((left, *rest), names, truth=False)
            case ast.BinOp(left=left, op=op, right=right) if not truth and type(op) in _ARITHMETIC:
                self._check_all((left, right), names, truth=False)
            case ast.UnaryOp(op=ast.USub(), operand=part) if not truth:
                self._check(part, names, truth=False)
            case ast.Constant(value=int() | float()) if not truth and not isinstance(node.value, bool):
                pass
            case ast.Name(id=name) if not truth and name in names:
                pass
            case _:
                found = ast.unparse(node)
                allowed = f"comparisons over {', '.join(sorted(names))}"
                raise ValueError(f"--where {self.text!r}: found {found!r}, allowed {allowed}")

    def _check_all(self, nodes: Sequence[ast.expr], names: Collection[str], *, truth: bool) -> None:
        for node in nodes:
            self._check(node, names, truth=truth)

    def _value(self, node: ast.expr, params: Mapping[str, float]) -> Any:
        match node:
            case ast.BoolOp(op=op, values=parts):
                return (all if isinstance(op, ast.And) else any)(self._value(part, params) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return not self._value(part, params)
            case ast.UnaryOp(operand=part):
                return -self._value(part, params)
            case ast.BinOp(left=left, op=op, right=right):
                return _ARITHMETIC[type(op)](self._value(left, params), self._value(right, params))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                values = [self._value(part, params) for part in (left, *rest)]
                pairs = zip(ops, values[:-1], values[1:], strict=True)
                return all(_COMPARISONS[type(op)](before, after) for op, before, after in pairs)
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return params[name]
        raise AssertionError("only checked trees are evaluated")


def _known(ops: list[ast.cmpop]) -> bool:
    return all(type(op) in _COMPARISONS for op in ops)
