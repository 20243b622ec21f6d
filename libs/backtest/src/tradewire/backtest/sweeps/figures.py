"""Scores and figures of runs, from the rows of a sweep and from returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewire.backtest.statistics import drawdowns
from tradewire.backtest.statistics import returns as statistics
from tradewire.backtest.statistics.sampling import YEAR_US, periods_per_year, simple_returns
from tradewire.backtest.statistics.summary import equity_of, statistics_named
from tradewire.backtest.sweeps.space import ParamSet
from tradewire.backtest.sweeps.tasks import ENGINES, MEASURES, Job, SweepSpan
from tradewire.ports.backtest import BacktestResult

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

OBJECTIVES = ("sharpe", "return", "calmar", "drawdown")
RETURN, FALL, TRADES, SHARPE, RUINED = map(
    MEASURES.index, ("total_return", "max_drawdown", "trades", "sharpe", "ruined")
)


def years_of(times_us: IntArray) -> float:
    """From the first to the last of some times, years of 365 days."""
    return float(times_us[-1] - times_us[0]) / YEAR_US if len(times_us) else 0.0


def growth(total_return: FloatArray, years: float) -> FloatArray:
    """Yearly compound return."""
    left = np.maximum(1.0 + total_return, 0.0)
    return left ** (1.0 / years) - 1.0 if years > 0.0 else np.zeros_like(left)


def scores(objective: str, rows: FloatArray, years: float) -> FloatArray:
    """What the search maximises, shape (k,); NaN for a set that never traded, -infinity for a ruined one."""
    if objective == "sharpe":
        found = rows[:, SHARPE]
    elif objective == "return":
        found = rows[:, RETURN]
    elif objective == "drawdown":
        found = -rows[:, FALL]
    else:
        fall = rows[:, FALL]
        found = np.where(fall > 0.0, growth(rows[:, RETURN], years) / np.where(fall > 0.0, fall, 1.0), 0.0)
    found = np.where(rows[:, RUINED] > 0.0, -np.inf, found)
    return np.where(rows[:, TRADES] > 0.0, found, np.nan)


@dataclass(frozen=True, slots=True)
class SweepFigures:
    """Statistics of one run, as `tradewire.backtest.statistics` defines them; None where one is not defined.

    ``ruined``: whether equity was 0 or below at a close.
    """

    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None
    calmar: float | None
    trades: int
    open_trades: int
    ruined: bool


def figures_of(result: BacktestResult) -> SweepFigures:
    """A run, to read."""
    names = {field.name for field in fields(SweepFigures)}
    found: dict[str, Any] = statistics_named(result, names)
    return SweepFigures(**found, ruined=bool(np.any(result.equity_e8 <= 0)))


def figures_of_accounts(results: Sequence[BacktestResult]) -> SweepFigures:
    """Runs one after another as one account, which takes its returns along."""
    curve, times = np.ones(1), results[0].time_us[:1]
    for result in results:
        equity = equity_of(result)
        curve = np.concatenate([curve, curve[-1] * equity[1:] / equity[0]])
        times = np.concatenate([times, result.time_us[1:]])
    deepest, gained = drawdowns.max_drawdown(curve), statistics.total_return(curve)
    periods = periods_per_year(times)
    figures = [figures_of(result) for result in results]
    return SweepFigures(
        total_return=gained,
        sharpe=statistics.sharpe(simple_returns(curve), periods) if periods else None,
        max_drawdown=deepest,
        calmar=drawdowns.calmar(statistics.cagr(curve, int(times[-1] - times[0])), deepest),
        trades=sum(one.trades for one in figures),
        open_trades=sum(one.open_trades for one in figures),
        ruined=any(one.ruined for one in figures),
    )


def shape_of(returns: FloatArray) -> tuple[float, float]:
    """Skewness and kurtosis (3 for the normal law) of the population; (0, 3) when they don't vary."""
    centred = returns - returns.mean() if len(returns) else returns
    squares = centred * centred
    variance = float(np.mean(squares)) if len(returns) else 0.0
    if variance <= 1e-30:
        return 0.0, 3.0
    return float(np.mean(squares * centred)) / variance**1.5, float(np.mean(squares * squares)) / variance**2


def run_set(job: Job, values: ParamSet, span: SweepSpan) -> BacktestResult:
    """One set over a span, if its results can be believed. Raises: as BacktestPort.run."""
    return ENGINES[job.engine]().run(job.asked(values, span))
