"""All statistics of a run in one value: ordered, frozen, with names and units, ready for JSON and for tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from tradewire.backtest.statistics.catalogue import CATALOGUE, Group, Sample, Unit, Value
from tradewire.backtest.statistics.sampling import FloatArray, buy_and_hold
from tradewire.ports.backtest import BacktestResult, MarketHistory
from tradewire.trading.exchange import SCALE
from tradewire.trading.language import INTERVALS_US


@dataclass(frozen=True, slots=True)
class Statistic:
    """One of them. ``value`` is None where it is not defined for the run; costs are negative money."""

    name: str
    label: str
    unit: Unit
    group: Group
    value: Value

    @property
    def text(self) -> str:
        """The value for people: ratios in per cent, money to cents, – where undefined."""
        if self.value is None:
            return "–"
        if self.unit is Unit.RATIO:
            return f"{float(self.value) * 100:,.2f} %"
        if self.unit is Unit.QUOTE:
            return f"{float(self.value):,.2f}"
        if self.unit in (Unit.COUNT, Unit.BARS):
            return f"{int(self.value):,}"
        suffix = {Unit.PER_YEAR: " × a year", Unit.DAYS: " d", Unit.HOURS: " h"}.get(self.unit, "")
        return f"{float(self.value):,.2f}{suffix}"


@dataclass(frozen=True, slots=True, repr=False)
class Statistics:
    """All statistics of a run, in the order of the catalogue. ``stats["sharpe"]`` is a value, None if undefined.

    As text it is one statistic a line; in a notebook a table.
    """

    entries: tuple[Statistic, ...]

    def __getitem__(self, name: str) -> Value:
        for entry in self.entries:
            if entry.name == name:
                return entry.value
        raise KeyError(f"no statistic is called {name!r}; there are {', '.join(e.name for e in self.entries)}")

    def __iter__(self) -> Iterator[Statistic]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def to_json(self) -> dict[str, float | int | str | None]:
        """Values by name: money as strings, undefined as null; never NaN or infinite."""
        return {e.name: format(e.value, "f") if isinstance(e.value, Decimal) else e.value for e in self.entries}

    def units(self) -> dict[str, str]:
        """Units by name: ratio (0.05 = 5 %), quote, 1 for pure numbers, …"""
        return {entry.name: str(entry.unit) for entry in self.entries}

    def groups(self) -> dict[Group, list[Statistic]]:
        """By heading, in order."""
        return {group: [e for e in self.entries if e.group is group] for group in Group}

    def __repr__(self) -> str:
        return "\n".join(f"{entry.name:<26}{entry.text:>16}" for entry in self.entries)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{e.label}</td><td style='text-align:right'>{e.text}</td></tr>" for e in self.entries)
        return f"<table>{rows}</table>"


def equity_of(result: BacktestResult) -> FloatArray:
    """The equity curve in quote, float64, shape (t,)."""
    return result.equity_e8.astype(np.float64) / SCALE


def benchmark_of(result: BacktestResult, markets: Sequence[MarketHistory]) -> FloatArray:
    """Equity of one who buys the first market for all the capital and holds, quote, shape (t,). No leverage, no fee.

    The first market is that of ``markets`` that has bars; without any the benchmark does not move.
    """
    capital = float(result.account.capital)
    first = next((market for market in markets if len(market)), None)
    if first is None:
        return np.full(len(result.time_us), capital)
    closes_us = first.open_time_us + INTERVALS_US[first.interval]
    return buy_and_hold(result.time_us, closes_us, first.close, capital)


def statistics_of(result: BacktestResult, markets: Sequence[MarketHistory]) -> Statistics:
    """Every statistic of the catalogue. ``markets`` as in the request; the first one is the benchmark."""
    sample = Sample(result, equity_of(result), benchmark_of(result, markets))
    return Statistics(tuple(Statistic(d.name, d.label, d.unit, d.group, d.of(sample)) for d in CATALOGUE))


def statistics_named(result: BacktestResult, names: Collection[str]) -> dict[str, Value]:
    """Some of them, by name; none that look at the benchmark."""
    sample = Sample(result, equity_of(result), benchmark_of(result, ()))
    return {definition.name: definition.of(sample) for definition in CATALOGUE if definition.name in names}
