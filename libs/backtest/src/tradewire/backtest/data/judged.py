"""Rows of a file after every one was judged by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import numpy as np

from tradewire.trading.bars_csv import MAX_DECIMALS, BarFault, DecimalBar, RawBar, judged_bar
from tradewire.trading.columns import PRICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.ports.backtest import FloatArray, IntArray

SCALE = 1e8
"""Every decimal on the wire has at most 8 decimals."""
_EXACT = 2.0**52
"""Below it, a float64 that is whole is that number and no other."""
_ROWS_AT_ONCE = 1 << 14
"""Rows that are looked at together: what is made of them stays in the processor's cache."""
BoolArray = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRows:
    """Good rows by open time, equal ones in the file's order, and the faults of all others.

    ``time_us`` (n,): µs since the epoch. ``numbers`` (5, n): open, high, low, close, volume, float64.
    ``row`` (n,): 1-based line of the file. ``count``: rows of the file, bad ones included. ``volume_faults``: what is
    wrong with the volumes of good rows, which are 0 there; so are all where ``has_volume`` is false. ``notes``: what
    was taken for what, in sentences. ``rounded``: prices that had more than 8 decimals.
    """

    time_us: IntArray
    numbers: FloatArray
    row: IntArray
    faults: tuple[BarFault, ...]
    count: int
    volume_faults: tuple[BarFault, ...] = ()
    has_volume: bool = True
    notes: tuple[str, ...] = ()
    rounded: int = 0


def judge(rows: Iterable[RawBar | BarFault], *, rounded: bool = False) -> JudgedRows:
    """Rows by the rules of ``judged_bar``: the authority that every faster way defers to. ``rounded``: to 8 decimals
    first."""
    bars: list[DecimalBar] = []
    faults: list[BarFault] = []
    volumes: list[BarFault] = []
    bad = moved = 0
    for row in rows:
        raw = rounded_bar(row) if rounded and isinstance(row, RawBar) else row
        moved += _moved(row, raw) if raw is not row else 0
        bar, own = judged_bar(raw) if isinstance(raw, RawBar) else (None, (raw,))
        if bar is not None:
            bars.append(bar)
            volumes.extend(own)
        else:
            faults.extend(own)
            bad += 1
    numbers = np.array([[float(number) for number in bar.numbers] for bar in bars], dtype=np.float64).reshape(-1, 5)
    times = np.array([bar.open_time_us for bar in bars], dtype=np.int64)
    lines = np.array([bar.row or 0 for bar in bars], dtype=np.int64)
    judged = JudgedRows(times, numbers.T + 0.0, lines, tuple(faults), len(bars) + bad, tuple(volumes), rounded=moved)
    return in_order(judged)


def _moved(row: RawBar | BarFault, rounded: RawBar | BarFault) -> int:
    """How many prices of a row are written otherwise than before."""
    return sum(getattr(row, field) != getattr(rounded, field) for field in PRICES)


def rounded_bar(raw: RawBar) -> RawBar:
    """The row with each number rounded to 8 decimals, half to even; what is no number stays."""
    open_, high, low, close, volume = map(_rounded, (raw.open, raw.high, raw.low, raw.close, raw.volume))
    return RawBar(raw.open_time_us, open_, high, low, close, volume, raw.row)


def _rounded(text: str) -> str:
    try:
        number = Decimal(text)
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
            return f"{number:.{MAX_DECIMALS}f}"
    except InvalidOperation:
        pass
    return text


def in_order(rows: JudgedRows) -> JudgedRows:
    """The same rows by open time, equal ones in the file's order."""
    if len(rows.time_us) < 2 or bool(np.all(rows.time_us[1:] > rows.time_us[:-1])):
        return rows
    order = np.lexsort((rows.row, rows.time_us))
    numbers = np.ascontiguousarray(rows.numbers[:, order])
    return replace(rows, time_us=rows.time_us[order], numbers=numbers, row=rows.row[order])


def plainly_good(numbers: FloatArray) -> BoolArray:
    """Of candles (5, n) those that ``judged_bar`` would pass beyond doubt, bool (n,). False means: ask it.

    A float64 is taken for a number of 8 decimals when it equals the whole number nearest to itself × 1e8, divided by
    1e8: both operations round correctly, so it is then the float nearest to that decimal.
    """
    good: BoolArray = np.empty(numbers.shape[1], dtype=np.bool_)
    for first in range(0, len(good), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        good[rows] = _plainly_good(numbers[:, rows])
    return good


def _plainly_good(numbers: FloatArray) -> BoolArray:
    open_, high, low, close, volume = numbers
    with np.errstate(invalid="ignore", over="ignore"):
        good: BoolArray = (low > 0.0) & (volume >= 0.0)
        good &= (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close))
        for column in numbers:
            whole = np.rint(column * SCALE)
            good &= (whole < _EXACT) & (whole / SCALE == column)
    return good


def raw_bars(time_us: IntArray, numbers: FloatArray, row: IntArray) -> list[RawBar]:
    """Candles as text: the shortest decimals that read back equal."""
    columns = [[repr(value) for value in column] for column in numbers.tolist()]
    return [RawBar(*cells) for cells in zip(time_us.tolist(), *columns, row.tolist(), strict=True)]


def rows_kept(rows: JudgedRows, kept: BoolArray) -> JudgedRows:
    """Those of the rows that ``kept`` (n,) has, by their numbers from 1 on."""
    chosen = kept[rows.row - 1]
    faults, volume_faults = (
        tuple(fault for fault in own if fault.row and kept[fault.row - 1]) for own in (rows.faults, rows.volume_faults)
    )
    return replace(
        rows,
        time_us=rows.time_us[chosen],
        numbers=np.ascontiguousarray(rows.numbers[:, chosen]),
        row=rows.row[chosen],
        faults=faults,
        volume_faults=volume_faults,
        count=int(np.count_nonzero(kept)),
    )
