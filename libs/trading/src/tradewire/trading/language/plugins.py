"""Strategies whose rules are Python: `python: "module:Class"` in place of entry and exit rules.

Only classes that an installed package offers through the entry point group `tradewire.strategies` can be
named, so a strategy text can never load code that the platform's image does not already hold. Indicators are
still computed by the engine: a plug-in turns one snapshot into a decision, and a history of snapshots into
decisions, and both forms must agree on every bar (`truth.check_strategy`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Protocol

from tradewire.trading.language.errors import did_you_mean
from tradewire.trading.language.numbers import SeriesArrays, Snapshot
from tradewire.trading.language.rules import BoolArray, Truth

GROUP = "tradewire.strategies"


class PythonRules(Protocol):
    """Rules of a strategy, written in Python, made with the strategy's parameters (name → value).

    `demands` lists the series read, in canonical text, as `ema(close,20)`. Both forms see these and the
    bar's own open, high, low, close, volume, now and one bar earlier, and return raw rules by name
    (`entry_long`, …); a rule left out is false. Rules are asked only on bars where every demand has a value
    now and a bar before.
    """

    demands: tuple[str, ...]

    @abstractmethod
    def rules(self, values: Snapshot, previous: Snapshot) -> Mapping[str, Truth]:
        """The raw rules of one bar. Must not remember earlier calls."""

    @abstractmethod
    def rules_array(self, values: SeriesArrays, previous: SeriesArrays) -> Mapping[str, BoolArray]:
        """The raw rules of every bar, each shape (n,); bar t must not depend on bars after t."""


RulesFactory = Callable[[Mapping[str, float]], PythonRules]
RulesFinder = Callable[[str], RulesFactory]


class UnknownPlugin(LookupError):  # noqa: N818 - the words its user reads
    """No installed package offers this class; the message says what is offered."""


def installed_rules(reference: str) -> RulesFactory:
    """The class that an installed package offers under `module:Class`. Raises UnknownPlugin."""
    offered = {point.value: point for point in entry_points(group=GROUP)}
    if reference not in offered:
        known = ", ".join(sorted(offered)) or "none"
        hint = did_you_mean(reference, offered) or f"offered: {known}"
        raise UnknownPlugin(f"no installed package offers `{reference}` in `{GROUP}`; {hint}")
    factory: RulesFactory = offered[reference].load()
    return factory
