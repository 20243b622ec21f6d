"""What many runs came to, one row per parameter set, without keeping their equity curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_in_place
from tradewire.backtest.vectorized.state import (
    BLOCK,
    BLOCK_END,
    BOOK_COLUMNS,
    FALL,
    GAUGE_COLUMNS,
    PEAK,
    RUIN,
    WORTH,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray, IntArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Results of k parameter sets in the order they were given; arrays of shape (k,), blocks of shape (k, b).

    ``total_return``: final equity / capital - 1. ``max_drawdown``: largest fall from a peak of equity (the capital
    included) as a share of it, from 0. ``trades``: entries that filled. ``fees`` and ``final_equity``: quote.
    ``sharpe``: mean / sample standard deviation of the bar returns, not annualised, 0 when they don't vary.
    ``ruined``: whether equity was 0 or below at a close.

    A bar return is equity / equity a close earlier - 1, from the second close to the one at which nothing is left: that
    of `tradewire.backtest.statistics`. The returns are cut into b blocks of equal length (the first ones a return
    longer where they don't divide), those after ruin counted as 0; ``block_sum`` and ``block_sum_sq`` hold each block's
    sum of bar returns and of their squares, ``block_count``, shape (b,), their number. Without blocks the way of the
    equity was not looked at: ``max_drawdown`` and ``sharpe`` are NaN, and ``ruined`` tells of the end only.
    """

    params: Mapping[str, FloatArray]
    total_return: FloatArray
    max_drawdown: FloatArray
    trades: IntArray
    fees: FloatArray
    sharpe: FloatArray
    final_equity: FloatArray
    ruined: BoolArray
    block_count: IntArray
    block_sum: FloatArray
    block_sum_sq: FloatArray

    def __len__(self) -> int:
        return len(self.total_return)


def block_counts(closes: int, blocks: int) -> IntArray:
    """Returns in each block, of an account with so many closes; int64, shape (blocks,)."""
    if not blocks:
        return np.empty(0, dtype=np.int64)
    returns = max(closes - 1, 0)
    counts = np.full(blocks, returns // blocks, dtype=np.int64)
    counts[: returns % blocks] += 1
    return counts


def empty_outcomes(params: Mapping[str, FloatArray], sets: int, counts: IntArray) -> Outcomes:
    """Room for ``sets`` results."""
    column = np.zeros
    blocks = (sets, len(counts))
    return Outcomes(
        params=params,
        total_return=column(sets),
        max_drawdown=column(sets),
        trades=np.zeros(sets, dtype=np.int64),
        fees=column(sets),
        sharpe=column(sets),
        final_equity=column(sets),
        ruined=np.zeros(sets, dtype=np.bool_),
        block_count=counts,
        block_sum=column(blocks),
        block_sum_sq=column(blocks),
    )


@compiled
def summarise(
    equity_e8: IntArray, capital_e8: int, counts: IntArray, sums: FloatArray, squares: FloatArray
) -> tuple[float, float, bool]:
    """Fill ``sums`` and ``squares`` (by block) from an equity curve.

    Returns its largest drawdown, its Sharpe ratio, and whether it reached 0.
    """
    gauge = np.zeros(GAUGE_COLUMNS)
    gauge[WORTH] = gauge[PEAK] = float(capital_e8)
    book = np.zeros(BOOK_COLUMNS, dtype=np.int64)
    book[BLOCK_END] = 1 + counts[0]
    sums[:] = 0.0
    squares[:] = 0.0
    for t in range(len(equity_e8)):
        weigh(t, equity_e8[t], book, gauge, counts, sums, squares)
    return gauge[FALL], ratio(sums.sum(), squares.sum(), returns_counted(book, len(equity_e8))), book[RUIN] > 0


@compiled_in_place
def weigh(
    t: int,
    equity_e8: int,
    book: IntArray,
    gauge: FloatArray,
    counts: IntArray,
    sums: FloatArray,
    squares: FloatArray,
) -> None:
    """Add the close t to the statistics: the gauge, and its block of returns. Without blocks, nothing."""
    if not len(counts):
        return
    while t >= book[BLOCK_END]:
        book[BLOCK] += 1
        book[BLOCK_END] += counts[book[BLOCK]]
    now, before = float(equity_e8), gauge[WORTH]
    change = now / before - 1.0 if before > 0.0 else 0.0
    if now <= 0.0 and before > 0.0:
        book[RUIN] = t
    sums[book[BLOCK]] += change
    squares[book[BLOCK]] += change * change
    if now > gauge[PEAK]:
        gauge[PEAK] = now
    elif now < gauge[PEAK] * (1.0 - gauge[FALL]):
        gauge[FALL] = 1.0 - now / gauge[PEAK]
    gauge[WORTH] = now if before > 0.0 and now > 0.0 else 0.0


@compiled_in_place
def returns_counted(book: IntArray, closes: int) -> int:
    """Number of an account's returns: up to that of its ruin."""
    return int(book[RUIN]) if book[RUIN] > 0 else closes - 1


@compiled_in_place
def ratio(total: float, square: float, count: int) -> float:
    """Mean over sample standard deviation, from sums."""
    if count < 2:
        return 0.0
    mean = total / count
    variance = (square - mean * total) / (count - 1)
    return mean / np.sqrt(variance) if variance > 1e-30 else 0.0
