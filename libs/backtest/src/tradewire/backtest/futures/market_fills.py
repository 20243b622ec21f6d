"""One fill in the compiled loop, booked as the exchange books it."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_on_borrowed
from tradewire.backtest.futures.margin import FEES, FILLS, REALISED, WALLET, Tape, Terms, allowed, free_balance, over
from tradewire.backtest.futures.market_decisions import LARGEST
from tradewire.backtest.futures.quiet import Brackets, Held, Ints
from tradewire.backtest.loops.arithmetic import (
    SCALE,
    average_price,
    mul_div_ceil,
    notional,
    taker_price,
)
from tradewire.backtest.loops.path import LEG_ENTRY


@compiled_on_borrowed
def execute(
    at: int,
    s: int,
    signed: int,
    leg: int,
    way: tuple[int, int, int, int],
    decided: int,
    terms: Terms,
    held: Held,
    brackets: Brackets,
    totals: Ints,
    tape: Tape,
) -> bool:
    """Fill one order whole: an exit closes the position, an entry opens one from flat, if margin allows.

    ``way``: the price that the market shows and where on the bar's path, as `first_reached` tells.
    """
    shown, part, begin, end = way
    sign, size = (1 if signed > 0 else -1), abs(signed)
    price = taker_price(shown, sign, terms.slippage[s], terms.tick[s])
    if float(size) * float(price) / 1e8 > LARGEST:
        return False
    value = notional(size, price)
    fee = mul_div_ceil(value, terms.taker_fee[s], SCALE)
    realised = 0
    if leg != LEG_ENTRY:
        realised = value - held.cost[s] if signed < 0 else held.cost[s] - value
        held.quantity[s], held.cost[s], held.margin[s], held.entry_price[s] = 0, 0, 0, 0
    else:
        margin = over(value, held.leverage[s])
        if not allowed(s, value, held, brackets) or margin + fee > free_balance(s, held, totals):
            return False
        held.quantity[s], held.cost[s] = signed, value
        held.margin[s] = 0 if held.cross[s] else margin
        held.entry_price[s] = average_price(value, size)
    totals[WALLET] += realised - fee
    totals[REALISED] += realised
    totals[FEES] += fee
    row = tape.counts[FILLS]
    columns = (at, s, leg, sign, size, price, fee, realised, held.quantity[s], shown, part, begin, end, decided)
    for column in range(len(columns)):
        tape.fills[row, column] = columns[column]
    tape.counts[FILLS] += 1
    return True
