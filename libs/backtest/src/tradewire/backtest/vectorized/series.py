"""Series kept between parameter sets, within a bound of bytes: the rows of one table that compiled loops read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

DEFAULT_CACHE_BYTES = 128 * 1024 * 1024
"""Room for some 5,500 series of 3,000 bars, or 16 of a million."""


class SeriesTable:
    """Series of m symbols by number; those not used for longest make room for new ones.

    ``numbers``: float64, NaN where there is no value, shape (m, s, n). ``since``: the bar from which a series has
    values only, n where it has none, -1 where it has holes, shape (m, s).
    """

    def __init__(self, lengths: Sequence[int], room_bytes: int) -> None:
        """``lengths``: bars of each symbol."""
        self._lengths = lengths
        self._room = max(room_bytes // (8 * sum(lengths)), 1)
        self._resize(0)

    @property
    def room(self) -> int:
        """Series that may be kept at once."""
        return self._room

    def _resize(self, rows: int) -> None:
        self.numbers = np.empty((len(self._lengths), rows, max(self._lengths)))
        self.since = np.zeros((len(self._lengths), rows), dtype=np.int64)
        self._row_of: dict[int, int] = {}

    def _has_room(self, wanted: int, missing: int) -> bool:
        """Whether the rows do, without giving one away while more are allowed.

        At first there are as many as are asked for: a single parameter set asks once, and fresh memory costs time.
        """
        rows = self.numbers.shape[1]
        return wanted <= rows and (missing <= rows - len(self._row_of) or rows >= self._room)

    def rows(self, wanted: Sequence[int], make: Callable[[Sequence[int]], Iterator[Sequence[FloatArray]]]) -> list[int]:
        """Rows of the series with these numbers, all different; ``make`` gives for each new one an array a symbol.

        Rows of other series may be given away.
        """
        missing = [number for number in wanted if number not in self._row_of]
        if not self._has_room(len(wanted), len(missing)):
            self._resize(max(len(wanted), self._room) if self._row_of else len(wanted))
            missing = list(wanted)
        for number in wanted:
            if number in self._row_of:
                self._row_of[number] = self._row_of.pop(number)  # now the last that will make room
        kept = set(wanted)
        free = list(range(len(self._row_of), self.numbers.shape[1]))
        for number, made in zip(missing, make(missing), strict=True):
            row = free.pop(0) if free else self._row_of.pop(next(old for old in self._row_of if old not in kept))
            for symbol, values in enumerate(made):
                self.since[symbol, row] = _store(values, self.numbers[symbol, row])
            self._row_of[number] = row
        return [self._row_of[number] for number in wanted]


@compiled
def _store(values: FloatArray, row: FloatArray) -> int:
    """Copy a series into its row; return since when it has values."""
    row[: len(values)] = values
    first = 0
    while first < len(values) and values[first] != values[first]:
        first += 1
    holes = 0
    for t in range(first, len(values)):
        holes += values[t] != values[t]
    return -1 if holes else first
