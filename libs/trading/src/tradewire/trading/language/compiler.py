"""From a document to a compiled strategy; every fault is collected before any is raised."""

from __future__ import annotations

import ast
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.language.advice import advice_on
from tradewire.trading.language.compiled import BAR_SERIES, CompiledStrategy, Rule, make_rule
from tradewire.trading.language.constants import is_held, too_many_digits
from tradewire.trading.language.document import SIZING_METHODS, StrategyDocument, read_document
from tradewire.trading.language.engine import parse_series
from tradewire.trading.language.errors import Diagnostics, StrategyError, StrategyErrors, TextPosition, did_you_mean
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.markup import parsers
from tradewire.trading.language.plugins import CheckedRules, PluginError, RulesFinder, UnknownPlugin, installed_rules
from tradewire.trading.language.resolve import Resolver, condition_at
from tradewire.trading.language.scope import Scope
from tradewire.trading.language.sizing import Sizing, SizingMethod
from tradewire.trading.language.syntax import Expression
from tradewire.trading.language.tree import Apply, Constant, Number, Tree, canonical, children, leaves, number_text
from tradewire.trading.language.warmup import wait_for, warmup_bars

DIGEST_VERSION = "tradewire-strategy/1"
DEFAULT_VOLATILITY = "volatility(30)"
MAX_AMOUNT = 1e30
"""Of sizing and leverage: no number of more digits is on the wire."""
_NO_PARAMS: Mapping[str, float] = MappingProxyType({})


def parse_strategy(text: str, catalogue: Mapping[str, Indicator] = INDICATORS) -> StrategyDocument:
    """Read and check a strategy's YAML text, its parameters at their defaults.

    Raises: StrategyErrors with every fault found, each with line, column (from 1) and, where there is one, a
    way out.
    """
    for parser in parsers(text):
        diagnostics = Diagnostics()
        document = read_document(text, diagnostics, parser)
        if document is not None:
            compiler = _Compiler(document, {}, catalogue, diagnostics)
            compiler.resolve()
        if not diagnostics.errors:
            break
    diagnostics.raise_if_any()
    assert document is not None, "a text without faults is a document"
    return replace(document, warnings=(*document.warnings, *compiler.advice()))


def compile_strategy(
    document: StrategyDocument,
    params: Mapping[str, float] = _NO_PARAMS,
    *,
    catalogue: Mapping[str, Indicator] = INDICATORS,
    find_rules: RulesFinder = installed_rules,
) -> CompiledStrategy:
    """The strategy with its parameters set (defaults where `params` says nothing).

    Raises: StrategyErrors for a parameter that is unknown or out of its range, or that makes an expression
    invalid; and for `python:` rules that are not installed or demand what is no series.
    """
    diagnostics = Diagnostics()
    compiler = _Compiler(document, params, catalogue, diagnostics)
    compiler.resolve()
    python = compiler.python_rules(find_rules)
    diagnostics.raise_if_any()
    return compiler.compiled(python)


def sizing_of(document: StrategyDocument, params: Mapping[str, float]) -> Sizing:
    """The sizing of `compile_strategy` by itself. Raises: StrategyErrors for a fault in it or in a parameter."""
    diagnostics = Diagnostics()
    sizing = _Compiler(document, params, INDICATORS, diagnostics).sizing()
    diagnostics.raise_if_any()
    assert sizing is not None, "a document without faults has a sizing"
    return sizing


class _Compiler:
    """Resolves one document with one set of parameter values."""

    def __init__(
        self,
        document: StrategyDocument,
        params: Mapping[str, float],
        catalogue: Mapping[str, Indicator],
        diagnostics: Diagnostics,
    ) -> None:
        self._document = document
        self._diagnostics = diagnostics
        self._catalogue = catalogue
        self._params = self._param_values(params)
        self._scope = Scope(
            catalogue,
            INTERVALS_US[document.interval],
            diagnostics,
            document.indicators,
            self._params,
            dict.fromkeys(document.faulty),
        )
        self._rules: list[Rule] = []
        self._protect: dict[str, Number] = {}
        self._volatility: Number | None = None
        self._sizing: Sizing | None = None
        self._labels: dict[str, str] = {}

    def resolve(self) -> None:
        """Resolve every part; faults go to the diagnostics."""
        try:
            self._resolve_indicators_and_rules()
            self.sizing()
        except RecursionError:
            self._diagnostics.report(TextPosition(1, 1), "the expressions are nested too deep", "name fewer parts")

    def _resolve_indicators_and_rules(self) -> None:
        document, scope = self._document, self._scope
        for name, expression in document.indicators.items():
            self._label(name, Resolver(expression, scope).named(name))
        for name, expression in document.rules.items():
            condition = Resolver(expression, scope).whole_condition()
            if condition is not None:
                self._rules.append(make_rule(name, " ".join(expression.text.split()), condition))
        for name, expression in document.protect.items():
            distance = Resolver(expression, scope).whole_number()
            if isinstance(distance, Constant) and not distance.value > 0:
                self._report(expression, f"{name} is {number_text(distance.value)}; it must be above 0")
            elif distance is not None:
                self._protect[name] = distance

    def advice(self) -> Iterator[StrategyError]:
        """Warnings about what was resolved."""
        rules, scope = self._document.rules, self._scope
        return advice_on(self._document, self._rules, lambda name, params: condition_at(rules[name], scope, params))

    def sizing(self) -> Sizing | None:
        """Resolve the sizing; None for a faulty one."""
        numbers: dict[str, float] = {}
        for name, expression in self._document.sizing.items():
            resolver = Resolver(expression, self._scope)
            if name == "volatility":
                self._volatility = resolver.whole_number()
                continue
            value = resolver.constant(expression.body)
            self._check_digits(name, expression)
            if value is not None and not value > 0:
                self._report(expression, f"{name} is {number_text(value)}; it must be above 0")
            elif value is not None and value >= MAX_AMOUNT:
                self._report(expression, f"{name} is {number_text(value)}; it must be below {number_text(MAX_AMOUNT)}")
            elif value is not None and name == "risk_per_trade" and value > 1:
                self._report(expression, f"risk_per_trade is {number_text(value)}; 1 is all equity")
            elif value is not None:
                numbers[name] = value
        methods = [name for name in numbers if name in SIZING_METHODS]
        if len(methods) != 1:
            return None
        cap = numbers.get("max_leverage")
        leverage = None if cap is None else Decimal(number_text(cap))
        self._sizing = Sizing(SizingMethod(methods[0]), Decimal(number_text(numbers[methods[0]])), leverage)
        if self._sizing.method is SizingMethod.VOLATILITY_TARGET and "volatility" not in self._document.sizing:
            self._volatility = parse_series(DEFAULT_VOLATILITY, self._scope.interval_us, self._catalogue)
        return self._sizing

    def _check_digits(self, name: str, expression: Expression) -> None:
        for node in ast.walk(expression.body):
            if isinstance(node, ast.Constant) and not is_held(expression.source(node)):
                message, suggestion = too_many_digits(name, expression.source(node))
                self._diagnostics.report(expression.position(node), message, suggestion)

    def python_rules(self, find_rules: RulesFinder) -> CheckedRules | None:
        """The plug-in's rules with this strategy's parameters; None for rules in the language."""
        reference = self._document.python
        if reference is None:
            return None
        place = self._document.positions["python"]
        try:
            rules = CheckedRules(reference, find_rules(reference), self._params)
        except (UnknownPlugin, PluginError) as error:
            self._diagnostics.report(place, str(error))
            return None
        for demand in rules.demands:
            self._check_demand(demand, place)
        return rules

    def _check_demand(self, demand: str, place: TextPosition) -> None:
        try:
            proper = canonical(parse_series(demand, self._scope.interval_us, self._catalogue))
        except StrategyErrors as errors:
            for error in errors.errors:
                self._diagnostics.report(place, f"demand `{demand}`: {error.message}", error.suggestion)
            return
        if proper != demand:
            self._diagnostics.report(place, f"demand `{demand}` is not canonical", f"write `{proper}`")

    def compiled(self, python: CheckedRules | None) -> CompiledStrategy:
        """The strategy; only when no fault was found."""
        assert self._sizing is not None, "a document without faults has a sizing"
        document = self._document
        measures = [*self._protect.values(), *([self._volatility] if self._volatility else [])]
        asked = (*python.demands, *(field for field in BAR_SERIES if field != "volume")) if python else ()
        parts = [*(rule.condition for rule in self._rules), *measures]
        known = {canonical(leaf): leaf for part in parts for leaf in leaves(part)}
        waits = wait_for(document.warmup)
        reads = (*asked, *known, *waits)
        before = (*asked, *(key for rule in self._rules for key in rule.reads_before))
        demands = tuple(key for key in dict.fromkeys(reads) if key not in BAR_SERIES)
        trees = [known.get(key) or parse_series(key, self._scope.interval_us, self._catalogue) for key in demands]
        return CompiledStrategy(
            id=document.id,
            venue=document.venue,
            account=document.account,
            symbols=document.symbols,
            interval=document.interval,
            interval_us=self._scope.interval_us,
            params=MappingProxyType(dict(self._params)),
            demands=demands,
            sizing=self._sizing,
            digest=self._digest(demands),
            warmup_bars=warmup_bars(trees, self._scope.interval_us, self._catalogue) + bool(before),
            labels=MappingProxyType({**self._labels, **dict.fromkeys(waits, "warmup")}),
            rules=tuple(self._rules),
            protect=MappingProxyType(dict(self._protect)),
            volatility=self._volatility,
            python=python,
            foreign=tuple(key for key, tree in zip(demands, trees, strict=True) if self._is_foreign(tree)),
            reads=tuple(dict.fromkeys(reads)),
            reads_before=tuple(dict.fromkeys(before)),
            catalogue=self._catalogue,
        )

    def _is_foreign(self, tree: Tree) -> bool:
        own = isinstance(tree, Apply) and self._catalogue[tree.indicator].is_foreign
        return own or any(map(self._is_foreign, children(tree)))

    def _digest(self, demands: tuple[str, ...]) -> str:
        document, sizing = self._document, self._sizing
        assert sizing is not None, "digests are made of valid documents"
        whole = {
            "version": DIGEST_VERSION,
            "id": document.id,
            "venue": document.venue,
            "account": document.account,
            "symbols": sorted(document.symbols),
            "interval": document.interval,
            "rules": {rule.name: canonical(rule.condition) for rule in self._rules},
            "python": document.python,
            "demands": sorted(demands),
            "protect": {name: canonical(tree) for name, tree in self._protect.items()},
            "sizing": [sizing.method, str(sizing.amount), str(sizing.max_leverage)],
            "volatility": canonical(self._volatility) if self._volatility else None,
            "params": {name: number_text(value) for name, value in self._params.items()},
        }
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def _label(self, name: str, tree: Number | None) -> None:
        if not isinstance(tree, Apply):
            return
        if tree.output:
            self._labels.setdefault(canonical(tree), name)
            return
        for output in self._catalogue[tree.indicator].outputs:
            self._labels.setdefault(f"{canonical(tree)}.{output}", f"{name}.{output}")

    def _param_values(self, given: Mapping[str, float]) -> dict[str, float]:
        known = self._document.params
        place = self._document.positions.get("params", TextPosition(1, 1))
        values = {name: span.default for name, span in known.items()}
        for name, value in given.items():
            if name not in known:
                hint = did_you_mean(name, known)
                self._diagnostics.report(place, f"the strategy has no parameter `{name}`", hint)
                continue
            span = known[name]
            if not (math.isfinite(value) and span.low <= value <= span.high):
                allowed = f"{number_text(span.low)} to {number_text(span.high)}"
                self._diagnostics.report(place, f"parameter `{name}` is {number_text(value)}; allowed is {allowed}")
            elif span.whole and value != int(value):
                self._diagnostics.report(
                    place, f"parameter `{name}` is {number_text(value)}; it must be a whole number"
                )
            else:
                values[name] = float(value)
        return values

    def _report(self, expression: Expression, message: str) -> None:
        self._diagnostics.report(expression.position(expression.body), message)
