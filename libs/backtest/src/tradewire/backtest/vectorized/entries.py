"""From a signal at a close to what acts at the next open: sizing, the instrument's filters and protective orders.

The same answers as `tradewire.trading.assessment`, of an account whose limits are the instrument's only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.loops.arithmetic import LARGEST_UNITS, LARGEST_WORTH, SCALE, TOO_LARGE, steps, tick_price
from tradewire.backtest.vectorized.market import (
    COLLAR,
    MAX_QTY,
    MIN_NOTIONAL,
    MIN_QTY,
    STEP,
    TICK,
    TRADING,
)
from tradewire.backtest.vectorized.state import (
    PENDING_EXIT,
    PENDING_QTY,
    PENDING_SIDE,
    PENDING_STOP,
    PENDING_TAKE,
    PENDING_TRAIL,
    QTY,
    STOP,
    TAKE,
    TRAIL,
)
from tradewire.trading.language import SIGNALS, Signal, SizingMethod

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

METHODS = tuple(SizingMethod)
"""Sizing methods by their code."""
METHOD_CODES = {method: code for code, method in enumerate(METHODS)}
_FRACTION, _NOTIONAL = METHODS.index(SizingMethod.FRACTION_OF_EQUITY), METHODS.index(SizingMethod.FIXED_NOTIONAL)
_FIXED, _RISK = METHODS.index(SizingMethod.FIXED_QTY), METHODS.index(SizingMethod.RISK_PER_TRADE)
_ENTER_LONG, _ENTER_SHORT = SIGNALS.index(Signal.ENTER_LONG), SIGNALS.index(Signal.ENTER_SHORT)
_EXIT_LONG, _EXIT_SHORT = SIGNALS.index(Signal.EXIT_LONG), SIGNALS.index(Signal.EXIT_SHORT)
_TO_LONG, _TO_SHORT = SIGNALS.index(Signal.REVERSE_TO_LONG), SIGNALS.index(Signal.REVERSE_TO_SHORT)

ACTS_FLAT = 1 << _ENTER_LONG | 1 << _ENTER_SHORT | 1 << _TO_LONG | 1 << _TO_SHORT
ACTS_LONG, ACTS_SHORT = 1 << _EXIT_LONG | 1 << _TO_SHORT, 1 << _EXIT_SHORT | 1 << _TO_LONG
"""Signals that mean anything to an account that holds nothing, is long, is short: a bit each."""


@compiled_in_place
def decide(
    j: int,
    code: int,
    equity_e8: int,
    close_e8: int,
    mark_e8: int,
    filters: IntArray,
    state: IntArray,
    measures: tuple[float, float, float, float],
    sizing: tuple[int, float, float],
) -> None:
    """Assess one signal: an exit withdraws the protective orders, an entry is taken from flat or by reversal.

    ``measures``: stop, take-profit and trailing distance and volatility at the close, NaN where not asked for;
    ``sizing``: method code, amount, cap on leverage (infinity for none).
    """
    qty = state[j, QTY]
    leaves = (qty > 0 and (code in (_EXIT_LONG, _TO_SHORT))) or (qty < 0 and (code in (_EXIT_SHORT, _TO_LONG)))
    if leaves:
        state[j, PENDING_EXIT] = 1
        state[j, STOP] = state[j, TAKE] = state[j, TRAIL] = 0
    side = 0
    if code in (_ENTER_LONG, _TO_LONG):
        side = 1
    elif code in (_ENTER_SHORT, _TO_SHORT):
        side = -1
    if side == 0 or not (qty == 0 or leaves) or equity_e8 <= 0:
        return
    if float(equity_e8) > LARGEST_WORTH:
        raise ValueError(TOO_LARGE)
    wanted = _quantity(equity_e8, close_e8, filters[j, STEP], measures, sizing)
    if not _allowed(j, wanted, close_e8, mark_e8 if leaves else close_e8, filters):
        return
    state[j, PENDING_SIDE], state[j, PENDING_QTY] = side, wanted
    _guard(j, side, close_e8, filters[j, TICK], state, measures)


@compiled_in_place
def _quantity(
    equity_e8: int,
    close_e8: int,
    step_e8: int,
    measures: tuple[float, float, float, float],
    sizing: tuple[int, float, float],
) -> int:
    """Quantity of an entry, 1e-8, down to the step: `tradewire.trading.assessment.sizing` in float64."""
    method, amount, cap = sizing
    equity, close, step = float(equity_e8), float(close_e8), float(step_e8)
    if method == _FRACTION:
        wanted = steps(amount * equity * SCALE, close, step)
    elif method == _NOTIONAL:
        wanted = steps(amount * SCALE * SCALE, close, step)
    elif method == _FIXED:
        wanted = steps(amount * SCALE, 1.0, step)
    elif method == _RISK:
        wanted = steps(amount * equity, measures[0], step)
    else:
        wanted = steps(amount / measures[3] * equity * SCALE, close, step)
    if cap < np.inf:
        wanted = min(wanted, steps(cap * equity * SCALE, close, step))
    return int(wanted * step_e8) if wanted * step < LARGEST_UNITS else -1


@compiled_in_place
def _allowed(j: int, qty: int, close: int, mark: int, filters: IntArray) -> bool:
    """The rules of `tradewire.trading.assessment.rules` that are the instrument's own."""
    if qty <= 0 or qty < filters[j, MIN_QTY] or qty > filters[j, MAX_QTY] or not filters[j, TRADING]:
        return False
    value = float(qty) * float(close) / SCALE
    if value >= LARGEST_WORTH:
        raise ValueError(TOO_LARGE)
    if value < float(filters[j, MIN_NOTIONAL]) * (1.0 - 1e-15):
        return False
    return not filters[j, COLLAR] or abs(close - mark) <= float(filters[j, COLLAR]) / SCALE * mark


@compiled_in_place
def _guard(
    j: int, side: int, close: int, tick: int, state: IntArray, measures: tuple[float, float, float, float]
) -> None:
    """Levels of the protective orders, counted from the decision's close; 0 for one that is not asked for."""
    stop, take, trail, _ = measures
    state[j, PENDING_STOP] = state[j, PENDING_TAKE] = state[j, PENDING_TRAIL] = 0
    if stop > 0.0:
        state[j, PENDING_STOP] = tick_price(close, stop, -side, tick)
    if take > 0.0:
        state[j, PENDING_TAKE] = tick_price(close, take, side, tick)
    if trail > 0.0:
        state[j, PENDING_TRAIL] = tick_price(0, trail, 1, tick)
