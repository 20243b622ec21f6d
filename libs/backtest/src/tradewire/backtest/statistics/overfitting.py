"""How far a backtest that was chosen among many can be believed.

Sources: Bailey, D. H. and López de Prado, M. (2014), "The Deflated Sharpe Ratio: Correcting for Selection Bias,
Backtest Overfitting, and Non-Normality", Journal of Portfolio Management 40 (5), 94–107; Bailey, D. H., Borwein, J.,
López de Prado, M. and Zhu, Q. J. (2017, working paper 2015), "The Probability of Backtest Overfitting", Journal of
Computational Finance 20 (4), 39–69.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

EULER_GAMMA = 0.5772156649015329
COMBINATIONS_AT_ONCE = 256
FLAT = 1e-30
"""A variance up to this is rounding: the Sharpe ratio counts as 0."""
_NORMAL = NormalDist()


def probabilistic_sharpe(
    sharpe: float, benchmark: float, returns: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """Probability that the true Sharpe ratio exceeds a benchmark; None for fewer than 2 returns.

    Parameters: Sharpe ratios per return, not annualised; ``returns``: how many; ``kurtosis``: 3 for the normal law.
    Formula: Φ((SR − SR*) √(T − 1) / √(1 − γ₃ SR + (γ₄ − 1) SR² / 4))
    Source: Bailey and López de Prado (2014), equation 9 of which it is the first part.
    """
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if returns < 2 or not math.isfinite(spread) or spread <= 0.0:
        return None
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(returns - 1) / math.sqrt(spread))


def expected_maximum_sharpe(variance: float, trials: float) -> float:
    """Largest Sharpe ratio that so many trials without any skill are expected to show; 0 for one trial.

    Parameters: ``variance`` of the trials' Sharpe ratios; ``trials``: number of independent ones.
    Formula: √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), γ the Euler–Mascheroni constant
    Source: Bailey and López de Prado (2014), equation 6.
    """
    if trials <= 1.0 or variance <= 0.0:
        return 0.0
    first, second = (_NORMAL.inv_cdf(1.0 - 1.0 / (trials * factor)) for factor in (1.0, math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(
    sharpe: float, returns: int, skew: float, kurtosis: float, variance: float, trials: float
) -> float | None:
    """Probability that the Sharpe ratio of the best of many trials is above 0, selection and fat tails allowed for.

    Parameters: as `probabilistic_sharpe` and `expected_maximum_sharpe`.
    Formula: the probabilistic Sharpe ratio against the expected maximum
    Source: Bailey and López de Prado (2014), equation 9.
    """
    return probabilistic_sharpe(sharpe, expected_maximum_sharpe(variance, trials), returns, skew, kurtosis)


def effective_trials(results: FloatArray) -> float:
    """How many independent trials so many related ones amount to, from 1 to k.

    Parameters: results: returns of k trials over the same m spans, shape (k, m). Trials that don't vary count as one.
    Formula: ρ̄ + (1 − ρ̄) M with ρ̄ the mean correlation of the M trials, not below 0
    Source: Bailey and López de Prado (2014), appendix A.3.
    """
    centred = results - results.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    moving = length > 1e-15
    count = int(moving.sum())
    if count < 2:
        return 1.0
    whole = (centred[moving] / length[moving, None]).sum(axis=0)
    mean = min(1.0, max(0.0, (float(whole @ whole) - count) / (count * (count - 1))))
    return mean + (1.0 - mean) * count


@dataclass(frozen=True, slots=True)
class Overfitting:
    """``probability`` of backtest overfitting, 0 to 1; ``splits`` and ``trials`` that it was estimated from."""

    probability: float
    splits: int
    trials: int


def backtest_overfitting(counts: IntArray, sums: FloatArray, squares: FloatArray) -> Overfitting | None:
    """Probability that the trial that was best in sample is below the median out of sample (PBO), by CSCV.

    The S blocks are split into halves in every way; the best by Sharpe ratio in one half is ranked in the other.
    Parameters: counts: returns in each block, shape (S,), S even; sums, squares: of the k trials' returns and of their
    squares by block, shape (k, S): Sharpe ratios of any blocks together follow from these.
    Returns None for fewer than 2 trials. Trials that are equal share their mean rank.
    Formula: share of splits with λ = ln(ω / (1 − ω)) ≤ 0, ω = rank / (k + 1)
    Source: Bailey, Borwein, López de Prado and Zhu (2015), section 3.
    """
    trials, blocks = sums.shape
    if blocks < 2 or blocks % 2:
        raise ValueError(f"{blocks} blocks; an even number is needed")
    if trials < 2:
        return None
    halves = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[row, list(chosen)] = 1.0
    worse = sum(
        _below_median(halves[at : at + COMBINATIONS_AT_ONCE], counts, sums, squares)
        for at in range(0, len(halves), COMBINATIONS_AT_ONCE)
    )
    return Overfitting(worse / len(halves), len(halves), trials)


def _below_median(halves: FloatArray, counts: IntArray, sums: FloatArray, squares: FloatArray) -> float:
    """Splits whose best in sample is at or below the median out of sample."""
    inside = _sharpe(halves, counts, sums, squares)
    outside = _sharpe(1.0 - halves, counts, sums, squares)
    best = inside.argmax(axis=1)
    chosen = np.take_along_axis(outside, best[:, None], axis=1)
    equal = np.count_nonzero(outside == chosen, axis=1)
    rank = np.count_nonzero(outside < chosen, axis=1) + (equal + 1) / 2.0
    return float(np.count_nonzero(rank <= (sums.shape[0] + 1) / 2.0))


def _sharpe(halves: FloatArray, counts: IntArray, sums: FloatArray, squares: FloatArray) -> FloatArray:
    """Sharpe ratios of the blocks taken together, shape (splits, k)."""
    number = (halves @ counts)[:, None]
    mean = halves @ sums.T / number
    variance = (halves @ squares.T - number * mean**2) / np.maximum(number - 1.0, 1.0)
    return np.where(variance > FLAT, mean / np.sqrt(np.maximum(variance, FLAT)), 0.0)
