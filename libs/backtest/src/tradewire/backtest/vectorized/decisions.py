"""What a strategy decides at every close of an account, in the form that the compiled loop reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.vectorized.market import Markets
from tradewire.trading.language import EvaluationArrays

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray
    from tradewire.trading.language.evaluation import Int8Array

Measures = tuple["FloatArray | None", "FloatArray | None", "FloatArray | None", "FloatArray | None"]
"""Stop, take-profit and trailing distance, volatility: float64, shape (n,); None where not asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class SymbolDecisions:
    """Of one symbol's n bars: signal codes, 0 where the strategy is not ready, int8, shape (n,); and the measures."""

    signal: Int8Array
    measures: Measures


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Of all m symbols at all t closes: signals, shape (m, t), measures of shape (m, t) or (m, 0) each."""

    signal: Int8Array
    measures: tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def of_arrays(arrays: EvaluationArrays) -> SymbolDecisions:
    """The decisions in a strategy's own answers."""
    distances = (arrays.stop_distance, arrays.take_profit_distance, arrays.trailing_distance)
    asked = tuple(None if np.isnan(values).all() else values for values in distances)
    signal = np.where(arrays.ready, arrays.signal, np.int8(0))
    return SymbolDecisions(signal, (asked[0], asked[1], asked[2], arrays.sizing_inputs.get("volatility")))


def aligned(parts: Sequence[SymbolDecisions], markets: Markets) -> Decisions:
    """Each symbol's decisions at the account's closes; nothing is decided where a symbol has no bar."""
    closes, symbols = len(markets.time_us), len(parts)
    if symbols == 1:  # its bars are the closes: no copy
        only = parts[0]
        stop, take, trail, volatility = (_row(values) for values in only.measures)
        return Decisions(only.signal.reshape(1, closes), (stop, take, trail, volatility))
    signal = np.zeros((symbols, closes), dtype=np.int8)
    for number, part in enumerate(parts):
        signal[number, markets.rows[number]] = part.signal
    stop, take, trail, volatility = (_stacked(parts, markets, which) for which in range(4))
    return Decisions(signal, (stop, take, trail, volatility))


def _row(values: FloatArray | None) -> FloatArray:
    return np.empty((1, 0)) if values is None else values.reshape(1, len(values))


def _stacked(parts: Sequence[SymbolDecisions], markets: Markets, which: int) -> FloatArray:
    if all(part.measures[which] is None for part in parts):
        return np.empty((len(parts), 0))
    stacked = np.full((len(parts), len(markets.time_us)), np.nan)
    for number, part in enumerate(parts):
        values = part.measures[which]
        if values is not None:
            stacked[number, markets.rows[number]] = values
    return stacked
