"""How large an entry is, in compiled loops: as `tradewire.trading.assessment.sizing` has it, to the last step."""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.loops.arithmetic import LARGEST_UNITS
from tradewire.backtest.loops.quotients import steps_within
from tradewire.trading.language import SizingMethod

_METHODS = tuple(SizingMethod)
METHOD_CODES = {method: code for code, method in enumerate(_METHODS)}
"""Sizing methods by their code."""
_FRACTION, _NOTIONAL = METHOD_CODES[SizingMethod.FRACTION_OF_EQUITY], METHOD_CODES[SizingMethod.FIXED_NOTIONAL]
_FIXED, RISK = METHOD_CODES[SizingMethod.FIXED_QTY], METHOD_CODES[SizingMethod.RISK_PER_TRADE]
OVERFLOW = -1
"""In place of a quantity that does not fit."""


@compiled_in_place
def entry_size(
    equity_e8: int, close_e8: int, step_e8: int, measure: float, sizing: tuple[int, float, float]
) -> tuple[int, int]:
    """Quantity of an entry, 1e-8, down to the step, or `OVERFLOW`; whether a cap cut it.

    ``sizing``: method code, amount, cap on leverage (infinity for none); ``measure``: the stop distance or the
    volatility that the method divides by.
    """
    method, amount, cap = sizing
    if method == _FRACTION:
        wanted = steps_within(amount, equity_e8, 1.0, close_e8, step_e8, 8)
    elif method == _NOTIONAL:
        wanted = steps_within(amount, 1, 1.0, close_e8, step_e8, 16)
    elif method == _FIXED:
        wanted = steps_within(amount, 1, 1.0, 1, step_e8, 8)
    elif method == RISK:
        wanted = steps_within(amount, equity_e8, measure, 1, step_e8, 0)
    else:
        wanted = steps_within(amount, equity_e8, measure, close_e8, step_e8, 8)
    cut = 0
    if cap < np.inf:
        most = steps_within(cap, equity_e8, 1.0, close_e8, step_e8, 8)
        cut = int(most < wanted)
        wanted = min(wanted, most)
    return int(wanted * step_e8) if float(wanted) * float(step_e8) < LARGEST_UNITS else OVERFLOW, cut
