"""Candles of a longer interval, by the aggregation rules of the strategy language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles, Gap
from tradewire.backtest.data.errors import MarketDataError
from tradewire.trading.language.bars import Bars, aggregate
from tradewire.trading.language.intervals import INTERVALS_US

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


@dataclass(frozen=True, slots=True)
class Partial:
    """A longer bar that is made of ``bars`` bars where ``of`` belong to it; ``time_ms``: its open time."""

    time_ms: int
    bars: int
    of: int


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The longer bars, and the open times (µs) of the two partial ones at the ends that were dropped, if any.

    ``partial``: those of the bars that miss some of what they are made of.
    """

    candles: Candles
    partial: tuple[Partial, ...]
    dropped_first_us: int | None
    dropped_last_us: int | None


def resample(candles: Candles, interval: str) -> Resampled:
    """Bars of ``interval`` from those bars that exist; a partial bucket at either end is dropped.

    Raises MarketDataError when the interval is not a whole multiple of the candles' own, or no bucket is whole.
    """
    length_us = INTERVALS_US.get(interval, 0)
    if length_us <= candles.interval_us or length_us % candles.interval_us:
        longer = [n for n, us in INTERVALS_US.items() if us > candles.interval_us and us % candles.interval_us == 0]
        raise MarketDataError(f"bars of {candles.interval}", field="--to", found=interval, allowed=", ".join(longer))
    upper, seen = aggregate(Bars(candles.open_time_us, *candles.columns), candles.interval_us, length_us)
    partial_last = bool(len(upper)) and int(seen[-1]) < len(upper) - 1
    stop = len(upper) - int(partial_last)
    first_us = int(candles.open_time_us[0])
    dropped_first = not len(upper) or int(upper.open_time_us[0]) > first_us
    if stop < 1:
        raise MarketDataError("the candles", found=f"no whole bar of {interval}", allowed="at least one")
    times = np.asarray(upper.open_time_us[:stop], dtype=np.int64)
    open_, high, low, close, volume = (
        np.ascontiguousarray(column[:stop]) for column in (upper.open, upper.high, upper.low, upper.close, upper.volume)
    )
    volume = np.rint(volume * 1e8) / 1e8
    rest = _gaps(times, length_us), (), candles.unfit_volume, candles.notes
    result = Candles(interval, times, open_, high, low, close, volume, *rest)
    partial = _partial(times, candles, length_us)
    return Resampled(
        result, partial, first_us if dropped_first else None, int(upper.open_time_us[-1]) if partial_last else None
    )


def _partial(times: IntArray, candles: Candles, length_us: int) -> tuple[Partial, ...]:
    """Those of the longer bars, which open at ``times``, that have fewer bars than belong to them."""
    whole = length_us // candles.interval_us
    starts, stops = (np.searchsorted(candles.open_time_us, edge) for edge in (times, times + length_us))
    counts = stops - starts
    return tuple(
        Partial(int(times[at]) // 1000, int(counts[at]), whole) for at in np.flatnonzero(counts < whole).tolist()
    )


def _gaps(times: IntArray, length_us: int) -> tuple[Gap, ...]:
    return tuple(
        Gap(int(times[at]) // 1000, int(times[at + 1]) // 1000, int(times[at + 1] - times[at]) // length_us - 1)
        for at in np.flatnonzero(np.diff(times) > length_us).tolist()
    )
