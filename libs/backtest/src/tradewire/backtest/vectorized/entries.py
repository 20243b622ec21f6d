"""From a signal at a close to what acts at the next open: sizing, the instrument's filters and protective orders.

The same answers as `tradewire.trading.assessment`, of an account whose limits are the instrument's only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.backtest.vectorized.arithmetic import LARGEST_UNITS, SCALE, steps, tick_price
from tradewire.backtest.vectorized.market import (
    CLOSE,
    COLLAR,
    MARK,
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
    from tradewire.ports.backtest import FloatArray, IntArray

METHODS = tuple(SizingMethod)
"""Sizing methods by their code."""
METHOD_CODES = {method: code for code, method in enumerate(METHODS)}
_FRACTION, _NOTIONAL = METHODS.index(SizingMethod.FRACTION_OF_EQUITY), METHODS.index(SizingMethod.FIXED_NOTIONAL)
_FIXED, _RISK = METHODS.index(SizingMethod.FIXED_QTY), METHODS.index(SizingMethod.RISK_PER_TRADE)
_ENTER_LONG, _ENTER_SHORT = SIGNALS.index(Signal.ENTER_LONG), SIGNALS.index(Signal.ENTER_SHORT)
_EXIT_LONG, _EXIT_SHORT = SIGNALS.index(Signal.EXIT_LONG), SIGNALS.index(Signal.EXIT_SHORT)
_TO_LONG, _TO_SHORT = SIGNALS.index(Signal.REVERSE_TO_LONG), SIGNALS.index(Signal.REVERSE_TO_SHORT)


@compiled
def decide(
    t: int,
    j: int,
    code: int,
    equity_e8: int,
    bars: IntArray,
    filters: IntArray,
    state: IntArray,
    measures: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    sizing: tuple[int, float, float],
) -> None:
    """Assess one signal: an exit withdraws the protective orders, an entry is taken from flat or by reversal."""
    own = state[j]
    qty = own[QTY]
    leaves = (qty > 0 and (code in (_EXIT_LONG, _TO_SHORT))) or (qty < 0 and (code in (_EXIT_SHORT, _TO_LONG)))
    if leaves:
        own[PENDING_EXIT] = 1
        own[STOP] = own[TAKE] = own[TRAIL] = 0
    side = 0
    if code in (_ENTER_LONG, _TO_LONG):
        side = 1
    elif code in (_ENTER_SHORT, _TO_SHORT):
        side = -1
    if side == 0 or not (qty == 0 or leaves) or equity_e8 <= 0:
        return
    close = bars[t, j, CLOSE]
    wanted = _quantity(t, j, equity_e8, close, filters[j], measures, sizing)
    if not _allowed(wanted, close, bars[t, j, MARK] if leaves else close, filters[j]):
        return
    own[PENDING_SIDE], own[PENDING_QTY] = side, wanted
    _guard(t, j, side, close, filters[j, TICK], own, measures)


@compiled
def _quantity(
    t: int,
    j: int,
    equity_e8: int,
    close_e8: int,
    filters: IntArray,
    measures: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    sizing: tuple[int, float, float],
) -> int:
    """Quantity of an entry, 1e-8, down to the step: `tradewire.trading.assessment.sizing` in float64."""
    method, amount, cap = sizing
    equity, close, step = float(equity_e8), float(close_e8), float(filters[STEP])
    if method == _FRACTION:
        wanted = steps(amount * equity * SCALE, close, step)
    elif method == _NOTIONAL:
        wanted = steps(amount * SCALE * SCALE, close, step)
    elif method == _FIXED:
        wanted = steps(amount * SCALE, 1.0, step)
    elif method == _RISK:
        wanted = steps(amount * equity, measures[0][j, t], step)
    else:
        wanted = steps(amount / measures[3][j, t] * equity * SCALE, close, step)
    if cap < np.inf:
        wanted = min(wanted, steps(cap * equity * SCALE, close, step))
    return int(wanted * filters[STEP]) if wanted * step < LARGEST_UNITS else -1


@compiled
def _allowed(qty: int, close: int, mark: int, filters: IntArray) -> bool:
    """The rules of `tradewire.trading.assessment.rules` that are the instrument's own."""
    if qty <= 0 or qty < filters[MIN_QTY] or qty > filters[MAX_QTY] or not filters[TRADING]:
        return False
    value = float(qty) * float(close) / SCALE
    if value >= LARGEST_UNITS / 4:
        raise ValueError("an order's notional does not fit the engine's 64 bits")
    if value < float(filters[MIN_NOTIONAL]) * (1.0 - 1e-15):
        return False
    return not filters[COLLAR] or abs(close - mark) <= float(filters[COLLAR]) / SCALE * mark


@compiled
def _guard(
    t: int,
    j: int,
    side: int,
    close: int,
    tick: int,
    own: IntArray,
    measures: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    """Levels of the protective orders, counted from the decision's close; 0 for one that is not asked for."""
    stop, take, trail, _ = measures
    own[PENDING_STOP] = own[PENDING_TAKE] = own[PENDING_TRAIL] = 0
    if stop.shape[1] and stop[j, t] > 0.0:
        own[PENDING_STOP] = tick_price(close, stop[j, t], -side, tick)
    if take.shape[1] and take[j, t] > 0.0:
        own[PENDING_TAKE] = tick_price(close, take[j, t], side, tick)
    if trail.shape[1] and trail[j, t] > 0.0:
        own[PENDING_TRAIL] = tick_price(0, trail[j, t], 1, tick)
