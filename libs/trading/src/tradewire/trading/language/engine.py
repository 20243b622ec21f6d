"""The indicator engine: every demanded series of one symbol and interval, shared parts computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator, IndicatorStream
from tradewire.trading.language.arguments import argument_form, argument_values
from tradewire.trading.language.bars import Aggregator, Bars, IndicatorBar, aggregate, require_finite
from tradewire.trading.language.errors import Diagnostics, TextPosition
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.numbers import (
    NAN,
    ScalarForm,
    finite,
    finite_array,
)
from tradewire.trading.language.resolve import Resolver
from tradewire.trading.language.scope import Scope
from tradewire.trading.language.syntax import parse_expression
from tradewire.trading.language.tree import (
    Apply,
    Field,
    Number,
    call_text,
    canonical,
    children,
)

STATE_VERSION = 2
FIRST_VERSION = 1
"""State of before the exact decimals: some indicators had fewer slots, and seeds were sums in place of means."""


def parse_series(text: str, interval_us: int, catalogue: Mapping[str, Indicator] = INDICATORS) -> Number:
    """The tree of one numeric expression without names of its own, such as a demand.

    Parameters: text: one expression on one line; interval_us: the base bars' interval, µs.
    Raises: StrategyErrors with every fault; line is 1, column counts from 1.
    """
    diagnostics = Diagnostics()
    places = tuple(TextPosition(1, column + 1) for column in range(len(text)))
    expression = parse_expression(text, places, diagnostics)
    tree = None
    if expression is not None:
        tree = Resolver(expression, Scope(catalogue, interval_us, diagnostics)).whole_number()
    diagnostics.raise_if_any()
    assert tree is not None, "an expression without faults has a tree"
    return tree


@dataclass(slots=True)
class _Node:
    """One indicator call within a context; `outputs` are the series it writes."""

    call: Apply
    indicator: Indicator
    stream: IndicatorStream
    inputs: tuple[ScalarForm, ...]
    outputs: tuple[str, ...]


class _Context:
    """The nodes computed on the bars of one interval, inner ones first, and their latest values."""

    def __init__(self, catalogue: Mapping[str, Indicator]) -> None:
        self._catalogue = catalogue
        self.nodes: dict[str, _Node] = {}
        self.values: dict[str, float] = {}

    def add(self, call: Apply) -> None:
        """Add a node once; its inner nodes must be there."""
        key = call_text(call)
        if key in self.nodes:
            return
        indicator = self._catalogue[call.indicator]
        fields = tuple(Field(name) for name in indicator.fields)
        inputs = tuple(argument_form(argument) for argument in (*call.arguments, *fields))
        outputs = tuple(canonical(replace(call, output=output)) for output in indicator.outputs)
        self.nodes[key] = _Node(call, indicator, indicator.stream(*call.params), inputs, outputs)
        self.values.update(dict.fromkeys(outputs, NAN))

    def run(self, bar: IndicatorBar) -> None:
        """Compute every node for one closed bar."""
        values = self.values
        values["open"], values["high"], values["low"] = bar.open, bar.high, bar.low
        values["close"], values["volume"] = bar.close, bar.volume
        for node in self.nodes.values():
            results = node.stream.update(*[form(values) for form in node.inputs])
            for key, result in zip(node.outputs, results, strict=True):
                values[key] = finite(result)

    def arrays(self, bars: Bars, series: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Every node over a whole history; `series` brings the values of other contexts."""
        series.update(bars.columns())
        for node in self.nodes.values():
            trees = (*node.call.arguments, *(Field(name) for name in node.indicator.fields))
            inputs = [np.ascontiguousarray(_values(tree, series, len(bars))) for tree in trees]
            results = node.indicator.array(inputs, node.call.params)
            series.update(zip(node.outputs, map(finite_array, results), strict=True))
        return series

    def state(self) -> dict[str, Any]:
        """Every node's state and last values, keyed by its call."""
        return {
            key: {
                "state": node.stream.state,
                "values": [_json(self.values[output]) for output in node.outputs],
            }
            for key, node in self.nodes.items()
        }

    def restore(self, state: Mapping[str, Any], version: int) -> None:
        """Continue the nodes that `state` knows; the others stay fresh."""
        for key, node in self.nodes.items():
            saved = state.get(key)
            if saved is None or (version == FIRST_VERSION and not _carries_over(node, saved)):
                continue
            node.stream.state = list(saved["state"])
            for output, value in zip(node.outputs, saved["values"], strict=True):
                self.values[output] = NAN if value is None else value


def _carries_over(node: _Node, saved: Mapping[str, Any]) -> bool:
    """Does a node's state of the first version mean the same now? One whose values are known is behind its seeds."""
    return len(saved["state"]) == len(node.stream.state) and None not in saved["values"]


class IndicatorEngine:
    """All demanded series of one (venue, symbol, interval): bar by bar, or over a whole history.

    Both forms give the same bits on every bar; higher intervals follow the rules of `bars`.

    Parameters: demands: numeric expressions, usually canonical (`CompiledStrategy.demands`); interval_us:
    length of the base bars, µs.    Raises: StrategyErrors for an expression that is not one.
    """

    def __init__(
        self, demands: Sequence[str], interval_us: int, catalogue: Mapping[str, Indicator] = INDICATORS
    ) -> None:
        self._prepare({text: parse_series(text, interval_us, catalogue) for text in demands}, interval_us, catalogue)

    @classmethod
    def of_trees(
        cls, trees: Mapping[str, Number], interval_us: int, catalogue: Mapping[str, Indicator] = INDICATORS
    ) -> IndicatorEngine:
        """The engine for demands that are resolved already, by the text under which `update` and `array` give them."""
        engine = cls.__new__(cls)
        engine._prepare(trees, interval_us, catalogue)
        return engine

    def _prepare(self, trees: Mapping[str, Number], interval_us: int, catalogue: Mapping[str, Indicator]) -> None:
        self._interval_us = interval_us
        self._catalogue = catalogue
        self._trees = trees
        self._base = _Context(catalogue)
        self._higher: dict[str, _Context] = {}
        self._links: dict[str, tuple[str, str]] = {}
        for tree in self._trees.values():
            self._add(tree, None)
        self._aggregators = {name: self._aggregator(name) for name in self._higher}
        self._forms = {text: argument_form(tree) for text, tree in self._trees.items()}
        self._last_open_time_us: int | None = None

    def update(
        self,
        open_time_us: int,
        open: float,  # noqa: A002 - the bar's field
        high: float,
        low: float,
        close: float,
        volume: float,
    ) -> dict[str, float | None]:
        """Take one closed base bar; return each demand's value, None while it has none.

        Raises: ValueError when the bar overlaps the last one or a field is not finite.
        """
        bar = IndicatorBar(open_time_us, open, high, low, close, volume)
        require_finite(bar)
        last = self._last_open_time_us
        if last is not None and open_time_us < last + self._interval_us:
            raise ValueError(f"bar at {open_time_us} µs overlaps the last bar at {last} µs")
        self._last_open_time_us = open_time_us
        for name, aggregator in self._aggregators.items():
            for closed in aggregator.update(bar):
                self._higher[name].run(closed)
        for key, (name, inner) in self._links.items():
            self._base.values[key] = self._higher[name].values[inner]
        self._base.run(bar)
        return {text: _json(form(self._base.values)) for text, form in self._forms.items()}

    def array(self, bars: Bars) -> dict[str, FloatArray]:
        """Every demand over a history that starts fresh: arrays of shape (n,), NaN where `update` gives None.

        Raises: ValueError when bars overlap.
        """
        if bars.step_us < self._interval_us:
            raise ValueError(f"bars overlap: they are closer than {self._interval_us} µs")
        series: dict[str, FloatArray] = {}
        for name, context in self._higher.items():
            upper, seen = aggregate(bars, self._interval_us, INTERVALS_US[name])
            computed = context.arrays(upper, {})
            for key, (place, inner) in self._links.items():
                if place == name:
                    series[key] = _spread(computed[inner], seen)
        series = self._base.arrays(bars, series)
        return {text: _values(tree, series, len(bars)) for text, tree in self._trees.items()}

    def state(self) -> dict[str, Any]:
        """Everything needed to go on without a jump; JSON-able, keyed per node."""
        return {
            "version": STATE_VERSION,
            "interval_us": self._interval_us,
            "last_open_time_us": self._last_open_time_us,
            "base": self._base.state(),
            "higher": {
                name: {"bars": self._aggregators[name].state(), "nodes": context.state()}
                for name, context in self._higher.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state()` of an engine with the same interval; demands may differ.

        Nodes that the state knows go on; new ones start warming up; the state of others is dropped. Of a state of the
        first version go on the nodes whose slots mean the same now.
        Raises: ValueError for another version or interval.
        """
        known = state["version"] in {FIRST_VERSION, STATE_VERSION}
        if not known or state["interval_us"] != self._interval_us:
            found = f"version {state['version']}, {state['interval_us']} µs"
            raise ValueError(f"state is of {found}; needed is {STATE_VERSION}, {self._interval_us} µs")
        self._last_open_time_us = state["last_open_time_us"]
        self._base.restore(state["base"], state["version"])
        for name, context in self._higher.items():
            saved = state["higher"].get(name)
            if saved is not None:
                self._aggregators[name].restore(saved["bars"])
                context.restore(saved["nodes"], state["version"])

    def nodes(self) -> Iterator[str]:
        """The calls computed, once each: `ema(close,20)`, `rsi(close,14,interval=4h)`."""
        yield from self._base.nodes
        for name, context in self._higher.items():
            yield from (call_text(node.call, name) for node in context.nodes.values())

    def _aggregator(self, name: str) -> Aggregator:
        return Aggregator(self._interval_us, INTERVALS_US[name])

    def _add(self, tree: Number, higher: str | None) -> None:
        if isinstance(tree, Apply) and tree.interval:
            inner = replace(tree, interval=None)
            self._add(inner, tree.interval)
            self._links[canonical(tree)] = (tree.interval, canonical(inner))
            return
        for child in children(tree):
            self._add(child, higher)  # type: ignore[arg-type]  # numbers hold only numbers
        if isinstance(tree, Apply):
            context = self._base
            if higher:
                context = self._higher.setdefault(higher, _Context(self._catalogue))
            context.add(tree)


def _values(tree: Number, series: Mapping[str, FloatArray], length: int) -> FloatArray:
    """The number over all bars, shape (length,); of a single series, which holds nothing infinite, no copy."""
    return series[canonical(tree)] if isinstance(tree, Apply | Field) else argument_values(tree, series, length)


def _json(value: float) -> float | None:
    return None if value != value else value


def _spread(values: FloatArray, seen: np.typing.NDArray[np.int64]) -> FloatArray:
    """Each base bar's view of a higher series: the value at the last closed higher bar, NaN before the
    first.
    """
    padded = np.append(values, NAN)
    return padded[np.where(seen < 0, len(values), seen)]
