"""How large an entry is, and whether the rules pass it, in a compiled loop: as `assess` has it if floats can tell."""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import (
    CLOSE,
    EntryArrays,
    Floats,
    Held,
    InstrumentArrays,
    Ints,
    Limits,
    MarketArrays,
    Terms,
)
from tradewire.backtest.futures.open_orders import DECIDED, ENTRY, FILLED, QTY, SIGN, STATUS
from tradewire.backtest.loops.arithmetic import LARGEST_WORTH, SCALE, mul_div_floor
from tradewire.backtest.loops.entry_sizes import OVERFLOW, entry_size
from tradewire.backtest.loops.refusals import (
    INSTRUMENT_STATUS,
    MAX_CONCENTRATION,
    MAX_DAILY_LOSS,
    MAX_DRAWDOWN,
    MAX_GROSS_EXPOSURE,
    MAX_LEVERAGE,
    MAX_NET_EXPOSURE,
    MAX_ORDER_NOTIONAL,
    MAX_ORDERS_PER_MINUTE,
    MAX_POSITION_NOTIONAL,
    MIN_NOTIONAL,
    MIN_QTY,
    PASSES,
    POSITIVE_EQUITY,
    PRICE_COLLAR,
    UNCLEAR,
)

CARE = 1e-11
"""Relative distance from a limit within which a float, a sum over all symbols, is not trusted to be on one side."""
HELD, BUYS, SELLS = range(3)
"""Rows of an exposure, shape (3, s), quote 1e-8."""


@compiled_inside
def judged(
    at: int,
    s: int,
    sign: int,
    money: tuple[int, int, int],
    sent: int,
    market: MarketArrays,
    venue: InstrumentArrays,
    held: Held,
    exposure: Floats,
) -> tuple[int, int]:
    """Quantity of an entry that every rule passes, or the first rule that refuses it, or `UNCLEAR`; whether it is cut.

    ``money``: equity now, at its peak and at the start of the day, quote 1e-8; ``sent``: orders in the last minute,
    with this entry and what goes with it. An entry that passes is counted in ``exposure``.
    """
    terms, limits, price = venue.terms, venue.limits, market.rows[CLOSE, s, at]
    if not venue.covered:
        return UNCLEAR, 0
    verdict = _standing(money, sent, terms.trading[s], limits)
    if verdict != PASSES:
        return verdict, 0
    size, cut = _sized(at, s, money[0], market, venue.asked, terms)
    if size <= 0:
        return size, 0
    if limits.any:
        verdict = _passes(float(size) * float(price) / 1e8, limits.order_notional, MAX_ORDER_NOTIONAL)
    if verdict == PASSES:
        verdict = _collared(s, price, terms, held)
    if verdict == PASSES and limits.any:
        verdict = _within_exposure(s, sign, size, price, money[0], limits, exposure)
    return (size, cut) if verdict == PASSES else (verdict, 0)


@compiled_in_place
def _standing(money: tuple[int, int, int], sent: int, trading: bool, limits: Limits) -> int:
    """The first rule by which the account may not enter anything now."""
    equity, peak, day_start = money
    if not trading:
        return INSTRUMENT_STATUS
    if equity <= 0:
        return POSITIVE_EQUITY
    if not limits.any:
        return PASSES
    if day_start - equity > limits.daily_loss:
        return MAX_DAILY_LOSS
    verdict = _passes(1.0 - float(equity) / float(peak) if peak > 0 else 0.0, limits.drawdown, MAX_DRAWDOWN)
    if verdict == PASSES and sent > limits.orders_per_minute:
        return MAX_ORDERS_PER_MINUTE
    return verdict


@compiled_inside
def _sized(at: int, s: int, equity: int, market: MarketArrays, asked: EntryArrays, terms: Terms) -> tuple[int, int]:
    """Quantity of an entry that the instrument takes, or the rule that refuses it, or `UNCLEAR`; whether it is cut."""
    close = market.rows[CLOSE, s, at]
    measure = asked.measure[s, at] if len(asked.measure) else 1.0
    size, cut = entry_size(equity, close, terms.step[s], measure, asked.sizing)
    if size == OVERFLOW or size > terms.max_qty[s] or float(size) * float(close) / 1e8 > LARGEST_WORTH:
        return UNCLEAR, 0
    if size == 0 or size < terms.min_qty[s]:
        return MIN_QTY, 0
    return (MIN_NOTIONAL, 0) if mul_div_floor(size, close, SCALE) < terms.min_notional[s] else (size, cut)


@compiled_inside
def _collared(s: int, price: int, terms: Terms, held: Held) -> int:
    """Whether the price is near enough to the mark."""
    distance = abs(price / held.mark[s] - 1.0) if held.qty[s] != 0 else 0.0
    if terms.collar[s] > 0 and distance * 1e8 >= terms.collar[s] - 1:  # a limit may have more than 8 decimals
        return PRICE_COLLAR if distance * 1e8 > terms.collar[s] + 2 else UNCLEAR
    return PASSES


@compiled_in_place
def expose(market: MarketArrays, held: Held, book: Ints, exposure: Floats) -> None:
    """Write an account's exposure (`exposure_of`): positions at marks, entries at the close that decided."""
    for s in range(len(held.qty)):
        entry = book[s, ENTRY]
        exposure[BUYS, s], exposure[SELLS, s] = 0.0, 0.0
        exposure[HELD, s] = float(held.qty[s]) * float(held.mark[s]) / 1e8
        if entry[STATUS]:
            reference = market.rows[CLOSE, s, entry[DECIDED]]
            reserve(s, entry[SIGN], entry[QTY] - entry[FILLED], reference, exposure)


@compiled_in_place
def reserve(s: int, sign: int, size: int, price: int, exposure: Floats) -> None:
    """Count one more order in flight."""
    exposure[BUYS if sign > 0 else SELLS, s] += float(size) * float(price) / 1e8


@compiled_in_place
def _passes(value: float, limit: float, rule: int) -> int:
    """`PASSES` where a value is surely within a limit, the rule where it surely is not, else `UNCLEAR`."""
    if limit == np.inf:
        return PASSES
    care = CARE * (abs(value) + abs(limit))
    if value < limit - care:
        return PASSES
    return rule if value > limit + care else UNCLEAR


@compiled_in_place
def _worst(s: int, exposure: Floats) -> float:
    """The largest a symbol's exposure gets when the orders of either side fill."""
    held = exposure[HELD, s]
    return float(max(abs(held + exposure[BUYS, s]), abs(held - exposure[SELLS, s])))


@compiled_in_place
def _sums(exposure: Floats) -> tuple[float, float]:
    """Gross and net exposure of all symbols at their largest."""
    gross, held, buys, sells = 0.0, 0.0, 0.0, 0.0
    for s in range(exposure.shape[1]):
        gross += _worst(s, exposure)
        held += exposure[HELD, s]
        buys += exposure[BUYS, s]
        sells += exposure[SELLS, s]
    return gross, max(abs(held + buys), abs(held - sells))


@compiled_inside
def _within_exposure(s: int, sign: int, size: int, price: int, equity: int, limits: Limits, exposure: Floats) -> int:
    """Whether the account stays within its limits with an entry; if so the entry is counted in ``exposure``."""
    value = float(size) * float(price) / 1e8
    side = BUYS if sign > 0 else SELLS
    exposure[side, s] += value
    gross, net = _sums(exposure)
    symbol, worth, found = _worst(s, exposure), float(equity), PASSES
    for verdict in (
        _passes(symbol, limits.position_notional, MAX_POSITION_NOTIONAL),
        _passes(gross, limits.gross, MAX_GROSS_EXPOSURE),
        _passes(net, limits.net, MAX_NET_EXPOSURE),
        _passes(gross / worth, limits.leverage, MAX_LEVERAGE),
        _passes(symbol / worth, limits.concentration, MAX_CONCENTRATION),
    ):
        if found == PASSES:
            found = verdict
    if found != PASSES:
        exposure[side, s] -= value
    return found
