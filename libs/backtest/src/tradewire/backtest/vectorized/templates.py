"""A strategy document as trees that many parameter sets share."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from tradewire.backtest.vectorized.operands import Operand, Operands, marked
from tradewire.backtest.vectorized.plans import Plan, plan_of
from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language import INTERVALS_US, Sizing, StrategyDocument, compile_strategy, parse_series
from tradewire.trading.language.compiler import DEFAULT_VOLATILITY
from tradewire.trading.language.errors import Diagnostics
from tradewire.trading.language.resolve import Resolver
from tradewire.trading.language.scope import Scope
from tradewire.trading.language.syntax import Expression
from tradewire.trading.language.tree import Constant, Number

Key = tuple[object, ...]
Params = Mapping[str, float]
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
        self._rules: dict[Key, Plan] = {}
        self._measures: dict[Key, Operand] = {}
        self._sizings: dict[Key, Sizing] = {}
        self._used = {name: _words(expression) for name, expression in document.indicators.items()}
        self._directly: dict[str, tuple[str, ...]] = {}
        self._behind = {name: tuple(sorted(self._reach(name, set()))) for name in document.indicators}
        self._operands = Operands(self._behind)
        self._marks = {name: marked(name, self.indicator(name, defaults)) for name in document.indicators}
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

    def rule(self, name: str, params: Params) -> Plan:
        """A rule as a plan."""
        expression = self._document.rules[name]
        key = (name, *self._direct(name, [expression], params))
        if key not in self._rules:
            scope = self._scope(params, self._marked(params))
            tree = Resolver(expression, scope).whole_condition()
            scope.diagnostics.raise_if_any()
            assert tree is not None, NO_FAULT
            self._rules[key] = plan_of(tree, self._operands)
        return self._rules[key]

    def protection(self, name: str, params: Params) -> Operand:
        """A protective order's distance."""
        return self._measure(name, self._document.protect[name], params)

    def volatility(self, params: Params) -> Operand | None:
        """The volatility that sizing divides by; None where it needs none."""
        sizing = self._document.sizing
        if "volatility_target" not in sizing:
            return None
        if VOLATILITY in sizing:
            return self._measure(VOLATILITY, sizing[VOLATILITY], params)
        if (VOLATILITY,) not in self._measures:
            tree = parse_series(DEFAULT_VOLATILITY, self._interval_us, INDICATORS)
            self._measures[(VOLATILITY,)] = self._operands.of(tree)
        return self._measures[(VOLATILITY,)]

    def sizing(self, params: Params) -> Sizing:
        """Method, amount and cap."""
        key = self._direct("sizing", self._document.sizing.values(), params)
        if key not in self._sizings:
            self._sizings[key] = compile_strategy(self._document, params).sizing
        return self._sizings[key]

    def _measure(self, name: str, expression: Expression, params: Params) -> Operand:
        key = (name, *self._direct(name, [expression], params))
        if key not in self._measures:
            scope = self._scope(params, self._marked(params))
            tree = Resolver(expression, scope).whole_number()
            scope.diagnostics.raise_if_any()
            assert tree is not None, NO_FAULT
            self._measures[key] = self._operands.of(tree)
        return self._measures[key]

    def _direct(self, part: str, expressions: Iterable[Expression], params: Params) -> Key:
        """Values of the parameters that a part of the document names itself or through named constants."""
        if part not in self._directly:
            words = {word for expression in expressions for word in _words(expression)}
            found = words & set(self._document.params)
            for name in sorted(words & self._constants):
                found |= set(self._behind[name])
            self._directly[part] = tuple(sorted(found))
        return tuple(params[param] for param in self._directly[part])

    def _marked(self, params: Params) -> dict[str, Number | None]:
        return {
            name: self.indicator(name, params) if name in self._constants else mark
            for name, mark in self._marks.items()
        }

    def _scope(self, params: Params, resolved: dict[str, Number | None]) -> Scope:
        return Scope(INDICATORS, self._interval_us, Diagnostics(), self._document.indicators, params, resolved)


def _words(expression: Expression) -> set[str]:
    return {node.id for node in ast.walk(expression.body) if isinstance(node, ast.Name)}
