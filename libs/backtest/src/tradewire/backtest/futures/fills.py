"""What an order at market does to an account in a compiled loop: as `tradewire.trading.exchange.executor` has it."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import (
    FEES,
    FILLS,
    NOTHING_LEFT,
    REALIZED,
    WALLET,
    Brackets,
    Held,
    Ints,
    LogArrays,
    Model,
    Terms,
)
from tradewire.backtest.futures.margin import allowed, free_balance, over
from tradewire.backtest.futures.open_orders import (
    DECIDED,
    ENTRY,
    FILLED,
    GUARDS,
    INACTIVE,
    LEFT,
    NONE,
    PART_FILLED,
    QTY,
    SIGN,
    STATUS,
    STOP,
    WORKING,
    kind_of,
)
from tradewire.backtest.loops.arithmetic import (
    LARGEST_WORTH,
    SCALE,
    average_price,
    mul_div,
    mul_div_ceil,
    mul_div_floor,
    notional,
    taker_price,
    whole_steps,
)

LARGEST_SHARED = 1 << 50
"""An amount below this can be shared out exactly (`arithmetic.mul_div`)."""
UNBOUNDED = -1
"""A budget of volume without a bound."""


@compiled_in_place
def available(order: Ints, budget: int) -> int:
    """What of an order the bar's volume lets fill."""
    leaves: int = order[QTY] - order[FILLED]
    return leaves if budget == UNBOUNDED else min(leaves, budget)


@compiled_in_place
def execute(
    now_us: int,
    s: int,
    place: int,
    terms: Terms,
    model: Model,
    brackets: Brackets,
    held: Held,
    totals: Ints,
    book: Ints,
    budget: Ints,
    tape: LogArrays,
    close_us: Ints,
) -> bool:
    """Fill what can be filled of an order at the last price; False where it is not plain that it fills."""
    order = book[s, place]
    reducible = -held.qty[s] * order[SIGN]
    if place == ENTRY:
        if reducible > 0:
            return False
    elif reducible <= 0:
        return _expire(order, tape)
    else:
        order[QTY] = min(order[QTY], order[FILLED] + reducible)
    size = available(order, budget[s])
    price = taker_price(held.last[s], order[SIGN], model.slippage, terms.tick[s])
    if tape.counts[FILLS] == len(tape.fills) or not _fits(size, price, totals[WALLET]):
        return False
    value = notional(size, price)
    fee = mul_div_ceil(value, terms.taker_fee[s], SCALE)
    before = totals[REALIZED]
    if not _trade(s, place, order[SIGN] * size, price, value, fee, brackets, held, totals):
        return False
    if budget[s] != UNBOUNDED:
        budget[s] -= size
    _write(now_us, s, place, size, price, fee, totals[REALIZED] - before, held, order, tape, close_us)
    order[FILLED] += size
    order[STATUS] = NONE if order[FILLED] == order[QTY] else PART_FILLED
    _settle(s, place, terms.step[s], book)
    return True


@compiled_in_place
def _expire(order: Ints, tape: LogArrays) -> bool:
    """End a reduce-only order that finds nothing to reduce, which is plain."""
    order[STATUS] = NONE
    tape.counts[NOTHING_LEFT] += 1
    return True


@compiled_inside
def _fits(size: int, price: int, wallet: int) -> bool:
    """Whether 64 bits hold what a fill can make of the wallet."""
    return float(size) * float(price) / 1e8 <= LARGEST_WORTH and abs(float(wallet)) <= LARGEST_WORTH


@compiled_in_place
def _trade(
    s: int, place: int, signed: int, price: int, value: int, fee: int, brackets: Brackets, held: Held, totals: Ints
) -> bool:
    """Let a fill change what is held, and the wallet."""
    before = totals[REALIZED]
    if place == ENTRY:
        if not _enlarge(s, signed, price, value, fee, brackets, held, totals):
            return False
    elif not _reduce(s, 1 if signed > 0 else -1, abs(signed), value, held, totals):
        return False
    totals[WALLET] += totals[REALIZED] - before - fee
    totals[FEES] += fee
    return True


@compiled_inside
def _enlarge(
    s: int, signed: int, price: int, value: int, fee: int, brackets: Brackets, held: Held, totals: Ints
) -> bool:
    """Open a position or add to it, if brackets and margin allow; False when they don't."""
    after = abs(held.qty[s] + signed)
    exposure = value if held.qty[s] == 0 else notional(after, price)
    needed = over(exposure, held.leverage[s]) + fee
    if not allowed(s, exposure, held, brackets) or needed > free_balance(s, held, totals):
        return False
    held.qty[s] += signed
    held.cost[s] += value
    held.margin[s] += 0 if held.cross[s] else over(value, held.leverage[s])
    held.entry_price[s] = average_price(held.cost[s], after)
    return True


@compiled_inside
def _reduce(s: int, sign: int, size: int, value: int, held: Held, totals: Ints) -> bool:
    """Let go of a position or a part of it; False when it is too large to be shared out in 64 bits."""
    whole = abs(held.qty[s])
    cost, margin = held.cost[s], held.margin[s]
    if size < whole:
        if max(cost, margin) >= LARGEST_SHARED or whole >= LARGEST_SHARED * 512:
            return False
        cost, margin = mul_div(cost, size, whole), mul_div_floor(margin, size, whole)
    held.qty[s] += sign * size
    held.cost[s] -= cost
    held.margin[s] -= margin
    held.entry_price[s] = 0 if held.qty[s] == 0 else average_price(held.cost[s], abs(held.qty[s]))
    totals[REALIZED] += value - cost if sign < 0 else cost - value
    return True


@compiled_in_place
def _write(
    now_us: int,
    s: int,
    place: int,
    size: int,
    price: int,
    fee: int,
    realized: int,
    held: Held,
    order: Ints,
    tape: LogArrays,
    close_us: Ints,
) -> None:
    """A fill as `Log.fills` has it."""
    row = tape.fills[tape.counts[FILLS]]
    row[0], row[1], row[2], row[3], row[4] = now_us, s, kind_of(place), order[SIGN], 0
    row[5], row[6], row[7], row[8], row[9] = size, price, fee, realized, held.qty[s]
    row[10], row[11] = held.last[s], close_us[order[DECIDED]]
    tape.counts[FILLS] += 1


@compiled_in_place
def _settle(s: int, place: int, step: int, book: Ints) -> None:
    """What a fill means for the orders beside it: guards follow their entry, and end it and one another."""
    if place == ENTRY:
        entry = book[s, ENTRY]
        share = whole_steps(entry[FILLED], step) * step
        for guard in range(STOP, STOP + GUARDS):
            status = book[s, guard, STATUS]
            if status != NONE and share > 0:
                book[s, guard, QTY] = share
                book[s, guard, STATUS] = WORKING if status == INACTIVE else status
            elif entry[STATUS] == NONE:
                book[s, guard, STATUS] = NONE
        return
    if STOP <= place < LEFT and book[s, ENTRY, STATUS] != NONE:
        book[s, ENTRY, STATUS] = NONE
        for guard in range(STOP, STOP + GUARDS):
            if book[s, guard, STATUS] == INACTIVE:
                book[s, guard, STATUS] = NONE
    if place >= STOP and book[s, place, STATUS] == NONE:
        first = STOP if place < LEFT else LEFT
        for guard in range(first, first + GUARDS):
            book[s, guard, STATUS] = NONE
