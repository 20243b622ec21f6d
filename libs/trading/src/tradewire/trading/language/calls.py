"""Calls of functions and indicators: which argument is what, defaults, ranges."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewire.trading.indicators import INDICATORS, Indicator, Param
from tradewire.trading.language.errors import did_you_mean, one_of
from tradewire.trading.language.intervals import INTERVALS_US, bars_per_year, interval_name
from tradewire.trading.language.numbers import FUNCTIONS, apply_function, takes_many
from tradewire.trading.language.scope import CROSSINGS, VOLATILITY
from tradewire.trading.language.tree import (
    BAR_FIELDS,
    Apply,
    Arithmetic,
    Condition,
    Constant,
    Crossing,
    Field,
    Function,
    Number,
    Tree,
    children,
    number_text,
)

if TYPE_CHECKING:
    from tradewire.trading.language.resolve import Resolver


@dataclass(frozen=True, slots=True)
class CallFault:
    """What is wrong with a call and at which of its nodes."""

    node: ast.expr
    message: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call's arguments sorted into series and parameters; a parameter left out is None."""

    series: tuple[ast.expr, ...]
    params: tuple[ast.expr | None, ...]


def usage(indicator: Indicator) -> str:
    """The call with example series and default values: `ema(close, 20)`."""
    series = ["close"] * len(indicator.series)
    return f"{indicator.name}({', '.join([*series, *(number_text(p.default) for p in indicator.params)])})"


def bind(call: ast.Call, indicator: Indicator) -> BoundCall | CallFault:
    """Sort the call's positional and named arguments; `interval` is the caller's business."""
    wanted = len(indicator.series)
    allowed = wanted + len(indicator.params)
    if len(call.args) < wanted:
        need = f"`{indicator.name}` needs {wanted} series first, found {len(call.args)} arguments"
        return CallFault(call, need, f"write `{usage(indicator)}`")
    if len(call.args) > allowed:
        many = f"`{indicator.name}` takes at most {allowed} arguments, found {len(call.args)}"
        return CallFault(call.args[allowed], many, f"write `{usage(indicator)}`")
    given: list[ast.expr | None] = [*call.args[wanted:]]
    given += [None] * (allowed - len(call.args))
    names = [param.name for param in indicator.params]
    for keyword in call.keywords:
        if keyword.arg == "interval":
            continue
        if keyword.arg not in names:
            fault = f"`{indicator.name}` has no parameter `{keyword.arg}`"
            return CallFault(keyword.value, fault, one_of([*names, "interval"]))
        slot = names.index(keyword.arg)
        if given[slot] is not None:
            return CallFault(keyword.value, f"parameter `{keyword.arg}` is given twice")
        given[slot] = keyword.value
    return BoundCall(tuple(call.args[:wanted]), tuple(given))


def parameter_fault(indicator: Indicator, param: Param, value: float) -> tuple[str, str] | None:
    """Why `value` may not stand for `param` (message and suggestion), or None when it may."""
    where = f"`{param.name}` of `{indicator.name}`"
    if not param.low <= value <= param.high:
        allowed = f"{number_text(param.low)} to {number_text(param.high)}"
        hint = "only closed bars can be read, the future cannot" if value < 0 <= param.low else f"choose {allowed}"
        return f"{where} is {number_text(value)}; allowed is {allowed}", hint
    if param.integer and value != int(value):
        return f"{where} is {number_text(value)}; it must be a whole number", f"choose {round(value)}"
    return None


def volatility_tree(
    length: float, interval_us: int, catalogue: Mapping[str, Indicator], interval: str | None
) -> Number:
    """Realized volatility per year: standard deviation of the last `length` log returns × √(bars per year).

    Population standard deviation (as TA-Lib's STDDEV), mean not assumed zero, a year of 365 days.
    """
    percent = Apply("roc", (Field("close"),), (1.0,), catalogue["roc"].outputs[0], single=True, interval=None)
    growth = Arithmetic("+", Arithmetic("/", percent, Constant(100.0)), Constant(1.0))
    returns = Function("log", (growth,))
    stddev = catalogue["stddev"]
    params = (length, *(param.default for param in stddev.params[1:]))
    deviation = Apply("stddev", (returns,), params, stddev.outputs[0], single=True, interval=interval)
    return Arithmetic("*", deviation, Constant(math.sqrt(bars_per_year(interval_us))))


def resolve_call(resolver: Resolver, node: ast.Call, name: str) -> Tree | None:
    """The call as a tree."""
    unpacked = [argument for argument in node.args if isinstance(argument, ast.Starred)]
    unpacked_names = [keyword.value for keyword in node.keywords if keyword.arg is None]
    for argument in (*unpacked, *unpacked_names):
        resolver.report(argument, "`*` before an argument is not part of the language")
        return None
    if name in CROSSINGS:
        return _crossing(resolver, node, name)
    if name in FUNCTIONS:
        return _function(resolver, node, name)
    if name == VOLATILITY:
        return _volatility(resolver, node)
    indicator = resolver.scope.catalogue.get(name)
    if indicator is not None:
        return _indicator(resolver, node, indicator)
    known = [*resolver.scope.catalogue, *FUNCTIONS, *CROSSINGS, VOLATILITY]
    if name in resolver.scope.indicators or name in BAR_FIELDS:
        resolver.report(node, f"`{name}` is a series, not a function", f"for an earlier bar write `shift({name}, 1)`")
    else:
        refused = INDICATORS.refused.get(name)
        hint = refused or did_you_mean(name, known) or "`tradewire strategy language functions` lists them"
        resolver.report(node, f"unknown function `{name}`", hint)
    return None


def _numbers(resolver: Resolver, node: ast.Call, name: str) -> list[Number] | None:
    if node.keywords:
        resolver.report(node.keywords[0].value, f"`{name}` takes no named arguments")
        return None
    found = [resolver.number(argument) for argument in node.args]
    return [tree for tree in found if tree is not None] if None not in found else None


def _crossing(resolver: Resolver, node: ast.Call, name: str) -> Condition | None:
    numbers = _numbers(resolver, node, name)
    if numbers is None:
        return None
    if len(numbers) != 2:
        resolver.report(node, f"`{name}` needs 2 series, found {len(numbers)}", f"write `{name}(fast, slow)`")
        return None
    return Crossing("above" if name == "crossed_above" else "below", numbers[0], numbers[1])


def _function(resolver: Resolver, node: ast.Call, name: str) -> Number | None:
    numbers = _numbers(resolver, node, name)
    if numbers is None:
        return None
    enough = len(numbers) >= 2 if takes_many(name) else len(numbers) == 1
    if not enough:
        need = "2 or more numbers" if takes_many(name) else "1 number"
        resolver.report(node, f"`{name}` needs {need}, found {len(numbers)}")
        return None
    values = [number.value for number in numbers if isinstance(number, Constant)]
    if len(values) == len(numbers):
        return resolver.folded(node, apply_function(name, values))
    return Function(name, tuple(numbers))


def _volatility(resolver: Resolver, node: ast.Call) -> Number | None:
    interval = _interval(resolver, node)
    if interval is None:
        return None
    named = [keyword for keyword in node.keywords if keyword.arg != "interval"]
    if len(node.args) != 1 or named:
        resolver.report(node, "`volatility` needs the number of bars", "write `volatility(30)`")
        return None
    length = resolver.constant(node.args[0])
    if length is None or not _allowed(resolver, node.args[0], resolver.scope.catalogue["stddev"], 0, length):
        return None
    length_us = INTERVALS_US[interval] if interval else resolver.scope.interval_us
    return volatility_tree(length, length_us, resolver.scope.catalogue, interval or None)


def _indicator(resolver: Resolver, node: ast.Call, indicator: Indicator) -> Number | None:
    interval = _interval(resolver, node)
    bound = bind(node, indicator)
    if isinstance(bound, CallFault):
        resolver.report(bound.node, bound.message, bound.suggestion)
        return None
    arguments = [_series_argument(resolver, argument, indicator, interval) for argument in bound.series]
    params = [_parameter(resolver, indicator, slot, given) for slot, given in enumerate(bound.params)]
    if interval is None or None in arguments or None in params:
        return None
    single = len(indicator.outputs) == 1
    return Apply(
        indicator.name,
        tuple(argument for argument in arguments if argument is not None),
        tuple(param for param in params if param is not None),
        indicator.outputs[0] if single else "",
        single,
        interval or None,
    )


def _series_argument(resolver: Resolver, node: ast.expr, indicator: Indicator, interval: str | None) -> Number | None:
    tree = resolver.number(node)
    if isinstance(tree, Constant):
        text = resolver.text(node)
        resolver.report(node, f"a series is needed here, found the number {text}", f"write `{usage(indicator)}`")
        return None
    if tree is not None and interval and _names_interval(tree):
        resolver.report(node, "an interval inside another interval", "name the interval once, on the outer call")
        return None
    return tree


def _parameter(resolver: Resolver, indicator: Indicator, slot: int, node: ast.expr | None) -> float | None:
    if node is None:
        return float(indicator.params[slot].default)
    value = resolver.constant(node)
    if value is None or not _allowed(resolver, node, indicator, slot, value):
        return None
    return value


def _allowed(resolver: Resolver, node: ast.expr, indicator: Indicator, slot: int, value: float) -> bool:
    fault = parameter_fault(indicator, indicator.params[slot], value)
    if fault:
        resolver.report(node, *fault)
    return fault is None


def _interval(resolver: Resolver, node: ast.Call) -> str | None:
    """The higher interval that the call names; "" when it names none or the strategy's own; None if wrong."""
    given = [keyword.value for keyword in node.keywords if keyword.arg == "interval"]
    if not given:
        return ""
    name = resolver.text(given[0])
    length_us = INTERVALS_US.get(name)
    if length_us is None:
        hint = did_you_mean(name, INTERVALS_US) or one_of(INTERVALS_US)
        resolver.report(given[0], f"`{name}` is not an interval", hint)
        return None
    own_us = resolver.scope.interval_us
    if length_us < own_us or length_us % own_us:
        own = interval_name(own_us)
        found = f"interval {name} is not a whole multiple of the strategy's {own} bars"
        fitting = [text for text, us in INTERVALS_US.items() if us > own_us and us % own_us == 0]
        resolver.report(given[0], found, one_of(fitting) if fitting else f"leave it out: {own} is the longest")
        return None
    return name if length_us > own_us else ""


def _names_interval(tree: Tree) -> bool:
    if isinstance(tree, Apply) and tree.interval:
        return True
    return any(_names_interval(child) for child in children(tree))
