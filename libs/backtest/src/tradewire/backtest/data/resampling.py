"""Candles of a longer interval, by the aggregation rules of the strategy language."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles, Gap
from tradewire.backtest.data.errors import MarketDataError
from tradewire.trading.exchange.decimal_edge import from_e8
from tradewire.trading.language.bars import Bars, aggregate
from tradewire.trading.language.intervals import INTERVALS_US

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

SCALE = 1e8
SURE_UNITS = 2.0**51
"""Of a longer bar: each of its two or more volumes is below 2⁵⁰, so rounding, 2 · 2⁻⁵³ of it, is below half a unit."""


@dataclass(frozen=True, slots=True)
class Partial:
    """A longer bar that is made of ``bars`` bars where ``of`` belong to it; ``time_ms``: its open time."""

    time_ms: int
    bars: int
    of: int


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The longer bars, and the open times (µs) of the two partial ones at the ends that were dropped, if any.

    ``volumes``: those of the candles as decimals, which floats are nearest to. ``partial``: those of the bars that miss
    some of what they are made of.
    """

    candles: Candles
    volumes: tuple[Decimal, ...]
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
    open_, high, low, close = (
        np.ascontiguousarray(column[:stop]) for column in (upper.open, upper.high, upper.low, upper.close)
    )
    volumes = _volumes(candles, times, length_us)
    rest = _gaps(times, length_us), (), candles.unfit_volume, candles.notes
    result = Candles(interval, times, open_, high, low, close, np.array(volumes, dtype=np.float64), *rest)
    ends = first_us if dropped_first else None, int(upper.open_time_us[-1]) if partial_last else None
    return Resampled(result, volumes, _partial(times, candles, length_us), *ends)


def _volumes(candles: Candles, times: IntArray, length_us: int) -> tuple[Decimal, ...]:
    """The sum of each longer bar's volumes, each the decimal that its float is nearest to."""
    starts, stops = _places(times, candles, length_us)
    units = np.rint(candles.volume * SCALE)
    if float(units.max(initial=0.0)) * (length_us // candles.interval_us) < SURE_UNITS:
        sums = np.r_[0, np.cumsum(units.astype(np.int64))]  # may wrap over a whole file, which differences undo
        return tuple(map(from_e8, (sums[stops] - sums[starts]).tolist()))
    exact = [Decimal(repr(volume)) for volume in candles.volume.tolist()]
    with localcontext(prec=100):
        return tuple(
            sum(exact[start:stop], Decimal(0)) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        )


def _places(times: IntArray, candles: Candles, length_us: int) -> tuple[IntArray, IntArray]:
    """The first of the bars that each longer bar has, and the one behind its last."""
    starts, stops = (np.searchsorted(candles.open_time_us, edge) for edge in (times, times + length_us))
    return starts, stops


def _partial(times: IntArray, candles: Candles, length_us: int) -> tuple[Partial, ...]:
    """Those of the longer bars, which open at ``times``, that have fewer bars than belong to them."""
    whole = length_us // candles.interval_us
    starts, stops = _places(times, candles, length_us)
    counts = stops - starts
    return tuple(
        Partial(int(times[at]) // 1000, int(counts[at]), whole) for at in np.flatnonzero(counts < whole).tolist()
    )


def _gaps(times: IntArray, length_us: int) -> tuple[Gap, ...]:
    return tuple(
        Gap(int(times[at]) // 1000, int(times[at + 1]) // 1000, int(times[at + 1] - times[at]) // length_us - 1)
        for at in np.flatnonzero(np.diff(times) > length_us).tolist()
    )
