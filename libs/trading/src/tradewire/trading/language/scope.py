"""What names mean in one strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tradewire.trading.indicators import Indicator
from tradewire.trading.language.errors import Diagnostics
from tradewire.trading.language.syntax import Expression
from tradewire.trading.language.tree import Number

CROSSINGS = ("crossed_above", "crossed_below")
VOLATILITY = "volatility"
"""`volatility(n)`: written out as the indicator series it stands for, see `calls.volatility_tree`."""


@dataclass(slots=True)
class Scope:
    """What names mean in one strategy: its indicators, its parameters' values and its interval.

    `resolved` holds the trees of named indicators as they become known; None for a faulty definition.
    """

    catalogue: Mapping[str, Indicator]
    interval_us: int
    diagnostics: Diagnostics
    indicators: Mapping[str, Expression] = field(default_factory=dict)
    params: Mapping[str, float] = field(default_factory=dict)
    resolved: dict[str, Number | None] = field(default_factory=dict)
    open_names: list[str] = field(default_factory=list)
