"""Files that hold one series in parts, as a venue's monthly archives, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.inspection import gaps_between
from tradewire.backtest.data.sources import Source

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


def joined_candles(files: Sequence[Source], read: Callable[[Source], Candles]) -> Candles:
    """The bars of all files by open time; ``files``: at least one, in any order; ``read`` gives those of one.

    Bars that several files have alike are kept once and told as duplicates. Raises MarketDataError: files of several
    intervals, or two bars of one open time that differ; what ``read`` raises.
    """
    parts = [read(path) for path in files]
    first = parts[0]
    if len(parts) == 1:
        return first
    for path, part in zip(files, parts, strict=True):
        if part.interval != first.interval:
            allowed = f"bars of {first.interval}, as in {files[0]}"
            raise MarketDataError(str(path), field="interval", found=f"bars of {part.interval}", allowed=allowed)
    times = np.concatenate([part.open_time_us for part in parts])
    numbers = np.concatenate([np.stack(part.columns) for part in parts], axis=1)
    order, again = _in_order(times)
    times, numbers = times[order], numbers[:, order]
    differs = again[(numbers[:, again] != numbers[:, again - 1]).any(axis=0)]
    if differs.size:
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])[order]
        raise _conflict(int(differs[0]), times, files, owner, "bar per open time")
    twice = {*(times[again] // 1000).tolist(), *(ms for part in parts for ms in part.duplicates_ms)}
    times, numbers = np.delete(times, again), np.delete(numbers, again, axis=1)
    open_, high, low, close, volume = (np.ascontiguousarray(column) for column in numbers)
    gaps = gaps_between(times, first.interval_us)
    unfit = next((part.unfit_volume for part in parts if part.unfit_volume), "")
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    rest = gaps, tuple(sorted(twice)), unfit, notes, sum(part.rounded for part in parts)
    return Candles(first.interval, times, open_, high, low, close, volume, *rest)


def joined_settlements(
    files: Sequence[Source], read: Callable[[Source], tuple[IntArray, FloatArray]]
) -> tuple[IntArray, FloatArray]:
    """The settlements of all files by time (µs), with their rates; ``read`` gives those of one.

    Those that several files have alike are kept once. Raises MarketDataError for two rates of one time; what ``read``
    raises.
    """
    parts = [read(path) for path in files]
    times, rates = (np.concatenate(column) for column in zip(*parts, strict=True))
    order, again = _in_order(times)
    times, rates = times[order], rates[order]
    differs = again[rates[again] != rates[again - 1]]
    if differs.size:
        owner = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])[order]
        raise _conflict(int(differs[0]), times, files, owner, "rate a settlement")
    return np.delete(times, again), np.delete(rates, again)


def _in_order(times: IntArray) -> tuple[IntArray, IntArray]:
    """Places by time, equal ones as they came, and which of the ordered times repeat the one before."""
    order = np.argsort(times, kind="stable")
    return order, np.flatnonzero(np.diff(times[order]) == 0) + 1


def _conflict(place: int, times: IntArray, files: Sequence[Source], owner: IntArray, one: str) -> MarketDataError:
    """``owner``: which file each of the ordered times is of."""
    found = f"another than in {files[owner[place - 1]]}"
    return MarketDataError(str(files[owner[place]]), time_us=int(times[place]), found=found, allowed=f"one {one}")
