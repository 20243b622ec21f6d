"""Whether a condition holds on every bar on which another holds, as far as their texts tell."""

from __future__ import annotations

from tradewire.trading.language.constancy import constant_truth
from tradewire.trading.language.tree import Comparison, Condition, Constant, Crossing, Junction, Number, canonical

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_FOLLOWS = {">": (">", ">=", "!="), "<": ("<", "<=", "!="), "==": ("==", ">=", "<="), ">=": (">=",), "<=": ("<=",)}
"""Of each operator: those that hold of the same two numbers, too."""


def implies(condition: Condition, other: Condition) -> bool:
    """Whether `other` is known to hold wherever `condition` does."""
    if canonical(condition) == canonical(other) or constant_truth(other) is True:
        return True
    match condition, other:
        case _, Junction("and", items):
            return all(implies(condition, item) for item in items)
        case Junction("or", items), _:
            return all(implies(item, other) for item in items)
        case Junction("and", items), _ if any(implies(item, other) for item in items):
            return True
        case _, Junction("or", items):
            return any(implies(condition, item) for item in items)
        case Crossing(), Comparison():
            return _compared(_now(condition), other)
        case Comparison(), Comparison():
            return _compared(condition, other)
        case _:
            return False


def _now(crossing: Crossing) -> Comparison:
    """What a crossing says about its own bar."""
    return Comparison(">" if crossing.direction == "above" else "<", crossing.left, crossing.right)


def _compared(one: Comparison, other: Comparison) -> bool:
    if canonical(one.left) != canonical(other.left):
        other = Comparison(_TURNED[other.operator], other.right, other.left)
    if canonical(one.left) != canonical(other.left):
        one = Comparison(_TURNED[one.operator], one.right, one.left)
        other = Comparison(_TURNED[other.operator], other.right, other.left)
    if canonical(one.left) != canonical(other.left):
        return False
    if canonical(one.right) == canonical(other.right):
        return other.operator in _FOLLOWS.get(one.operator, ())
    return _bounded(one.operator, one.right, other.operator, other.right)


def _bounded(operator: str, bound: Number, wanted: str, limit: Number) -> bool:
    """Whether a number that is beyond one constant is beyond another."""
    if not (isinstance(bound, Constant) and isinstance(limit, Constant)):
        return False
    if wanted in (">", ">="):
        return operator in (">", ">=", "==") and bound.value > limit.value
    return wanted in ("<", "<=") and operator in ("<", "<=", "==") and bound.value < limit.value
