"""Rows of a file after every one was judged by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.trading.bars_csv import BarFault, DecimalBar, RawBar, bar_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.ports.backtest import FloatArray, IntArray

SCALE = 1e8
"""Every decimal on the wire has at most 8 decimals."""
_EXACT = 2.0**52
"""Below it, a float64 that is whole is that number and no other."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRows:
    """Good rows by open time, equal ones in the file's order, and the faults of all others.

    ``time_us`` (n,): µs since the epoch. ``numbers`` (5, n): open, high, low, close, volume, float64.
    ``row`` (n,): 1-based line of the file. ``count``: rows of the file, bad ones included.
    """

    time_us: IntArray
    numbers: FloatArray
    row: IntArray
    faults: tuple[BarFault, ...]
    count: int


def judge(rows: Iterable[RawBar | BarFault]) -> JudgedRows:
    """Rows by the rules of ``bar_of``: the authority that every faster way defers to."""
    bars: list[DecimalBar] = []
    faults: list[BarFault] = []
    for row in rows:
        bar = bar_of(row) if isinstance(row, RawBar) else row
        if isinstance(bar, DecimalBar):
            bars.append(bar)
        else:
            faults.append(bar)
    numbers = np.array([[float(number) for number in bar.numbers] for bar in bars], dtype=np.float64).reshape(-1, 5)
    times = np.array([bar.open_time_us for bar in bars], dtype=np.int64)
    lines = np.array([bar.row or 0 for bar in bars], dtype=np.int64)
    judged = JudgedRows(times, numbers.T + 0.0, lines, tuple(faults), len(bars) + len(faults))
    return in_order(judged)


def in_order(rows: JudgedRows) -> JudgedRows:
    """The same rows by open time, equal ones in the file's order."""
    if len(rows.time_us) < 2 or bool(np.all(rows.time_us[1:] > rows.time_us[:-1])):
        return rows
    order = np.lexsort((rows.row, rows.time_us))
    return JudgedRows(
        rows.time_us[order],
        np.ascontiguousarray(rows.numbers[:, order]),
        rows.row[order],
        rows.faults,
        rows.count,
    )


def plainly_good(numbers: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of candles (5, n) those that ``bar_of`` would pass beyond doubt, bool (n,). False means: ask it.

    A float64 is taken for a number of 8 decimals when it equals the whole number nearest to itself × 1e8, divided by
    1e8: both operations round correctly, so it is then the float nearest to that decimal.
    """
    open_, high, low, close, volume = numbers
    with np.errstate(invalid="ignore", over="ignore"):
        good: np.ndarray[tuple[int], np.dtype[np.bool_]] = (low > 0.0) & (volume >= 0.0)
        good &= (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close))
        for column in numbers:
            whole = np.rint(column * SCALE)
            good &= (whole < _EXACT) & (whole / SCALE == column)
    return good


def raw_bars(time_us: IntArray, numbers: FloatArray, row: IntArray) -> list[RawBar]:
    """Candles as text: the shortest decimals that read back equal."""
    columns = [[repr(value) for value in column] for column in numbers.tolist()]
    return [RawBar(*cells) for cells in zip(time_us.tolist(), *columns, row.tolist(), strict=True)]
