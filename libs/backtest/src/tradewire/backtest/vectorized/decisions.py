"""What strategies decide at every close of an account, in the form that the compiled loop reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.loops.entry_sizes import METHOD_CODES
from tradewire.backtest.vectorized.addresses import address_of
from tradewire.backtest.vectorized.market import Markets
from tradewire.trading.language import CompiledStrategy, EvaluationArrays, Sizing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.ports.backtest import FloatArray, IntArray
    from tradewire.trading.language.evaluation import Int8Array

MEASURES = 4
"""Stop, take-profit and trailing distance, volatility."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Of k parameter sets on all m symbols at all t closes.

    ``numbers``: which sets, shape (k,). ``signal``: codes, 0 for no bar and HOLD, int8, shape (k, m, t).
    ``table``: addresses of series by symbol and row, a number for each of the symbol's own bars; ``owner`` keeps them.
    ``guards``: rows of a set's measures, -1 where not asked for, shape (k, 4). ``method``: of sizing; ``sizing``:
    amount and cap on leverage (infinity for none), shape (k, 2).
    """

    numbers: IntArray
    signal: Int8Array
    table: IntArray
    guards: IntArray
    method: int
    sizing: FloatArray
    owner: object


def sizing_row(sizing: Sizing) -> tuple[float, float]:
    """Amount and cap on leverage, infinity for none."""
    return float(sizing.amount), float("inf") if sizing.max_leverage is None else float(sizing.max_leverage)


def at_closes(found: Sequence[Int8Array], markets: Markets) -> Int8Array:
    """Each symbol's signals, shape (k, n), at the account's closes, (k, m, t); none where a symbol has no bar."""
    if not markets.rows:
        return found[0][:, np.newaxis]
    signal = np.zeros((len(found[0]), len(found), len(markets.time_us)), dtype=np.int8)
    for symbol, places in enumerate(markets.rows):
        signal[:, symbol, places] = found[symbol][:, : len(places)]
    return signal


def alone(strategy: CompiledStrategy, number: int, markets: Markets) -> Decisions:
    """The decisions of one strategy by its own evaluation, as rules in Python need it."""
    leads = markets.lead.tolist()
    answers = [strategy.evaluate_array(bars).since(lead) for bars, lead in zip(markets.seen, leads, strict=True)]
    found = [answer.signal.reshape(1, -1) for answer in answers]
    measures = np.full((len(answers), MEASURES, markets.longest), np.nan)
    for symbol, answer in enumerate(answers):
        for row, values in enumerate(_measures(answer)):
            measures[symbol, row, : len(answer)] = values
    table = np.array([[address_of(row) for row in rows] for rows in measures])
    numbers, guards = np.array([number]), np.arange(MEASURES).reshape(1, MEASURES)
    method, sizing = METHOD_CODES[strategy.sizing.method], np.array([sizing_row(strategy.sizing)])
    return Decisions(numbers, at_closes(found, markets), table, guards, method, sizing, measures)


def _measures(answer: EvaluationArrays) -> tuple[FloatArray | float, ...]:
    volatility = answer.sizing_inputs.get("volatility", np.nan)
    return answer.stop_distance, answer.take_profit_distance, answer.trailing_distance, volatility
