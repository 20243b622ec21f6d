"""Statistics of a run: pure functions over arrays and trades, each with its formula and source."""

from tradewire.backtest.statistics.catalogue import CATALOGUE, Definition, Group, Unit
from tradewire.backtest.statistics.reference import statistics_reference
from tradewire.backtest.statistics.summary import Statistic, Statistics, benchmark_of, equity_of, statistics_of
from tradewire.backtest.statistics.table import statistics_table

__all__ = [
    "CATALOGUE",
    "Definition",
    "Group",
    "Statistic",
    "Statistics",
    "Unit",
    "benchmark_of",
    "equity_of",
    "statistics_of",
    "statistics_reference",
    "statistics_table",
]
