"""Warnings about strategies that run, and hardly do what their author means."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from tradewire.trading.language.compiled import Rule
from tradewire.trading.language.constancy import always_holds, constant_truth, never_holds
from tradewire.trading.language.document import StrategyDocument
from tradewire.trading.language.errors import StrategyError
from tradewire.trading.language.rules import Truth
from tradewire.trading.language.tree import (
    Apply,
    Comparison,
    Condition,
    Crossing,
    Junction,
    Number,
    canonical,
)

_SIDES = (("entry_long", "exit_long", "entry_short", "long"), ("entry_short", "exit_short", "entry_long", "short"))
"""Of each side: its entry, its exit, the entry of the other side, and its name."""
RuleAt = Callable[[str, Mapping[str, float]], Condition | None]
"""The condition of a rule by name at other values of parameters."""
_EXTREMES = frozenset({"highest", "lowest", "donchian"})
_MOST_VALUES = 64
"""Values of the parameters of a rule at which it is looked at."""


def advice_on(document: StrategyDocument, rules: Sequence[Rule], rule_at: RuleAt) -> Iterator[StrategyError]:
    """A warning at its line for each rule that is constant, position that nothing closes, and entry without effect."""
    truths = {rule.name: _truth(document, rule, rule_at) for rule in rules}
    for rule in rules:
        if (truth := truths[rule.name]) is not None:
            whatever = ", whatever its parameters are" if _params_of(document, rule) else ""
            yield _at(document, rule.name, *_constant(rule, whatever, truth=truth))
    yield from _never_acting(document, rules)
    for entry, leave, other, side in _SIDES:
        if not _may_hold(truths, entry) or _may_hold(truths, leave):
            continue
        if not document.protect:
            yield _at(document, entry, *_never_left(entry, leave, side, written=leave in truths))
        if _may_hold(truths, other):
            yield _at(
                document,
                other,
                f"`{other}` has no effect while a {side} position is held: it acts only together with `{leave}`",
                f"to reverse, add `{leave}` with the same condition",
            )


def _never_acting(document: StrategyDocument, rules: Sequence[Rule]) -> Iterator[StrategyError]:
    """A warning for each entry that is always cancelled: by the exit of its side, or by the entry of the other."""
    conditions = {
        rule.name: rule.condition
        for rule in rules
        if constant_truth(rule.condition) is not False and not _params_of(document, rule)
    }
    for entry, leave, other, _ in _SIDES:
        if entry not in conditions:
            continue
        if leave in conditions and always_holds(conditions[leave], given=[conditions[entry]]):
            said = f"`{entry}` never acts: whenever it holds, `{leave}` holds, too, and an exit comes first"
            yield _at(document, entry, said, f"let `{leave}` hold on other bars than `{entry}`")
        elif other in conditions and always_holds(conditions[other], given=[conditions[entry]]):
            away = other.replace("entry", "exit")
            but = f", unless `{away}` cancels `{other}`" if away in document.rules else ""
            said = f"`{entry}` never acts{but}: whenever it holds, `{other}` holds, too, and of both none acts"
            yield _at(document, entry, said, f"let `{other}` hold on other bars than `{entry}`")


def _truth(document: StrategyDocument, rule: Rule, rule_at: RuleAt) -> Truth:
    """The truth of a rule that is the same on every bar, and at every value of its parameters."""
    names = _params_of(document, rule)
    if not names:
        return constant_truth(rule.condition)
    ranges = [document.params[name] for name in names]
    if not all(one.whole for one in ranges) or math.prod(one.high - one.low + 1 for one in ranges) > _MOST_VALUES:
        return None
    truth = None
    for values in product(*(range(int(one.low), int(one.high) + 1) for one in ranges)):
        condition = rule_at(rule.name, dict(zip(names, map(float, values), strict=True)))
        found = None if condition is None else constant_truth(condition)
        if found is None or found is not (truth if truth is not None else found):
            return None
        truth = found
    return truth


def _params_of(document: StrategyDocument, rule: Rule) -> list[str]:
    """Parameters that the rule is made of, itself or by the indicators that it names."""
    names: set[str] = set()
    pending = [document.rules[rule.name]]
    while pending:
        found = {node.id for node in ast.walk(pending.pop().body) if isinstance(node, ast.Name)} - names
        pending += [document.indicators[name] for name in found if name in document.indicators]
        names |= found
    return [name for name in document.params if name in names]


def _may_hold(truths: Mapping[str, Truth], name: str) -> bool:
    """Whether there is such a rule, and it can be true."""
    return name in truths and truths[name] is not False


def _constant(rule: Rule, whatever: str, *, truth: bool) -> tuple[str, str]:
    if truth:
        said = f"`{rule.name}` is true on every bar{whatever}: {rule.text}"
        return said, "compare what changes from bar to bar, if it should not always act"
    return f"`{rule.name}` is never true{whatever}: {rule.text}", _way_out(rule.condition)


def _way_out(condition: Condition) -> str:
    """What to write in place of a condition that never holds."""
    extreme = next(_extremes_of_now(condition), None)
    if extreme is not None:
        named = canonical(extreme)
        return f"`{named}` counts the bar itself: compare with the bars before it, `shift({named}, 1)`"
    if isinstance(condition, Junction) and condition.word == "and":
        return "no bar meets all of its parts: leave one out, or join them with `or`"
    return "turn the comparison round, or leave the rule out"


def _extremes_of_now(condition: Condition) -> Iterator[Number]:
    """Extremes that the bar itself counts in, in comparisons that never hold."""
    match condition:
        case Junction(_, items):
            for item in items:
                yield from _extremes_of_now(item)
        case Comparison(_, left, right) | Crossing(_, left, right) if never_holds(condition):
            yield from (one for one in (right, left) if isinstance(one, Apply) and one.indicator in _EXTREMES)


def _never_left(entry: str, leave: str, side: str, *, written: bool) -> tuple[str, str]:
    why = f"`{leave}` is never true" if written else f"there is no `{leave}`"
    said = f"`{entry}` opens a {side} position that nothing closes: {why}, and no `protect`"
    return said, f"add `{leave}: …`, or `protect: {{stop_loss: '2 * atr(14)'}}`"


def _at(document: StrategyDocument, name: str, message: str, suggestion: str) -> StrategyError:
    expression = document.rules[name]
    place = expression.position(expression.body)
    return StrategyError(place.line, place.column, message, suggestion)
