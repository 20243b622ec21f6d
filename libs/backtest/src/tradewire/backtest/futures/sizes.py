"""How large an entry is, and whether the rules pass it, in a compiled loop: as `assess` has it if floats can tell."""

from __future__ import annotations

import numpy as np

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import CLOSE, Asked, Floats, Held, Ints, Limits, Market, Terms
from tradewire.backtest.futures.fills import LARGEST
from tradewire.backtest.futures.open_orders import ENTRY, FILLED, QUANTITY, SIGN, STATUS
from tradewire.backtest.loops.arithmetic import notional

CARE = 1e-14
"""Relative distance within which a float is not trusted to be on one side of a bound: a quantity is the outcome of
eight roundings at most, all of products and quotients, which come to 9e-16."""
LIMIT_CARE = 1e-11
"""The same for limits on sums over all symbols."""
REFUSED, UNCLEAR = 0, -1
"""In place of a quantity: a rule refuses the entry, or floats can't tell."""
HELD, BUYS, SELLS = range(3)
"""Rows of an exposure, shape (3, s), quote 1e-8."""


@compiled_inside
def sized(at: int, s: int, equity: int, market: Market, asked: Asked, terms: Terms, held: Held) -> int:
    """Quantity of an entry that every rule of the instrument passes, or `REFUSED`, or `UNCLEAR`."""
    step, fixed, close = terms.step[s], asked.fixed[s], market.rows[CLOSE, s, at]
    if equity <= 0 or not terms.trading[s]:
        return UNCLEAR if terms.trading[s] else REFUSED
    wanted = asked.per_equity[s, at] * equity + asked.beside[s, at]
    if fixed > 0:
        wanted = float(fixed) / step
    cap = asked.capped[s, at] * equity
    if cap < wanted * (1.0 + CARE):
        if cap > wanted * (1.0 - CARE):
            return UNCLEAR
        wanted, fixed = cap, 0
    if wanted < 1.0 - CARE:
        return REFUSED
    if not 1.0 <= wanted < LARGEST / step / max(close / 1e8, 1.0):
        return UNCLEAR
    if fixed == 0 and abs(wanted - np.rint(wanted)) <= CARE * wanted + 1e-9:
        return UNCLEAR
    size: int = fixed if fixed > 0 else np.int64(np.floor(wanted)) * step
    value = notional(size, close)
    if size < terms.min_quantity[s] or value < terms.min_notional[s]:
        return REFUSED
    if size > terms.max_quantity[s] or value == terms.min_notional[s]:
        return UNCLEAR
    distance = abs(close / held.mark[s] - 1.0) if held.quantity[s] != 0 else 0.0
    if terms.collar[s] > 0 and distance * 1e8 >= terms.collar[s] - 1:  # a limit may have more than 8 decimals
        return REFUSED if distance * 1e8 > terms.collar[s] + 2 else UNCLEAR
    return size


@compiled_in_place
def expose(held: Held, book: Ints, exposure: Floats) -> None:
    """Write an account's exposure (`exposure_of`): positions at their marks, and entries in flight at the same."""
    for s in range(len(held.quantity)):
        entry = book[s, ENTRY]
        exposure[BUYS, s], exposure[SELLS, s] = 0.0, 0.0
        exposure[HELD, s] = float(held.quantity[s]) * float(held.mark[s]) / 1e8
        if entry[STATUS] and held.quantity[s] != 0:
            reserve(s, entry[SIGN], entry[QUANTITY] - entry[FILLED], held.mark[s], exposure)


@compiled_in_place
def reserve(s: int, sign: int, size: int, price: int, exposure: Floats) -> None:
    """Count one more order in flight."""
    exposure[BUYS if sign > 0 else SELLS, s] += float(size) * float(price) / 1e8


@compiled_in_place
def _passes(value: float, limit: float) -> int:
    """1 where a value is surely within a limit, `REFUSED` where it surely is not, else `UNCLEAR`."""
    if limit == np.inf:
        return 1
    care = LIMIT_CARE * (abs(value) + abs(limit))
    if value < limit - care:
        return 1
    return REFUSED if value > limit + care else UNCLEAR


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
def within_limits(
    s: int,
    sign: int,
    size: int,
    price: int,
    money: tuple[int, int, int],
    sent: int,
    limits: Limits,
    exposure: Floats,
) -> int:
    """Whether the account's limits pass an entry: 1, `REFUSED` or `UNCLEAR`; on 1 it is counted in ``exposure``.

    ``money``: equity now, at its peak and at the start of the day, quote 1e-8; ``sent``: orders in the last minute.
    """
    equity, peak, day_start = money
    value = float(size) * float(price) / 1e8
    side = BUYS if sign > 0 else SELLS
    exposure[side, s] += value
    gross, net = _sums(exposure)
    symbol = _worst(s, exposure)
    drawdown = 1.0 - float(equity) / float(peak) if peak > 0 else 0.0
    found = min(
        1 if day_start - equity <= limits.daily_loss else REFUSED,
        1 if sent + 1 <= limits.orders_per_minute else REFUSED,
    )
    verdicts = (
        _passes(drawdown, limits.drawdown),
        _passes(value, limits.order_notional),
        _passes(symbol, limits.position_notional),
        _passes(gross, limits.gross),
        _passes(net, limits.net),
        _passes(gross / float(equity), limits.leverage),
        _passes(symbol / float(equity), limits.concentration),
    )
    for verdict in verdicts:
        if verdict == REFUSED or (verdict == UNCLEAR and found != REFUSED):
            found = verdict
    if found != 1:
        exposure[side, s] -= value
    return found
