"""Drawdowns: how far and how long the account was below its highest point. Equity in quote, shape (n,)."""

from __future__ import annotations

import math

import numpy as np

from tradewire.backtest.statistics.returns import finite
from tradewire.backtest.statistics.sampling import FloatArray, IntArray


def underwater(equity: FloatArray) -> FloatArray:
    """Distance to the highest point so far, as ratio ≤ 0, shape (n,). The first point must be above 0."""
    return np.minimum(equity / np.maximum.accumulate(equity) - 1.0, 0.0) if len(equity) else np.empty(0)


def spells(below: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last index of every stretch under water, both (k,), oldest first."""
    wet = np.concatenate(([False], below < 0.0, [False])).astype(np.int8)
    edges = np.diff(wet)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def max_drawdown(equity: FloatArray) -> float | None:
    """The deepest fall from a highest point, as a share of it; 0 when there was none.

    Formula: min_t (E_t / max_{s ≤ t} E_s − 1)
    Source: Magdon-Ismail and Atiya (2004), "Maximum Drawdown", Risk 17(10).
    """
    return finite(float(np.min(underwater(equity)))) if len(equity) else None


def average_drawdown(equity: FloatArray) -> float | None:
    """Mean of the deepest points of all stretches under water; 0 when there was none.

    Formula: mean over stretches k of min_{t in k} D_t, D = drawdown
    Source: Bacon (2008), Practical Portfolio Performance Measurement and Attribution, 2nd ed..
    """
    if not len(equity):
        return None
    below = underwater(equity)
    starts, _ = spells(below)
    return finite(float(np.mean(np.minimum.reduceat(below, starts)))) if len(starts) else 0.0


def longest_drawdown_bars(equity: FloatArray) -> int:
    """Bars from a highest point to the first bar that is back at it, at the longest; to the end if it never came back.

    Formula: max over stretches of (bars under water + the bar of recovery)
    Source: Bacon (2008) (drawdown duration).
    """
    starts, ends = spells(underwater(equity))
    recovered = np.minimum(ends + 1, len(equity) - 1)
    return int(np.max(recovered - (starts - 1))) if len(starts) else 0


def longest_drawdown_days(equity: FloatArray, time_us: IntArray) -> float:
    """Time from a highest point until it was reached again, at the longest; to the end if it never was; days.

    Formula: max over stretches of (t_recovery − t_peak) / 86,400 s
    Source: Bacon (2008) (drawdown duration).
    """
    starts, ends = spells(underwater(equity))
    recovered = np.minimum(ends + 1, len(equity) - 1)
    return float(np.max(time_us[recovered] - time_us[starts - 1])) / 86_400e6 if len(starts) else 0.0


def ulcer_index(equity: FloatArray) -> float | None:
    """Ulcer index: how deep and how long the account was under water, in one number.

    Formula: √(Σ D_t² / n), D = drawdown as ratio
    Source: Martin and McCann (1989), The Investor's Guide to Fidelity Funds.
    """
    return finite(math.sqrt(float(np.mean(underwater(equity) ** 2)))) if len(equity) else None


def calmar(growth: float | None, deepest: float | None) -> float | None:
    """Calmar ratio: yearly growth for each unit of the deepest drawdown, over the whole run.

    Formula: CAGR / |maximum drawdown|; none without a drawdown
    Source: Young (1991), "Calmar Ratio: A Smoother Tool", Futures 20(1); there over 36 months.
    """
    return finite(growth / abs(deepest)) if growth is not None and deepest else None


def recovery_factor(gained: float | None, deepest: float | None) -> float | None:
    """How often the total return makes up for the deepest drawdown.

    Formula: total return / |maximum drawdown|; none without a drawdown
    Source: definition of quantstats, function recovery_factor, with the compounded return.
    """
    return finite(gained / abs(deepest)) if gained is not None and deepest else None
