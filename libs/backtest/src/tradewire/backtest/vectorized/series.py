"""Series kept between parameter sets, within a bound of bytes: the rows of one table that compiled loops read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.vectorized.addresses import address_of

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

DEFAULT_CACHE_BYTES = 128 * 1024 * 1024
"""Room for some 5,500 series of 3,000 bars, or 16 of a million."""


class SeriesTable:
    """Series of m symbols by number; those not used for longest make room for new ones.

    ``address``: of a symbol's series in each row, float64, one a bar of the symbol's, NaN where there is no value;
    int64, shape (m, s). ``since``: the bar from which a series has values only, n where it has none, -1 where it has
    holes, shape (m, s).
    """

    def __init__(self, lengths: Sequence[int], room_bytes: int) -> None:
        """``lengths``: bars of each symbol."""
        self._symbols = len(lengths)
        self._room = max(room_bytes // (8 * sum(lengths)), 1)
        self._resize(self._room)

    @property
    def room(self) -> int:
        """Series that may be kept at once."""
        return self._room

    def _resize(self, rows: int) -> None:
        self.address = np.zeros((self._symbols, rows), dtype=np.int64)
        self.since = np.zeros((self._symbols, rows), dtype=np.int64)
        self._row_of: dict[int, int] = {}
        self._kept: dict[int, tuple[FloatArray, ...]] = {}

    def rows(self, wanted: Sequence[int], make: Callable[[Sequence[int]], Iterator[Sequence[FloatArray]]]) -> list[int]:
        """Rows of the series with these numbers, all different; ``make`` gives for each new one an array a symbol.

        Rows of other series may be given away.
        """
        if len(wanted) > self.address.shape[1]:
            self._resize(len(wanted))
        missing = [number for number in wanted if number not in self._row_of]
        for number in wanted:
            if number in self._row_of:
                self._row_of[number] = self._row_of.pop(number)  # now the last that will make room
        kept = set(wanted)
        for number, made in zip(missing, make(missing), strict=True):
            row = len(self._row_of)
            if row == self.address.shape[1]:
                row = self._row_of.pop(next(old for old in self._row_of if old not in kept))
            self._kept[row] = tuple(np.ascontiguousarray(values, dtype=np.float64) for values in made)
            for symbol, values in enumerate(self._kept[row]):
                self.address[symbol, row] = address_of(values)
                self.since[symbol, row] = _known_since(values)
            self._row_of[number] = row
        return [self._row_of[number] for number in wanted]


@compiled
def _known_since(values: FloatArray) -> int:
    """The bar from which a series has values only, -1 where it has holes."""
    first = 0
    while first < len(values) and values[first] != values[first]:
        first += 1
    rest = values[first:]  # a loop that begins at 0 works on several numbers at a time
    holes = 0
    for t in range(len(rest)):
        holes += rest[t] != rest[t]
    return -1 if holes else first
