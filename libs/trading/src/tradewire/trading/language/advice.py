"""Warnings about strategies that run, and hardly do what their author means."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from tradewire.trading.language.compiled import Rule
from tradewire.trading.language.constancy import constant_truth
from tradewire.trading.language.document import StrategyDocument
from tradewire.trading.language.errors import StrategyError
from tradewire.trading.language.implication import implies
from tradewire.trading.language.rules import Truth

_SIDES = (("entry_long", "exit_long", "entry_short", "long"), ("entry_short", "exit_short", "entry_long", "short"))
"""Of each side: its entry, its exit, the entry of the other side, and its name."""


def advice_on(document: StrategyDocument, rules: Sequence[Rule]) -> Iterator[StrategyError]:
    """A warning at its line for each rule that is constant, position that nothing closes, and entry without effect."""
    truths = {rule.name: None if _by_choice(document, rule) else constant_truth(rule.condition) for rule in rules}
    for rule in rules:
        if (truth := truths[rule.name]) is not None:
            yield _at(document, rule.name, *_constant(rule, truth=truth))
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
        if constant_truth(rule.condition) is not False and not _by_choice(document, rule)
    }
    for entry, leave, other, _ in _SIDES:
        if entry not in conditions:
            continue
        if leave in conditions and implies(conditions[entry], conditions[leave]):
            said = f"`{entry}` never acts: whenever it holds, `{leave}` holds, too, and an exit comes first"
            yield _at(document, entry, said, f"let `{leave}` hold on other bars than `{entry}`")
        elif other in conditions and implies(conditions[entry], conditions[other]):
            away = other.replace("entry", "exit")
            but = f", unless `{away}` cancels `{other}`" if away in document.rules else ""
            said = f"`{entry}` never acts{but}: whenever it holds, `{other}` holds, too, and of both none acts"
            yield _at(document, entry, said, f"let `{other}` hold on other bars than `{entry}`")


def _by_choice(document: StrategyDocument, rule: Rule) -> bool:
    """Whether a parameter stands in the rule: it may be there to switch the rule on and off."""
    names = (node.id for node in ast.walk(document.rules[rule.name].body) if isinstance(node, ast.Name))
    return any(name in document.params for name in names)


def _may_hold(truths: Mapping[str, Truth], name: str) -> bool:
    """Whether there is such a rule, and it can be true."""
    return name in truths and truths[name] is not False


def _constant(rule: Rule, *, truth: bool) -> tuple[str, str]:
    if truth:
        said = f"`{rule.name}` is true on every bar: {rule.text}"
        return said, "compare what changes from bar to bar, if it should not always act"
    return f"`{rule.name}` is never true: {rule.text}", "turn the comparison round, or leave the rule out"


def _never_left(entry: str, leave: str, side: str, *, written: bool) -> tuple[str, str]:
    why = f"`{leave}` is never true" if written else f"there is no `{leave}`"
    said = f"`{entry}` opens a {side} position that nothing closes: {why}, and no `protect`"
    return said, f"add `{leave}: …`, or `protect: {{stop_loss: '2 * atr(14)'}}`"


def _at(document: StrategyDocument, name: str, message: str, suggestion: str) -> StrategyError:
    expression = document.rules[name]
    place = expression.position(expression.body)
    return StrategyError(place.line, place.column, message, suggestion)
