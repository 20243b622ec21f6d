"""A strategy document as trees that many parameter sets share."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from tradewire.backtest.vectorized.operands import Operand, Operands, marked
from tradewire.backtest.vectorized.plans import RULES, Plan, plan_of
from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language import INTERVALS_US, Sizing, StrategyDocument, StrategyErrors, parse_series
from tradewire.trading.language.compiler import DEFAULT_VOLATILITY, sizing_of
from tradewire.trading.language.errors import Diagnostics
from tradewire.trading.language.resolve import Resolver
from tradewire.trading.language.scope import Scope
from tradewire.trading.language.syntax import Expression
from tradewire.trading.language.tree import Condition, Constant, Number
from tradewire.trading.language.warmup import wait_for

Key = tuple[object, ...]
Params = Mapping[str, float]
PROTECTIONS = ("stop_loss", "take_profit", "trailing_stop")
VOLATILITY = "volatility"
NO_FAULT = "an expression without faults has a tree"


class Templates:
    """Rules and measures of one document, each resolved once per value of the parameters that it names itself.

    What a named indicator is made of varies with the parameters behind it; see `operands` for how it is kept apart.
    Not for documents with ``python`` rules. Methods raise StrategyErrors where a parameter set makes no expression.
    """

    def __init__(self, document: StrategyDocument, defaults: Params) -> None:
        """``defaults``: a value for every parameter, known to compile."""
        self._document = document
        self._interval_us = INTERVALS_US[document.interval]
        self._named: dict[Key, Number] = {}
        self._plans: dict[Key, Plan] = {}
        self._sizings: dict[Key, Sizing] = {}
        self._used = {name: _words(expression) for name, expression in document.indicators.items()}
        self._directly: dict[str, tuple[str, ...]] = {}
        self._behind = {name: tuple(sorted(self._reach(name, set()))) for name in document.indicators}
        self._operands = Operands(self._behind)
        self._plain = {name: self.indicator(name, defaults) for name in document.indicators}
        self._marks = {name: marked(name, tree) for name, tree in self._plain.items()}
        self._constants = {name for name, tree in self._marks.items() if isinstance(tree, Constant)}

    def _reach(self, name: str, seen: set[str]) -> set[str]:
        """Parameters that a named indicator depends on, through others too."""
        seen.add(name)
        found = self._used[name] & set(self._document.params)
        for other in sorted(self._used[name] & set(self._document.indicators) - seen):
            found |= self._reach(other, seen)
        return found

    def indicator(self, name: str, params: Params) -> Number:
        """The named indicator's own tree."""
        key = (name, *(params[param] for param in self._behind[name]))
        if key not in self._named:
            scope = self._scope(params, {})
            found = Resolver(self._document.indicators[name], scope).named(name)
            scope.diagnostics.raise_if_any()
            assert found is not None, NO_FAULT
            self._named[key] = found
        return self._named[key]

    @property
    def direct(self) -> tuple[str, ...]:
        """Parameters that rules, protections or sizing name themselves: sets with the same values share a plan."""
        document = self._document
        parts = [*document.rules.values(), *document.protect.values(), *document.sizing.values()]
        return self._direct("", parts)

    def plan(self, params: Params) -> Plan:
        """Rules and measures as a plan."""
        key = tuple(params[name] for name in self.direct)
        if key not in self._plans:
            rules = {name: self._rule(name, params) for name in RULES if name in self._document.rules}
            measures = [self._protection(name, params) for name in PROTECTIONS]
            self._plans[key] = plan_of(rules, [*measures, self._volatility(params)], self._waits(), self._operand)
        return self._plans[key]

    def _operand(self, tree: Number) -> tuple[Operand, Number]:
        """A number as an operand, and as it is with the defaults: its kind is that of every set."""
        found = self._operands.of(tree)
        return found, found.written_out(self._plain)

    def _rule(self, name: str, params: Params) -> Condition:
        scope = self._scope(params, self._marked(params))
        tree = Resolver(self._document.rules[name], scope).whole_condition()
        scope.diagnostics.raise_if_any()
        assert tree is not None, NO_FAULT
        return tree

    def _protection(self, name: str, params: Params) -> Operand | None:
        """A protective order's distance."""
        if name not in self._document.protect:
            return None
        found = self._measure(self._document.protect[name], params)
        if isinstance(found.tree, Constant) and not found.tree.value > 0:
            raise StrategyErrors([])  # who runs the set by itself tells more
        return found

    def _volatility(self, params: Params) -> Operand | None:
        """The volatility that sizing divides by; None where it needs none."""
        sizing = self._document.sizing
        if "volatility_target" not in sizing:
            return None
        if VOLATILITY in sizing:
            return self._measure(sizing[VOLATILITY], params)
        return self._operands.of(parse_series(DEFAULT_VOLATILITY, self._interval_us, INDICATORS))

    def _waits(self) -> list[Operand]:
        """What has no value while the strategy is to wait."""
        texts = wait_for(self._document.warmup)
        return [self._operands.of(parse_series(text, self._interval_us, INDICATORS)) for text in texts]

    def sizing(self, params: Params) -> Sizing:
        """Method, amount and cap."""
        names = self._direct("sizing", self._document.sizing.values())
        key = tuple(params[name] for name in names)
        if key not in self._sizings:
            self._sizings[key] = sizing_of(self._document, params)
        return self._sizings[key]

    def _measure(self, expression: Expression, params: Params) -> Operand:
        scope = self._scope(params, self._marked(params))
        tree = Resolver(expression, scope).whole_number()
        scope.diagnostics.raise_if_any()
        assert tree is not None, NO_FAULT
        return self._operands.of(tree)

    def _direct(self, part: str, expressions: Iterable[Expression]) -> tuple[str, ...]:
        """Parameters that a part of the document names itself or through named constants."""
        if part not in self._directly:
            words = {word for expression in expressions for word in _words(expression)}
            found = words & set(self._document.params)
            for name in sorted(words & self._constants):
                found |= set(self._behind[name])
            self._directly[part] = tuple(sorted(found))
        return self._directly[part]

    def _marked(self, params: Params) -> dict[str, Number | None]:
        return {
            name: self.indicator(name, params) if name in self._constants else mark
            for name, mark in self._marks.items()
        }

    def _scope(self, params: Params, resolved: dict[str, Number | None]) -> Scope:
        return Scope(INDICATORS, self._interval_us, Diagnostics(), self._document.indicators, params, resolved)


def _words(expression: Expression) -> set[str]:
    return {node.id for node in ast.walk(expression.body) if isinstance(node, ast.Name)}
