"""The same made-up prices for every engine: a seeded random walk, rounded to cents."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
START_S = 1_577_836_800
"""2020-01-01 UTC."""
MINUTE_S = 60
FAST, SLOW = 10, 50
CASH = 100_000
LARGEST_WINDOW = 100


class Candles(NamedTuple):
    """Bars of one minute, shape (n,) each."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


def candles(bars: int, seed: int = 7) -> Candles:
    """A walk whose steps are a thousandth wide, around 100."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, bars) - 0.0000005))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1.0 + np.abs(rng.normal(0.0, 0.0005, bars)))
    low = np.minimum(opened, close) * (1.0 - np.abs(rng.normal(0.0, 0.0005, bars)))
    return Candles(*(np.round(column, 2) for column in (opened, high, low, close)))


def alternating(rows: int, columns: int) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Prices, entries in every even row and exits in every odd one: one order in every cell."""
    price = np.random.default_rng(7).uniform(1.0, 10.0, (rows, columns))
    entries = np.zeros((rows, columns), dtype=np.bool_)
    entries[::2] = True
    return price, entries, ~entries


def window_pairs() -> NDArray[np.int64]:
    """All pairs fast < slow of windows from 2 to the largest, shape (k, 2)."""
    return _pairs(range(2, LARGEST_WINDOW + 1))


def spread_pairs(sets: int) -> NDArray[np.int64]:
    """As many pairs as said, shape (sets, 2), of as few windows as make them, from 2 to the largest.

    However many they are, they trade about equally often.
    """
    needed = next(number for number in count(2) if number * (number - 1) // 2 >= sets)
    pairs = _pairs(np.linspace(2, LARGEST_WINDOW, needed).round().astype(np.int64).tolist())
    return pairs[np.linspace(0, len(pairs) - 1, sets).round().astype(np.int64)]


def _pairs(windows: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(combinations(windows, 2)), dtype=np.int64)
