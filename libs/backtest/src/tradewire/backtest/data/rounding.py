"""Prices put on an instrument's tick, where a run asks for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.data.candles import Candles
from tradewire.backtest.data.errors import MarketDataError

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

_SCALE = 10**8


def rounded_to_tick(candles: Candles, tick: Decimal, source: str) -> Candles:
    """The candles with prices rounded to the tick, half up; what is rounded keeps high and low outermost.

    Raises MarketDataError for a price that the tick rounds to 0.
    """
    tick_e8 = int(tick * _SCALE)
    prices = [_rounded(column, tick_e8) for column in candles.columns[:4]]
    moved = int(sum(np.count_nonzero(new != old) for new, old in zip(prices, candles.columns[:4], strict=True)))
    if not all((column > 0.0).all() for column in prices):
        allowed = "prices of a tick or more; give instruments whose tick suits them"
        raise MarketDataError(source, found=f"a price that the tick {tick:f} rounds to 0", allowed=allowed)
    open_, high, low, close = prices
    fine = f"{candles.rounded:,} had more than 8 decimals, and after that " if candles.rounded else ""
    said = f"prices are rounded to the tick {tick:f}: {fine}{moved:,} of {4 * len(candles):,} moved"
    notes = (*candles.notes, said)
    return replace(candles, open=open_, high=high, low=low, close=close, notes=notes)


def _rounded(prices: FloatArray, tick_e8: int) -> FloatArray:
    units = np.rint(prices * _SCALE).astype(np.int64)
    rounded: FloatArray = (units + tick_e8 // 2) // tick_e8 * tick_e8 / _SCALE
    return rounded
