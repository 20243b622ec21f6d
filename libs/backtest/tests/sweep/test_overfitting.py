"""Deflated Sharpe ratio, effective trials, and the probability of backtest overfitting."""

from __future__ import annotations

import numpy as np
import pytest

from tradewire.backtest.statistics.overfitting import (
    backtest_overfitting,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    probabilistic_sharpe,
)


def blocks_of(returns: np.ndarray, blocks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = returns.reshape(len(returns), blocks, -1)
    return np.full(blocks, parts.shape[2]), parts.sum(axis=2), (parts**2).sum(axis=2)


def test_numeric_example_of_the_paper() -> None:
    """Bailey and López de Prado (2014): annualised 2.5 over 1,250 days, skewness −3, kurtosis 10, V = 1/2."""
    variance = 0.5 / 250

    assert expected_maximum_sharpe(variance, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(2.5 / 250**0.5, 1250, -3, 10, variance, 100) == pytest.approx(0.9004, abs=5e-4)
    assert deflated_sharpe(2.5 / 250**0.5, 1250, -3, 10, variance, 46) == pytest.approx(0.9505, abs=5e-4)


def test_one_trial_is_not_deflated() -> None:
    assert expected_maximum_sharpe(0.3, 1) == 0
    assert deflated_sharpe(0.1, 101, 0, 3, 0.3, 1) == probabilistic_sharpe(0.1, 0, 101)
    assert probabilistic_sharpe(0.1, 0.1, 101) == 0.5
    assert probabilistic_sharpe(0.1, 0.0, 1) is None


def test_equal_trials_amount_to_one_and_unrelated_ones_to_all() -> None:
    same = np.tile([0.1, -0.2, 0.3, 0.0], (7, 1))
    assert effective_trials(same) == pytest.approx(1)
    apart = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    assert effective_trials(apart) == pytest.approx(2)
    assert effective_trials(np.zeros((3, 4))) == 1


def test_two_trials_in_two_blocks_by_hand() -> None:
    """Each is best in one block and worst in the other: always overfitted. One that leads in both: never."""
    swapped = np.array([[0.03, 0.01, -0.03, -0.01], [-0.03, -0.01, 0.03, 0.01]])
    found = backtest_overfitting(*blocks_of(swapped, 2))
    assert found is not None
    assert (found.probability, found.splits, found.trials) == (1, 2, 2)
    leading = np.array([[0.03, 0.01, 0.03, 0.01], [-0.03, -0.01, -0.03, -0.01]])
    found = backtest_overfitting(*blocks_of(leading, 2))
    assert found is not None
    assert found.probability == 0


def test_noise_is_overfitted_half_of_the_time_and_skill_is_not() -> None:
    dice = np.random.default_rng(5)
    shares = []
    for _ in range(12):
        found = backtest_overfitting(*blocks_of(dice.normal(0, 0.01, (40, 320)), 8))
        assert found is not None
        shares.append(found.probability)
    assert 0.35 < float(np.mean(shares)) < 0.65

    skilled = dice.normal(0, 0.01, (40, 320))
    skilled[17] += 0.01
    found = backtest_overfitting(*blocks_of(skilled, 8))
    assert found is not None
    assert found.probability < 0.02


def test_it_equals_ratios_taken_from_the_returns_themselves() -> None:
    from itertools import combinations

    returns = np.random.default_rng(2).normal(0.001, 0.01, (9, 60))
    parts = returns.reshape(9, 6, 10)
    worse = 0
    for chosen in combinations(range(6), 3):
        rest = [block for block in range(6) if block not in chosen]
        inside, outside = (parts[:, list(part)].reshape(9, -1) for part in (chosen, rest))
        best = int(np.argmax(inside.mean(axis=1) / inside.std(axis=1, ddof=1)))
        ratio = outside.mean(axis=1) / outside.std(axis=1, ddof=1)
        worse += int(1 + (ratio < ratio[best]).sum() <= 5)
    found = backtest_overfitting(*blocks_of(returns, 6))
    assert found is not None
    assert found.probability == pytest.approx(worse / 20)


def test_odd_blocks_are_refused_and_one_trial_says_nothing() -> None:
    with pytest.raises(ValueError, match="even"):
        backtest_overfitting(np.ones(3, np.int64), np.ones((2, 3)), np.ones((2, 3)))
    assert backtest_overfitting(np.ones(2, np.int64), np.ones((1, 2)), np.ones((1, 2))) is None
