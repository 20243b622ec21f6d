"""Measures of a series of returns. Simple returns per bar as ratios, shape (n,), oldest first; undefined is None.

The risk-free rate is zero throughout: an account of a derivatives exchange earns none.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.backtest.statistics.sampling import YEAR_US, FloatArray

TAIL = 0.05
"""Share of the worst periods that value at risk, its conditional form and the tail ratio look at."""
FLAT = 1e-14
"""A deviation below this share of the largest return is rounding, not risk."""


def finite(value: float) -> float | None:
    """The value as a float, or None when it is no finite number."""
    return float(value) if math.isfinite(value) else None


def deviation(returns: FloatArray) -> float | None:
    """Sample standard deviation (ddof 1); None for n < 2; 0.0 when it is rounding only."""
    if len(returns) < 2:
        return None
    found = float(np.std(returns, ddof=1))
    return found if found > FLAT * float(np.max(np.abs(returns))) else 0.0


def total_return(equity: FloatArray) -> float | None:
    """What the account gained in all, as a share of what it began with.

    Formula: E_T / E_0 − 1
    Source: Bacon (2008), Practical Portfolio Performance Measurement and Attribution, 2nd ed. (simple return).
    """
    return finite(equity[-1] / equity[0] - 1.0) if len(equity) and equity[0] > 0.0 else None


def cagr(equity: FloatArray, span_us: int) -> float | None:
    """Compound annual growth rate: the yearly return that would have led to the same end.

    Formula: (E_T / E_0)^(1 / years) − 1, years = (t_T − t_0) / (365 × 86,400 s); −1 once the equity is gone
    Source: Bacon (2008) (annualised geometric return).
    """
    if not len(equity) or equity[0] <= 0.0 or span_us <= 0:
        return None
    if equity.min() <= 0.0:
        return -1.0
    exponent = math.log(equity[-1] / equity[0]) * YEAR_US / span_us
    return finite(math.expm1(exponent)) if exponent < 700.0 else None


def volatility(returns: FloatArray, periods: float) -> float | None:
    """Annualised standard deviation of the returns per bar.

    Formula: s √P, s = sample standard deviation (ddof 1), P = bars per year = 365 × 86,400 s / median bar length
    Source: Bacon (2008) (annualised risk); 365 days as crypto markets never close.
    """
    found = deviation(returns)
    return None if found is None else finite(found * math.sqrt(periods))


def sharpe(returns: FloatArray, periods: float) -> float | None:
    """Sharpe ratio, annualised, risk-free rate zero: mean return for each unit of its deviation.

    Formula: r̄ / s × √P, s with ddof 1; none when s = 0
    Source: Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1).
    """
    found = deviation(returns)
    return finite(float(np.mean(returns)) / found * math.sqrt(periods)) if found else None


def sortino(returns: FloatArray, periods: float) -> float | None:
    """Sortino ratio, annualised, target zero: only returns below zero count as risk.

    Formula: r̄ / √(Σ min(r_t, 0)² / n) × √P; none when no return is below zero
    Source: Sortino and Price (1994), "Performance Measurement in a Downside Risk Framework", J. of Investing 3(3).
    """
    if not len(returns):
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return finite(float(np.mean(returns)) / downside * math.sqrt(periods)) if downside > 0.0 else None


def omega(returns: FloatArray) -> float | None:
    """Omega ratio at threshold zero: all gains over all losses, per bar.

    Formula: Σ max(r_t, 0) / Σ max(−r_t, 0); none without a loss
    Source: Keating and Shadwick (2002), "A Universal Performance Measure", J. of Performance Measurement 6(3).
    """
    losses = float(np.sum(np.maximum(-returns, 0.0)))
    return finite(float(np.sum(np.maximum(returns, 0.0))) / losses) if losses > 0.0 else None


def skewness(returns: FloatArray) -> float | None:
    """Skew of the returns per bar: below zero when the long tail is that of losses.

    Formula: G₁ = √(n (n−1)) / (n−2) × m₃ / m₂^1.5, m_k = central moments; none for n < 3 or without deviation
    Source: Joanes and Gill (1998), "Comparing measures of sample skewness and kurtosis", The Statistician 47(1).
    """
    n = len(returns)
    if n < 3 or not deviation(returns):
        return None
    apart = returns - np.mean(returns)
    second, third = float(np.mean(apart**2)), float(np.mean(apart**3))
    return finite(math.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5) if second**1.5 > 0.0 else None


def kurtosis(returns: FloatArray) -> float | None:
    """Excess kurtosis of the returns per bar: above zero when tails are fatter than the normal distribution's.

    Formula: G₂ = (n−1) / ((n−2)(n−3)) × ((n+1)(m₄ / m₂² − 3) + 6); none for n < 4 or without deviation
    Source: Joanes and Gill (1998), "Comparing measures of sample skewness and kurtosis", The Statistician 47(1).
    """
    n = len(returns)
    if n < 4 or not deviation(returns):
        return None
    apart = returns - np.mean(returns)
    second, fourth = float(np.mean(apart**2)), float(np.mean(apart**4))
    if second**2 <= 0.0:
        return None
    return finite((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourth / second**2 - 3.0) + 6.0))


def value_at_risk(returns: FloatArray) -> float | None:
    """Historical value at risk of one day at 95 %: one day in twenty ends at or below this return.

    Formula: 5 % quantile of the daily returns (linear interpolation between order statistics)
    Source: Jorion (2006), Value at Risk, 3rd ed. (historical simulation).
    """
    return finite(float(np.quantile(returns, TAIL))) if len(returns) else None


def conditional_value_at_risk(returns: FloatArray) -> float | None:
    """Expected shortfall of one day at 95 %: the mean of the days at or below the value at risk.

    Formula: mean of r_t with r_t ≤ VaR
    Source: Rockafellar and Uryasev (2000), "Optimization of Conditional Value-at-Risk", Journal of Risk 2(3).
    """
    at = value_at_risk(returns)
    return None if at is None else finite(float(np.mean(returns[returns <= at])))


def tail_ratio(returns: FloatArray) -> float | None:
    """The right tail of the daily returns against the left one: above 1 when large gains outdo large losses.

    Formula: |95 % quantile| / |5 % quantile|; none when the latter is 0
    Source: definition of empyrical (Quantopian), function tail_ratio.
    """
    if not len(returns):
        return None
    low, high = np.quantile(returns, [TAIL, 1.0 - TAIL])
    return finite(abs(float(high)) / abs(float(low))) if low != 0.0 else None


def best_day(returns: FloatArray) -> float | None:
    """The best return of a UTC day.

    Formula: max r_d over the days
    Source: order statistic.
    """
    return finite(float(np.max(returns))) if len(returns) else None


def worst_day(returns: FloatArray) -> float | None:
    """The worst return of a UTC day.

    Formula: min r_d over the days
    Source: order statistic.
    """
    return finite(float(np.min(returns))) if len(returns) else None


def beta(returns: FloatArray, benchmark: FloatArray) -> float | None:
    """How much of the benchmark's movement the account takes along, per bar.

    Formula: cov(r, b) / var(b), b = returns of buying and holding the first market; none when b does not move
    Source: Sharpe (1964), "Capital Asset Prices", Journal of Finance 19(3).
    """
    if len(returns) != len(benchmark) or not deviation(benchmark):
        return None
    apart = benchmark - np.mean(benchmark)
    return finite(float(np.dot(returns - np.mean(returns), apart) / np.dot(apart, apart)))


def alpha(returns: FloatArray, benchmark: FloatArray, periods: float) -> float | None:
    """Jensen's alpha, annualised without compounding: the return that the benchmark's movement does not explain.

    Formula: (r̄ − β b̄) × P
    Source: Jensen (1968), "The Performance of Mutual Funds in the Period 1945–1964", Journal of Finance 23(2).
    """
    slope = beta(returns, benchmark)
    if slope is None:
        return None
    return finite((float(np.mean(returns)) - slope * float(np.mean(benchmark))) * periods)
