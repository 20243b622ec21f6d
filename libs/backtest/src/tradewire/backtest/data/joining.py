"""Files that hold one series in parts, as a venue's monthly archives, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.inspection import Candles, gaps_between

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


def joined_candles(parts: Sequence[tuple[str, Candles]]) -> Candles:
    """The bars of all parts by open time; ``parts``: file and bars, at least one, in any order.

    Bars that several parts have alike are kept once and told as duplicates. Raises MarketDataError: parts of several
    intervals, or two bars of one open time that differ.
    """
    source, first = parts[0]
    if len(parts) == 1:
        return first
    for name, part in parts[1:]:
        if part.interval != first.interval:
            allowed = f"bars of {first.interval}, as in {source}"
            raise MarketDataError(name, field="interval", found=f"bars of {part.interval}", allowed=allowed)
    times = np.concatenate([part.open_time_us for _, part in parts])
    numbers = np.concatenate([np.stack(part.columns) for _, part in parts], axis=1)
    owner = np.repeat(np.arange(len(parts)), [len(part) for _, part in parts])
    order, again = _in_order(times)
    times, numbers, owner = times[order], numbers[:, order], owner[order]
    differs = again[(numbers[:, again] != numbers[:, again - 1]).any(axis=0)]
    if differs.size:
        raise _conflict(int(differs[0]), times, [name for name, _ in parts], owner, "bar per open time")
    kept = np.delete(np.arange(len(times)), again)
    twice = {*(int(time) // 1000 for time in times[again]), *(ms for _, part in parts for ms in part.duplicates_ms)}
    open_, high, low, close, volume = (np.ascontiguousarray(column) for column in numbers[:, kept])
    gaps = gaps_between(times[kept], first.interval_us)
    return Candles(first.interval, times[kept], open_, high, low, close, volume, gaps, tuple(sorted(twice)))


def joined_settlements(parts: Sequence[tuple[str, tuple[IntArray, FloatArray]]]) -> tuple[IntArray, FloatArray]:
    """The settlements of all parts by time; ``parts``: file, times (µs) and rates. Those that several parts have alike
    are kept once. Raises MarketDataError for two rates of one time."""
    times = np.concatenate([part[0] for _, part in parts])
    rates = np.concatenate([part[1] for _, part in parts])
    owner = np.repeat(np.arange(len(parts)), [len(part[0]) for _, part in parts])
    order, again = _in_order(times)
    times, rates, owner = times[order], rates[order], owner[order]
    differs = again[rates[again] != rates[again - 1]]
    if differs.size:
        raise _conflict(int(differs[0]), times, [name for name, _ in parts], owner, "rate a settlement")
    return np.delete(times, again), np.delete(rates, again)


def _in_order(times: IntArray) -> tuple[IntArray, IntArray]:
    """Places by time, equal ones as they came, and which of the ordered times repeat the one before."""
    order = np.argsort(times, kind="stable")
    return order, np.flatnonzero(np.diff(times[order]) == 0) + 1


def _conflict(place: int, times: IntArray, names: Sequence[str], owner: IntArray, one: str) -> MarketDataError:
    found = f"another than in {names[owner[place - 1]]}"
    return MarketDataError(names[owner[place]], time_us=int(times[place]), found=found, allowed=f"one {one}")
