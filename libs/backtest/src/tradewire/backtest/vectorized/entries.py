"""From a signal at a close to what acts at the next open: sizing, the instrument's filters and protective orders.

The same answers as `tradewire.trading.assessment`, of an account whose limits are the instrument's only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.backtest.compiled import compiled_in_place
from tradewire.backtest.loops.arithmetic import (
    LARGEST_WORTH,
    SCALE,
    TOO_LARGE,
    mul_div_floor,
    tick_price,
)
from tradewire.backtest.loops.entry_sizes import RISK, entry_size
from tradewire.backtest.loops.refusals import INSTRUMENT_STATUS, POSITIVE_EQUITY, PRICE_COLLAR
from tradewire.backtest.loops.refusals import MAX_QTY as REFUSED_MAX_QTY
from tradewire.backtest.loops.refusals import MIN_NOTIONAL as REFUSED_MIN_NOTIONAL
from tradewire.backtest.loops.refusals import MIN_QTY as REFUSED_MIN_QTY
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
    ANSWERED,
    CUT,
    LEFT,
    PENDING_EXIT,
    PENDING_QTY,
    PENDING_SIDE,
    PENDING_STOP,
    PENDING_TAKE,
    PENDING_TRAIL,
    QTY,
    REFUSALS,
    SENT,
    STOP,
    TAKE,
    TRAIL,
)
from tradewire.trading.language import SIGNALS, Signal

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

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
    prices: tuple[int, int],
    filters: IntArray,
    state: IntArray,
    book: IntArray,
    measures: tuple[float, float, float, float],
    sizing: tuple[int, float, float],
) -> None:
    """Assess one signal: an exit withdraws the protective orders, an entry is taken from flat or by reversal.

    ``prices``: close and mark, 1e-8; ``measures``: stop, take-profit and trailing distance and volatility at the close,
    NaN where not asked for; ``sizing``: method code, amount, cap on leverage (infinity for none).
    """
    qty, close_e8, mark_e8 = state[j, QTY], prices[0], prices[1]
    leaves = (qty > 0 and (code in (_EXIT_LONG, _TO_SHORT))) or (qty < 0 and (code in (_EXIT_SHORT, _TO_LONG)))
    if leaves:
        state[j, PENDING_EXIT] = 1
        state[j, STOP] = state[j, TAKE] = state[j, TRAIL] = 0
        book[LEFT] += 1
    side = 0
    if code in (_ENTER_LONG, _TO_LONG):
        side = 1
    elif code in (_ENTER_SHORT, _TO_SHORT):
        side = -1
    enters = side != 0 and (qty == 0 or leaves)
    book[ANSWERED] += int(leaves or enters)
    if not enters:
        return
    wanted, cut = _judged(j, equity_e8, close_e8, mark_e8 if leaves else close_e8, filters, measures, sizing)
    if wanted < 0:
        book[REFUSALS - 1 - wanted] += 1
        return
    book[SENT] += 1
    book[CUT] += cut
    state[j, PENDING_SIDE], state[j, PENDING_QTY] = side, wanted
    _guard(j, side, close_e8, filters[j, TICK], state, measures)


@compiled_in_place
def _judged(
    j: int,
    equity_e8: int,
    close: int,
    mark: int,
    filters: IntArray,
    measures: tuple[float, float, float, float],
    sizing: tuple[int, float, float],
) -> tuple[int, int]:
    """Quantity of an entry, or the first of the instrument's own rules that refuses it; whether a cap cut it."""
    if not filters[j, TRADING]:
        return INSTRUMENT_STATUS, 0
    if equity_e8 <= 0:
        return POSITIVE_EQUITY, 0
    if float(equity_e8) > LARGEST_WORTH:
        raise ValueError(TOO_LARGE)
    measure = measures[0] if sizing[0] == RISK else measures[3]
    wanted, cut = entry_size(equity_e8, close, filters[j, STEP], measure, sizing)
    return _allowed(j, wanted, close, mark, filters), cut


@compiled_in_place
def _allowed(j: int, qty: int, close: int, mark: int, filters: IntArray) -> int:
    """The quantity, or the first rule of `tradewire.trading.assessment.rules` about an order's size that refuses it."""
    if qty == 0 or 0 < qty < filters[j, MIN_QTY]:
        return REFUSED_MIN_QTY
    if qty < 0 or qty > filters[j, MAX_QTY]:
        return REFUSED_MAX_QTY
    value = float(qty) * float(close) / SCALE
    if value >= LARGEST_WORTH:
        raise ValueError(TOO_LARGE)
    if mul_div_floor(qty, close, SCALE) < filters[j, MIN_NOTIONAL]:
        return REFUSED_MIN_NOTIONAL
    if filters[j, COLLAR] and abs(close - mark) > float(filters[j, COLLAR]) / SCALE * mark:
        return PRICE_COLLAR
    return qty


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
