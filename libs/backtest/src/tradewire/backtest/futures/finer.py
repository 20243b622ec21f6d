"""The finer bars inside a run's bars: for the compiled loop as columns, for the exchange one bar at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tradewire.backtest.futures.arrays import BAR_ROWS, Inside
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.loops.units import IntMatrix, bars_e8, volumes_e8
from tradewire.ports.backtest import MarketHistory, PathHistory
from tradewire.trading.exchange import Bar, MarkBar
from tradewire.trading.language import INTERVALS_US


@dataclass(frozen=True, slots=True, eq=False)
class FinerBars:
    """A market's finer bars in integers of 1e-8; ``marks`` None where they are not known."""

    interval_us: int
    open_time_us: IntMatrix
    columns: tuple[IntMatrix, ...]
    marks: tuple[IntMatrix, ...] | None

    @classmethod
    def of(cls, path: PathHistory, symbol: str, *, volume_counts: bool) -> FinerBars:
        """Raises: ValueError for a number that does not fit whole units of 1e-8."""
        lasts = {"open": path.open, "high": path.high, "low": path.low, "close": path.close}
        marks = None
        if path.mark is not None:
            absent = np.isnan(path.mark.close)
            known = {name: np.where(absent, last, getattr(path.mark, name)) for name, last in lasts.items()}
            marks = tuple(bars_e8(known, f"{symbol} path mark").values())
        volumes = np.zeros(len(path.open_time_us), dtype=np.int64)
        if volume_counts:
            volumes = volumes_e8(path.volume, f"{symbol} path volume")
        columns = (*bars_e8(lasts, f"{symbol} path").values(), volumes)
        return cls(INTERVALS_US[path.interval], np.asarray(path.open_time_us, dtype=np.int64), columns, marks)

    def inside(self, bar: Bar, mark: MarkBar | None) -> tuple[Bar, MarkBar | None]:
        """The bar with its finer bars, and its mark with theirs; as they are where it has none."""
        first, stop = np.searchsorted(self.open_time_us, (bar.open_time_us, bar.close_time_us)).tolist()
        if first == stop:
            return bar, mark
        inner = tuple(self._bars(first, stop))
        if mark is not None and self.marks is not None:
            rows = zip(*(column[first:stop].tolist() for column in self.marks), strict=True)
            mark = replace(mark, path=tuple(MarkBar(*row) for row in rows))
        return replace(bar, path=inner), mark

    def _bars(self, first: int, stop: int) -> Iterator[Bar]:
        times = self.open_time_us[first:stop].tolist()
        rows = zip(*(column[first:stop].tolist() for column in self.columns), strict=True)
        for open_us, row in zip(times, rows, strict=True):
            yield Bar(open_us, open_us + self.interval_us, *row)


def finer_bars(markets: Sequence[MarketHistory], *, volume_counts: bool) -> dict[str, FinerBars]:
    """By symbol, those that have any."""
    return {
        market.symbol: FinerBars.of(market.path, market.symbol, volume_counts=volume_counts)
        for market in markets
        if market.path is not None
    }


def inside_of(grid: Grid, finer: Mapping[str, FinerBars]) -> Inside:
    """All symbols' finer bars one after the other, as the loop takes them."""
    symbols = grid.symbols
    spans_us, told = np.zeros(len(symbols), dtype=np.int64), np.zeros(len(symbols), dtype=np.bool_)
    if not finer:
        return Inside(False, np.zeros((2, 0, 0), dtype=np.int64), spans_us, told, np.zeros((BAR_ROWS, 0), np.int64))
    places = np.zeros((2, len(symbols), len(grid)), dtype=np.int64)
    parts: list[IntMatrix] = []
    begin = 0
    for s, symbol in enumerate(symbols):
        if symbol not in finer:
            continue
        mine = finer[symbol]
        for place, times in enumerate((grid.close_time_us - grid.interval_us, grid.close_time_us)):
            places[place, s] = begin + np.searchsorted(mine.open_time_us, times)
        spans_us[s], told[s] = mine.interval_us, mine.marks is not None
        parts.append(np.stack([*mine.columns, mine.open_time_us, *(mine.marks or mine.columns[:4])]))
        begin += len(mine.open_time_us)
    return Inside(True, places, spans_us, told, np.concatenate(parts, axis=1))
