"""Checked bars of one market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.errors import iso_of
from tradewire.trading.bars_csv import MAX_DECIMALS
from tradewire.trading.language.intervals import INTERVALS_US

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

_BLOCK = 1 << 14
"""Numbers at a time: they stay in the cache."""
_EXACT = 2.0**52
WIDE_STEP = 10
"""How many times the price before it a price must be, or that of it, to be remarked: trading moves through prices."""


@dataclass(frozen=True, slots=True)
class Gap:
    """``missing`` bars between those that open at ``after_ms`` and ``before_ms`` (ms since the epoch)."""

    after_ms: int
    before_ms: int
    missing: int


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Checked bars of one market: unique open times that rise, on the interval's grid. Gaps are left as they are.

    ``interval`` as in strategies (``1h``). Arrays of shape (n,): µs since the epoch; prices quote per base; volume
    base. ``duplicates_ms``: open times that the file had more than once, equal each time, kept once. ``unfit_volume``:
    why the volumes can't be used, and what would mend it; "" where they can. ``notes``: what was taken for what.
    ``rounded``: prices that had more than 8 decimals in the file.
    """

    interval: str
    open_time_us: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    gaps: tuple[Gap, ...] = ()
    duplicates_ms: tuple[int, ...] = ()
    unfit_volume: str = ""
    notes: tuple[str, ...] = ()
    rounded: int = 0

    @property
    def interval_us(self) -> int:
        """Length of a bar, µs."""
        return INTERVALS_US[self.interval]

    @property
    def columns(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume

    def remarks(self) -> tuple[str, ...]:
        """What was taken for what, and what else a reader of results should know of the files."""
        said = [*self.notes, *steps(self.open_time_us, self.open, self.close)]
        if self.unfit_volume:
            said.append(f"the volume is not used, and counts as 0: {self.unfit_volume}")
        if self.duplicates_ms:
            said.append(f"{len(self.duplicates_ms):,} open times stood more than once, equal each time: kept once")
        return tuple(said)

    def __len__(self) -> int:
        return len(self.open_time_us)

    def part(self, chosen: slice) -> Candles:
        """A run of these bars with the gaps inside it."""
        times = self.open_time_us[chosen]
        first, last = (int(times[0]) // 1000, int(times[-1]) // 1000) if len(times) else (0, -1)
        gaps = tuple(gap for gap in self.gaps if first <= gap.after_ms and gap.before_ms <= last)
        twice = tuple(time for time in self.duplicates_ms if first <= time <= last)
        open_, high, low, close, volume = (column[chosen] for column in self.columns)
        rest = gaps, twice, self.unfit_volume, self.notes
        return Candles(self.interval, times, open_, high, low, close, volume, *rest)


def steps(open_time_us: IntArray, open_: FloatArray, close: FloatArray) -> tuple[str, ...]:
    """A sentence where a bar opens at a tenth of the close before it or less, or at its tenfold or more."""
    before, after = close[:-1], open_[1:]
    wide = np.flatnonzero((after >= before * WIDE_STEP) | (after * WIDE_STEP <= before))
    if not wide.size:
        return ()
    at = int(wide[0])
    where = f"the first from {_text(before[at])} to {_text(after[at])} at {iso_of(int(open_time_us[at + 1]))}"
    often = "once" if wide.size == 1 else f"{wide.size:,} times"
    return (f"the price steps {WIDE_STEP}-fold or more between two bars {often}, {where}: a split, or another market?",)


def _text(price: np.float64) -> str:
    return np.format_float_positional(price, trim="-")


def decimals_of(column: FloatArray) -> int:
    """The most decimals that a number of the column has, 0 to 8."""
    count = 0
    for first in range(0, len(column), _BLOCK):
        units = np.rint(column[first : first + _BLOCK] * 1e8)
        while count < MAX_DECIMALS and not _all_multiples(units, 10.0 ** (MAX_DECIMALS - count)):
            count += 1
    return count


def _all_multiples(units: FloatArray, step: float) -> bool:
    """Whether all whole numbers are multiples of a power of ten. Below 2^52 a quotient that is none is further from a
    whole number (1 / step) than it is rounded (2^52 / step / 2^53)."""
    if units.max(initial=0.0) >= _EXACT or units.min(initial=0.0) <= -_EXACT:
        return not np.any(units % step)
    quotients = units / step
    return bool(np.all(np.rint(quotients) == quotients))
