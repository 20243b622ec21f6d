"""Strategies whose rules are Python: `python: "module:Class"` in place of entry and exit rules.

Only classes that an installed package offers through the entry point group `tradewire.strategies` can be
named, so a strategy text can never load code that the platform's image does not already hold. Indicators are
still computed by the engine: a plug-in turns one snapshot into a decision, and a history of snapshots into
decisions, and both forms must agree on every bar (`truth.check_strategy`). What it answers is checked for names,
types and shapes, and that it asks to end the process ends no process.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Protocol, TypeVar

import numpy as np

from tradewire.trading.language.document import RULES
from tradewire.trading.language.errors import did_you_mean, one_of
from tradewire.trading.language.numbers import SeriesArrays, Snapshot
from tradewire.trading.language.rules import BoolArray, Truth

GROUP = "tradewire.strategies"


class PythonRules(Protocol):
    """Rules of a strategy, written in Python, made with the strategy's parameters (name → value).

    `demands` lists the series read, in canonical text, as `ema(close,20)`. Both forms see these and the
    bar's own open, high, low, close, volume, now and one bar earlier, and return raw rules by name
    (`entry_long`, …); a rule left out is false. Rules are asked only on bars where every demand and every price
    has a value now and a bar before; the array form sees NaN where there is none.
    """

    demands: tuple[str, ...]

    @abstractmethod
    def rules(self, values: Snapshot, previous: Snapshot) -> Mapping[str, Truth]:
        """The raw rules of one bar. Must not remember earlier calls."""

    @abstractmethod
    def rules_array(self, values: SeriesArrays, previous: SeriesArrays) -> Mapping[str, BoolArray]:
        """The raw rules of every bar, each shape (n,); bar t must not depend on bars after t."""


_Answer = TypeVar("_Answer")
RulesFactory = Callable[[Mapping[str, float]], PythonRules]
RulesFinder = Callable[[str], RulesFactory]


class UnknownPlugin(LookupError):  # noqa: N818 - the words its user reads
    """No installed package offers this class; the message says what is offered."""


class PluginError(ValueError):
    """A plug-in can't be made, or its answer is no decision; the message says what was found and what is allowed."""


def installed_rules(reference: str) -> RulesFactory:
    """The class that an installed package offers under `module:Class`. Raises UnknownPlugin, PluginError."""
    offered = {point.value: point for point in entry_points(group=GROUP)}
    if reference not in offered:
        known = ", ".join(sorted(offered)) or "none"
        hint = did_you_mean(reference, offered) or f"offered: {known}"
        raise UnknownPlugin(f"no installed package offers `{reference}` in `{GROUP}`; {hint}")
    factory: RulesFactory = _made(offered[reference].load, f"`{reference}` can't be loaded")
    return factory


class CheckedRules:
    """The rules of a plug-in, whose answers are decisions or errors.

    Attributes: demands: as the plug-in's; made_by: its class.
    """

    def __init__(self, reference: str, factory: RulesFactory, params: Mapping[str, float]) -> None:
        """Raises PluginError where the class can't be made with the parameters, or demands no series."""
        self._rules = _made(lambda: factory(params), f"`{reference}` can't be made with the strategy's parameters")
        self.made_by = type(self._rules)
        demands: object = _made(lambda: self._rules.demands, f"`{reference}` has no demands")
        texts = demands if isinstance(demands, tuple | list) else [None]
        self.demands = tuple(text for text in texts if isinstance(text, str))
        if len(self.demands) < len(texts):
            raise PluginError(f"`{reference}` demands {demands!r}, allowed is a tuple of series, as ('ema(close,20)',)")

    def rules(self, values: Snapshot, previous: Snapshot) -> dict[str, Truth]:
        """The raw rules of one bar. Raises PluginError, and whatever the plug-in raises."""
        answers = _unending(lambda: self._rules.rules(values, previous))
        return {name: _truth(name, value) for name, value in _named(answers).items()}

    def rules_array(self, values: SeriesArrays, previous: SeriesArrays) -> dict[str, BoolArray]:
        """The raw rules of every bar. Raises PluginError, and whatever the plug-in raises."""
        answers = _unending(lambda: self._rules.rules_array(values, previous))
        return {name: _truths(name, value, len(values["close"])) for name, value in _named(answers).items()}


def _made(make: Callable[[], _Answer], failed: str) -> _Answer:
    try:
        return make()
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises must not end a service
        raise PluginError(f"{failed}: {type(error).__name__}: {error}") from error


def _unending(answer: Callable[[], _Answer]) -> _Answer:
    try:
        return answer()
    except SystemExit as error:
        raise PluginError("the rules ask to end the process (SystemExit), allowed is an answer or an error") from error


def _named(answers: Mapping[str, _Answer]) -> Mapping[str, _Answer]:
    """The answers, if their names are those of rules."""
    if not isinstance(answers, Mapping):
        raise PluginError(f"the rules answer {answers!r}, allowed is a mapping of {one_of(RULES)} to its truth")
    for name in answers:
        if name not in RULES:
            hint = did_you_mean(str(name), RULES) or one_of(RULES)
            raise PluginError(f"the rules answer `{name}`, which is no rule; {hint}")
    return answers


def _truth(name: str, value: object) -> Truth:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    raise PluginError(f"`{name}` is {value!r} of one bar, allowed are True, False and None")


def _truths(name: str, values: object, length: int) -> BoolArray:
    array = np.asarray(values)
    if array.dtype != np.bool_ or array.shape != (length,):
        found = f"an array of {array.dtype} and shape {array.shape}"
        raise PluginError(f"`{name}` is {found}, allowed is one truth for each bar: bool, ({length},)")
    return array
