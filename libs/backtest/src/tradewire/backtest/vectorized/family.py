"""One strategy under many parameter sets: what they share is resolved and computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.vectorized import truth
from tradewire.backtest.vectorized.decisions import Decisions, SymbolDecisions, aligned, of_arrays
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.operands import Operand, Values, values_of
from tradewire.backtest.vectorized.plans import Plan, Step
from tradewire.backtest.vectorized.series import SeriesCache
from tradewire.backtest.vectorized.templates import Params, Templates
from tradewire.trading.language import (
    IndicatorEngine,
    Sizing,
    StrategyDocument,
    StrategyErrors,
    compile_strategy,
)
from tradewire.trading.language.numbers import array_form
from tradewire.trading.language.tree import Apply, Number, canonical, leaves

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray
    from tradewire.trading.language.evaluation import Int8Array
    from tradewire.trading.language.rules import BoolArray

_RULES = ("entry_long", "exit_long", "entry_short", "exit_short")
_PROTECTIONS = ("stop_loss", "take_profit", "trailing_stop")
_KEY_BYTES = 256
"""What a kept series takes beside its numbers."""


class StrategyFamily:
    """The decisions of one strategy document over fixed markets, for any values of its parameters.

    Equal, bit for bit, to those of the strategy compiled with these values and evaluated by itself.
    """

    def __init__(
        self, document: StrategyDocument, markets: Markets, cache: SeriesCache, varying: frozenset[str]
    ) -> None:
        """``varying``: the parameters that change from set to set; only what depends on fewer is kept."""
        self._document = document
        self._markets = markets
        self._cache = cache
        self._varying = varying
        self._defaults = {name: span.default for name, span in document.params.items()}
        self._templates = None if document.python else Templates(document, self._defaults)
        self._reads: dict[tuple[Plan, ...], list[tuple[Operand, bool]]] = {}

    def decisions(self, params: Params) -> tuple[Decisions, Sizing]:
        """What the strategy decides with these parameters (defaults where not given), and how it sizes.

        Raises: StrategyErrors, as `compile_strategy`.
        """
        if self._templates is None or not self._allowed(params):
            return self._by_itself(params)
        whole = {**self._defaults, **params}
        try:
            columns = range(len(self._markets.columns))
            parts = [_Evaluator(self._templates, self, whole, j).decisions() for j in columns]
            return aligned(parts, self._markets), self._templates.sizing(whole)
        except StrategyErrors:
            return self._by_itself(params)  # names every fault, not the first

    def _allowed(self, params: Params) -> bool:
        for name, value in params.items():
            span = self._document.params.get(name)
            if span is None or not (math.isfinite(value) and span.low <= value <= span.high):
                return False
            if span.whole and value != int(value):
                return False
        return True

    def _by_itself(self, params: Params) -> tuple[Decisions, Sizing]:
        strategy = compile_strategy(self._document, params)
        parts = [of_arrays(strategy.evaluate_array(bars)) for bars in self._markets.columns]
        return aligned(parts, self._markets), strategy.sizing

    def length(self, symbol: int) -> int:
        """Bars of a symbol."""
        return len(self._markets.columns[symbol])

    def rules(self) -> tuple[str, ...]:
        """Rules that the document has."""
        return tuple(name for name in _RULES if name in self._document.rules)

    def protections(self) -> tuple[str, ...]:
        """Protections that the document has."""
        return tuple(name for name in _PROTECTIONS if name in self._document.protect)

    def reads(self, plans: tuple[Plan, ...]) -> list[tuple[Operand, bool]]:
        """Operands of the plans, each once, and whether any reads it a bar earlier."""
        if plans not in self._reads:
            found: dict[Operand, bool] = {}
            for item, before in (read for plan in plans for read in plan.reads()):
                found[item] = found.get(item, False) or before
            self._reads[plans] = list(found.items())
        return self._reads[plans]

    def values(self, item: Operand, params: Params, symbol: int, named: Callable[[], Mapping[str, Number]]) -> Values:
        """An operand's numbers for one symbol; ``named`` gives the parameter set's own indicators."""
        key = (symbol, item, *[params[param] for param in item.behind])
        return self._cache.get(key, lambda: _sized(self._computed(item.written_out(named()), symbol)))

    def _computed(self, tree: Number, symbol: int) -> Values:
        if isinstance(tree, Apply):
            only = self._series(canonical(tree), symbol)
            return values_of(only, np.isfinite(only))
        length = self.length(symbol)
        complete = np.ones(length, dtype=np.bool_)
        series: dict[str, FloatArray] = {}
        for leaf in leaves(tree):
            series[canonical(leaf)] = self._series(canonical(leaf), symbol)
            complete &= np.isfinite(series[canonical(leaf)])
        return values_of(np.ascontiguousarray(array_form(tree, length)(series)), complete)

    def _series(self, text: str, symbol: int) -> FloatArray:
        """One indicator series, by canonical text."""
        bars = self._markets.columns[symbol]

        def make() -> tuple[FloatArray, int]:
            values = IndicatorEngine([text], self._markets.interval_us).array(bars)[text]
            return values, values.nbytes + _KEY_BYTES

        return self._cache.get((symbol, text), make)

    def above_zero(self, item: Operand, params: Params, symbol: int, made: Callable[[], Values]) -> Values:
        """An operand's numbers where they are above 0; complete only there."""

        def make() -> tuple[Values, int]:
            values = made()
            above = values.complete & (values.numbers > 0.0)
            return _sized(values_of(np.where(values.numbers > 0.0, values.numbers, np.nan), above))

        return self._cache.get(("above", symbol, item, *[params[param] for param in item.behind]), make)

    def truth(self, plan: Plan, params: Params, symbol: int, make: Callable[[], Int8Array]) -> Int8Array:
        """A condition's truth, kept where other parameter sets share it."""
        if self._varying.issubset(plan.behind):
            return make()

        def sized() -> tuple[Int8Array, int]:
            values = make()
            return values, values.nbytes + _KEY_BYTES

        return self._cache.get((symbol, plan, *[params[param] for param in plan.behind]), sized)


class _Evaluator:
    """One parameter set on one symbol."""

    def __init__(self, templates: Templates, family: StrategyFamily, params: Params, symbol: int) -> None:
        self._templates = templates
        self._family = family
        self._params = params
        self._symbol = symbol
        self._length = family.length(symbol)
        self._known: dict[Operand, Values] = {}

    def decisions(self) -> SymbolDecisions:
        """Signals and measures."""
        family, params = self._family, self._params
        plans = {name: self._templates.rule(name, params) for name in family.rules()}
        ready = np.ones(self._length, dtype=np.bool_)
        for item, before in family.reads(tuple(plans.values())):
            _narrow(ready, self._values(item), before=before)
        distances = {name: self._above_zero(self._templates.protection(name, params)) for name in family.protections()}
        volatility = self._templates.volatility(params)
        measured = None if volatility is None else self._above_zero(volatility)
        for part in (*distances.values(), *(() if measured is None else (measured,))):
            _narrow(ready, part, before=False)
        never = np.zeros(self._length, dtype=np.int8)
        raw = [self._truth(plans[name]) if name in plans else never for name in _RULES]
        stop, take, trail = (distances[name].numbers if name in distances else None for name in _PROTECTIONS)
        signal = truth.signals(raw[0], raw[1], raw[2], raw[3], ready)
        return SymbolDecisions(signal, (stop, take, trail, None if measured is None else measured.numbers))

    def _values(self, item: Operand) -> Values:
        found = self._known.get(item)
        if found is None:
            found = self._family.values(item, self._params, self._symbol, lambda: self._named(item))
            self._known[item] = found
        return found

    def _named(self, item: Operand) -> dict[str, Number]:
        return {name: self._templates.indicator(name, self._params) for name in item.names}

    def _above_zero(self, item: Operand) -> Values:
        """A distance or volatility: complete only where its series have values and it is above 0."""
        return self._family.above_zero(item, self._params, self._symbol, lambda: self._values(item))

    def _truth(self, plan: Plan) -> Int8Array:
        return self._family.truth(plan, self._params, self._symbol, lambda: self._computed(plan))

    def _computed(self, plan: Plan) -> Int8Array:
        if plan.step is Step.COMPARE:
            left, right = (self._values(item).numbers for item in plan.operands)
            return truth.compared(plan.code, left, right)
        if plan.step is Step.CROSS:
            left, right = (self._values(item).numbers for item in plan.operands)
            return truth.crossed(plan.code == 1, left, right)
        found = self._truth(plan.parts[0])
        if plan.step is Step.INVERT:
            return truth.inverted(found)
        for part in plan.parts[1:]:
            found = truth.joined(plan.code, found, self._truth(part))
        return found


def _sized(values: Values) -> tuple[Values, int]:
    return values, values.size_bytes + _KEY_BYTES


def _narrow(ready: BoolArray, values: Values, *, before: bool) -> None:
    """Take readiness from the bars at which the values, or those of a bar earlier, are not complete; in place."""
    if values.since < 0:
        truth.narrow(ready, values.complete, before)
    else:
        ready[: values.since + before] = False
