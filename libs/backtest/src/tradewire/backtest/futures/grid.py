"""The markets of a run on one time grid: one row per symbol, one column per close, integers of 1e-8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewire.backtest.futures.arrays import BAR_ROWS, CLOSE, HIGH, LOW, MARKS, OPEN, RATE, VOLUME
from tradewire.backtest.loops.units import FloatArray, IntMatrix, bars_e8, e8_array, volumes_e8
from tradewire.backtest.merging import merged
from tradewire.ports.backtest import MarketHistory
from tradewire.trading.exchange import Bar, MarkBar
from tradewire.trading.language import INTERVALS_US

_PRICES = ("open", "high", "low", "close")
_MARKS = tuple(f"mark {name}" for name in _PRICES)
_ROWS = {
    "open": OPEN,
    "high": HIGH,
    "low": LOW,
    "close": CLOSE,
    **{name: MARKS + row for row, name in enumerate(_MARKS)},
}


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """All markets side by side, symbols by name; matrices of shape (s, t) hold 0 where a symbol has no bar.

    ``close_time_us`` (t,); ``rows`` (6 or 10, s, t) as `arrays.Market` has them: marks equal the last prices where the
    venue had no mark; ``has_mark`` and ``present`` tell which; the rate is the funding rate settled at the close.
    """

    symbols: tuple[str, ...]
    interval_us: int
    close_time_us: IntMatrix
    present: NDArray[np.bool_]
    has_mark: NDArray[np.bool_]
    mark_row: int
    rows: IntMatrix

    def __len__(self) -> int:
        return len(self.close_time_us)

    def bar(self, symbol: int, at: int) -> Bar:
        """One bar as the exchange takes it."""
        close_us = int(self.close_time_us[at])
        return Bar(close_us - self.interval_us, close_us, *self.rows[: VOLUME + 1, symbol, at].tolist())

    @property
    def close(self) -> IntMatrix:
        """Last prices at the closes."""
        closes: IntMatrix = self.rows[CLOSE]
        return closes

    @property
    def mark_close(self) -> IntMatrix:
        """Marks at the closes."""
        closes: IntMatrix = self.rows[self.mark_row + CLOSE]
        return closes

    def mark(self, symbol: int, at: int) -> MarkBar | None:
        """The mark over one bar; None where it follows the last price."""
        if not self.has_mark[symbol, at]:
            return None
        return MarkBar(*self.rows[self.mark_row : self.mark_row + 4, symbol, at].tolist())


def make_grid(markets: Sequence[MarketHistory], *, volume_counts: bool) -> Grid:
    """Lay the markets side by side; ``volume_counts``: whether fills go by the volume, which is left out if not.

    Raises: ValueError for a number that does not fit whole units of 1e-8.
    """
    ordered = sorted(markets, key=lambda market: market.symbol)
    interval_us = INTERVALS_US[ordered[0].interval]
    times, places = _lined_up([np.asarray(market.open_time_us, dtype=np.int64) for market in ordered])
    shape = (len(ordered), len(times))
    present, has_mark = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for row, (place, market) in enumerate(zip(places, ordered, strict=True)):
        present[row, place] = True
        if market.mark is not None:
            has_mark[row, place] = ~np.isnan(market.mark.close)
    marked = bool(has_mark.any())
    rows = np.zeros((BAR_ROWS if marked else MARKS, *shape), dtype=np.int64)
    for s, (market, place) in enumerate(zip(ordered, places, strict=True)):
        _put_prices({name: getattr(market, name) for name in _PRICES}, market.symbol, rows[:, s], place)
        if marked:
            _put_prices(dict(zip(_MARKS, _marks(market), strict=True)), market.symbol, rows[:, s], place)
        if volume_counts:
            rows[VOLUME, s, place] = volumes_e8(market.volume, f"{market.symbol} volume")
        if market.funding_rate is not None:
            rows[RATE, s, place] = e8_array(market.funding_rate, f"{market.symbol} funding rate")
    return Grid(
        symbols=tuple(market.symbol for market in ordered),
        interval_us=interval_us,
        close_time_us=times + interval_us,
        present=present,
        has_mark=has_mark,
        mark_row=MARKS if marked else 0,
        rows=rows,
    )


def _put_prices(columns: Mapping[str, FloatArray], symbol: str, rows: IntMatrix, place: IntMatrix | slice) -> None:
    """Write prices to their rows; where a market has every bar of the grid, without a copy in between."""
    if isinstance(place, slice):
        bars_e8(columns, symbol, {name: rows[_ROWS[name]] for name in columns})
        return
    for name, units in bars_e8(columns, symbol).items():
        rows[_ROWS[name], place] = units


def _lined_up(opens: Sequence[IntMatrix]) -> tuple[IntMatrix, Sequence[IntMatrix | slice]]:
    """All times, and where each market's are among them."""
    if len(opens) == 1:
        return opens[0], [slice(None)]
    times = merged(opens)
    return times, [slice(None) if len(mine) == len(times) else np.searchsorted(times, mine) for mine in opens]


def _marks(market: MarketHistory) -> tuple[FloatArray, ...]:
    lasts = (market.open, market.high, market.low, market.close)
    if market.mark is None:
        return lasts
    known = (market.mark.open, market.mark.high, market.mark.low, market.mark.close)
    absent = np.isnan(market.mark.close)
    return tuple(np.where(absent, last, mark) for last, mark in zip(lasts, known, strict=True))
