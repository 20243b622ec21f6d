"""Scores and figures of runs, from the rows of a sweep and from returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.statistics.sampling import YEAR_US
from tradewire.backtest.sweep.space import ParamSet
from tradewire.backtest.sweep.tasks import ENGINES, MEASURES, Job, Span, cut

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

OBJECTIVES = ("sharpe", "return", "calmar", "drawdown")
RETURN, FALL, TRADES, SHARPE = (MEASURES.index(name) for name in ("total_return", "max_drawdown", "trades", "sharpe"))


def bars_per_year(times_us: IntArray) -> float:
    """Closes in a year of 365 days, by the median distance of the closes; 0 for fewer than 2."""
    return YEAR_US / float(np.median(np.diff(times_us))) if len(times_us) > 1 else 0.0


def growth(total_return: FloatArray, years: float) -> FloatArray:
    """Yearly compound return."""
    left = np.maximum(1.0 + total_return, 0.0)
    return left ** (1.0 / years) - 1.0 if years > 0.0 else np.zeros_like(left)


def scores(objective: str, rows: FloatArray, years: float) -> FloatArray:
    """What the search maximises, shape (k,); NaN for a set that never traded."""
    if objective == "sharpe":
        found = rows[:, SHARPE]
    elif objective == "return":
        found = rows[:, RETURN]
    elif objective == "drawdown":
        found = -rows[:, FALL]
    else:
        fall = rows[:, FALL]
        found = np.where(fall > 0.0, growth(rows[:, RETURN], years) / np.where(fall > 0.0, fall, 1.0), 0.0)
    return np.where(rows[:, TRADES] > 0.0, found, np.nan)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: shares of capital; ``sharpe`` annualised; ``calmar``: yearly return / drawdown, None without one."""

    total_return: float
    sharpe: float
    max_drawdown: float
    calmar: float | None
    trades: int


def figures_of_row(row: FloatArray, per_year: float, years: float) -> Figures:
    """A row of a sweep, to read."""
    gained, fall = float(row[RETURN]), float(row[FALL])
    return Figures(
        gained, float(row[SHARPE]) * math.sqrt(per_year), fall, _calmar(gained, fall, years), int(row[TRADES])
    )


def figures_of_returns(returns: FloatArray, trades: int, per_year: float) -> Figures:
    """An account of these bar returns."""
    worth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    gained = float(worth[-1] - 1.0)
    fall = float(np.max(1.0 - worth / np.maximum.accumulate(worth)))
    years = len(returns) / per_year if per_year else 0.0
    return Figures(gained, sharpe_of(returns) * math.sqrt(per_year), fall, _calmar(gained, fall, years), trades)


def sharpe_of(returns: FloatArray) -> float:
    """Mean over sample standard deviation, per bar; 0 when they don't vary."""
    if len(returns) < 2:
        return 0.0
    spread = float(np.std(returns, ddof=1))
    return float(np.mean(returns)) / spread if spread > 1e-15 else 0.0


def shape_of(returns: FloatArray) -> tuple[float, float]:
    """Skewness and kurtosis (3 for the normal law) of the population; (0, 3) when they don't vary."""
    centred = returns - returns.mean() if len(returns) else returns
    variance = float(np.mean(centred**2)) if len(returns) else 0.0
    if variance <= 1e-30:
        return 0.0, 3.0
    return float(np.mean(centred**3)) / variance**1.5, float(np.mean(centred**4)) / variance**2


def _calmar(gained: float, fall: float, years: float) -> float | None:
    return float(growth(np.array([gained]), years)[0]) / fall if fall > 0.0 and years > 0.0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """Bar returns of one set from a moment on, their close times, and the trades begun since."""

    time_us: IntArray
    returns: FloatArray
    trades: int


def trade(job: Job, values: ParamSet, span: Span, counted_us: int) -> Traded:
    """Run one set over a span; what comes of it from ``counted_us`` on."""
    request = job.with_params(replace(job.request, markets=cut(job.request.markets, span)), values)
    result = ENGINES[job.engine]().run(request)
    equity = np.concatenate([[float(job.request.account.capital)], result.equity_e8 / 1e8])
    before = equity[:-1]
    returns = np.where(before > 0.0, equity[1:] / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)
    counted = result.time_us > counted_us
    trades = sum(1 for item in result.trades if item.entry_time_us >= counted_us)
    return Traded(result.time_us[counted], returns[counted], trades)
