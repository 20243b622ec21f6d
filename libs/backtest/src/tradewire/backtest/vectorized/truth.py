"""Conditions over arrays in one compiled pass each, with the language's three truth values.

Equal to `tradewire.trading.language.rules` on every bar; a truth is int8: FALSE, TRUE or UNKNOWN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled
from tradewire.trading.language import SIGNALS, Signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray
    from tradewire.trading.language.evaluation import Int8Array

    BoolArray = NDArray[np.bool_]

FALSE, TRUE, UNKNOWN = np.int8(0), np.int8(1), np.int8(2)
COMPARISONS = {symbol: code for code, symbol in enumerate(("<", "<=", ">", ">=", "==", "!="))}
"""Comparison operators by their code."""
_ENTER_LONG, _ENTER_SHORT = np.int8(SIGNALS.index(Signal.ENTER_LONG)), np.int8(SIGNALS.index(Signal.ENTER_SHORT))
_EXIT_LONG, _EXIT_SHORT = np.int8(SIGNALS.index(Signal.EXIT_LONG)), np.int8(SIGNALS.index(Signal.EXIT_SHORT))
_TO_LONG, _TO_SHORT = np.int8(SIGNALS.index(Signal.REVERSE_TO_LONG)), np.int8(SIGNALS.index(Signal.REVERSE_TO_SHORT))


@compiled
def compared(code: int, left: FloatArray, right: FloatArray) -> Int8Array:
    """``left operator right`` on every bar."""
    truth = np.empty(len(left), dtype=np.int8)
    for t in range(len(left)):
        a, b = left[t], right[t]
        if a != a or b != b:
            truth[t] = UNKNOWN
        elif code == 0:
            truth[t] = a < b
        elif code == 1:
            truth[t] = a <= b
        elif code == 2:
            truth[t] = a > b
        elif code == 3:
            truth[t] = a >= b
        elif code == 4:
            truth[t] = a == b
        else:
            truth[t] = a != b
    return truth


@compiled
def crossed(above: bool, left: FloatArray, right: FloatArray) -> Int8Array:
    """Whether ``left`` has come from one side of ``right`` (or from it) to the other since the bar before."""
    truth = np.empty(len(left), dtype=np.int8)
    sign = 1.0 if above else -1.0
    c = d = np.nan
    for t in range(len(left)):
        a, b = sign * left[t], sign * right[t]
        if a != a or b != b or c != c or d != d:
            truth[t] = UNKNOWN
        else:
            truth[t] = c <= d and a > b
        c, d = a, b
    return truth


@compiled
def joined(decisive: int, left: Int8Array, right: Int8Array) -> Int8Array:
    """``left or right`` (decisive TRUE), ``left and right`` (decisive FALSE)."""
    truth = np.empty(len(left), dtype=np.int8)
    for t in range(len(left)):
        if left[t] == decisive or right[t] == decisive:
            truth[t] = decisive
        elif left[t] == UNKNOWN or right[t] == UNKNOWN:
            truth[t] = UNKNOWN
        else:
            truth[t] = 1 - decisive
    return truth


@compiled
def inverted(item: Int8Array) -> Int8Array:
    """``not item``."""
    truth = np.empty(len(item), dtype=np.int8)
    for t in range(len(item)):
        truth[t] = UNKNOWN if item[t] == UNKNOWN else 1 - item[t]
    return truth


@compiled
def narrow(ready: BoolArray, complete: BoolArray, before: bool) -> None:
    """Take readiness from the bars at which a series, or the one of a bar earlier, has no value; in place."""
    for t in range(len(ready)):
        ready[t] = ready[t] and complete[t]
    if before and len(ready):
        ready[0] = False
        for t in range(1, len(ready)):
            ready[t] = ready[t] and complete[t - 1]


@compiled
def signals(
    entry_long: Int8Array, exit_long: Int8Array, entry_short: Int8Array, exit_short: Int8Array, ready: BoolArray
) -> Int8Array:
    """Signal codes after precedence (see `tradewire.trading.language.evaluation`), 0 where not ready."""
    found = np.zeros(len(ready), dtype=np.int8)
    for t in range(len(ready)):
        if not ready[t]:
            continue
        leave_long, leave_short = exit_long[t] == TRUE, exit_short[t] == TRUE
        enter_long = entry_long[t] == TRUE and not leave_long
        enter_short = entry_short[t] == TRUE and not leave_short
        if enter_long and not enter_short:
            found[t] = _TO_LONG if leave_short else _ENTER_LONG
        elif enter_short and not enter_long:
            found[t] = _TO_SHORT if leave_long else _ENTER_SHORT
        elif leave_long:
            found[t] = _EXIT_LONG
        elif leave_short:
            found[t] = _EXIT_SHORT
    return found
