"""An account through history in one compiled loop, from decision to booked state.

The loop does what `assess` and the exchange do, in the same integers, as long as that is plain. Before a bar where it
is not (an order that may be refused, a quantity too close to a step to be told in floats, a margin too thin) it stops,
with nothing of that bar done, and the exchange itself takes the bar.
"""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place, compiled_inside, compiled_on_borrowed
from tradewire.backtest.futures.arrays import (
    CLOSE,
    FUNDING,
    HOLDINGS,
    MONEY,
    PAYMENTS,
    PEAK,
    RATE,
    WALLET,
    AccountArrays,
    Brackets,
    Held,
    Inside,
    InstrumentArrays,
    Ints,
    LogArrays,
    MarketArrays,
    Room,
)
from tradewire.backtest.futures.deciding import decide, signalled
from tradewire.backtest.futures.margin import book_close, cross_wallet_of, safe_at, safe_within
from tradewire.backtest.futures.open_orders import FIELDS, PLACES, any_open, stirs, trail_along
from tradewire.backtest.futures.walk import walk
from tradewire.backtest.loops.arithmetic import SCALE, mul_div, notional

DAY_US = 86_400_000_000


@compiled_on_borrowed
def trade(
    start: int,
    stop: int,
    market: MarketArrays,
    inside: Inside,
    venue: InstrumentArrays,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    equity: Ints,
    positions: Ints,
    before: AccountArrays,
    room: Room,
) -> tuple[int, bool]:
    """Trade bars from ``start`` on; the first that was not, and whether the signals at the close before it are due.

    ``held``, ``totals``, ``book`` (the open orders), ``tape``, ``equity`` and ``positions`` are carried along;
    ``before`` and ``room`` are there to work in.
    """
    now = AccountArrays(held, totals, book, tape.counts)
    resting = any_open(book)
    for at in range(start, stop):
        due = at > start and signalled(at - 1, market, held, book)
        if due or (resting and stirs(at, market, book)) or _settles(at, market):
            _copy(now, before)
            if not _happen(at, due, market, inside, venue, held, totals, book, tape, equity, room):
                _copy(before, now)
                return at, due
            _note(at, before, now, tape)
            resting = any_open(book)
        elif not safe_within(at, market, held, venue.brackets, totals, room.worst):
            return at, False
        elif resting:
            trail_along(at, market, book)
        book_close(at, market, held, totals, equity, positions)
    return stop, start < stop and signalled(stop - 1, market, held, book)


@compiled_in_place
def _happen(
    at: int,
    due: bool,
    market: MarketArrays,
    inside: Inside,
    venue: InstrumentArrays,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    equity: Ints,
    room: Room,
) -> bool:
    """Let a bar happen: what was decided before it, if that is due, its path, funding; False when it is not plain."""
    if due:
        day_start = equity[_first_of_day(at - 1, market.close_us)]
        if not decide(at - 1, market, venue, held, totals, book, tape, day_start, room.exposure):
            return False
    return walk(at, market, inside, venue, held, totals, book, tape, room) and _fund(
        at, market, held, venue.brackets, totals, tape
    )


@compiled_in_place
def _fund(at: int, market: MarketArrays, held: Held, brackets: Brackets, totals: Ints, tape: LogArrays) -> bool:
    """Pay funding on what is held at the close; False when a position is not clear of liquidation there."""
    for s in range(len(held.qty)):
        rate, qty = market.rows[RATE, s, at], held.qty[s]
        if not market.present[s, at]:
            continue
        held.last[s], held.mark[s] = market.rows[CLOSE, s, at], market.rows[market.mark_row + CLOSE, s, at]
        if rate != 0 and qty != 0:
            amount = -mul_div(notional(qty, held.mark[s]), rate, SCALE)
            totals[WALLET] += amount
            totals[FUNDING] += amount
            held.margin[s] += 0 if held.cross[s] else amount
            row = tape.funding[tape.counts[PAYMENTS]]
            row[0], row[1], row[2], row[3] = market.close_us[at], s, amount, qty
            tape.counts[PAYMENTS] += 1
    return safe_at(held.mark, held, brackets, cross_wallet_of(held, totals))


@compiled_in_place
def _settles(at: int, market: MarketArrays) -> bool:
    """Whether funding is due at the close."""
    settles = False
    for s in range(len(market.present)):
        settles = settles or market.rows[RATE, s, at] != 0
    return settles


@compiled_in_place
def _first_of_day(at: int, close_us: Ints) -> int:
    """The first close of the same UTC day."""
    start_us, first, last = close_us[at] // DAY_US * DAY_US, 0, at
    while first < last:
        middle = (first + last) // 2
        if close_us[middle] < start_us:
            first = middle + 1
        else:
            last = middle
    return first


@compiled_inside
def _note(at: int, before: AccountArrays, now: AccountArrays, tape: LogArrays) -> None:
    """Write down what a bar changed of the account."""
    held, was, counts = now.held, before.held, tape.counts
    for s in range(len(held.qty)):
        if (
            held.qty[s] != was.qty[s]
            or held.cost[s] != was.cost[s]
            or held.entry_price[s] != was.entry_price[s]
            or held.margin[s] != was.margin[s]
        ):
            row = tape.holdings[counts[HOLDINGS]]
            row[0], row[1] = at, s
            row[2], row[3], row[4], row[5] = held.qty[s], held.cost[s], held.entry_price[s], held.margin[s]
            counts[HOLDINGS] += 1
    money, row, changed = now.totals, tape.money[counts[MONEY]], False
    row[0] = at
    for place in range(PEAK):
        changed = changed or money[place] != before.totals[place]
        row[1 + place] = money[place]
    counts[MONEY] += int(changed)


@compiled_inside
def _copy(source: AccountArrays, target: AccountArrays) -> None:
    """Copy what bars change."""
    mine, yours = source.held, target.held
    for s in range(len(mine.qty)):
        yours.qty[s], yours.cost[s], yours.margin[s] = mine.qty[s], mine.cost[s], mine.margin[s]
        yours.entry_price[s], yours.last[s], yours.mark[s] = mine.entry_price[s], mine.last[s], mine.mark[s]
        for place in range(PLACES):
            for column in range(FIELDS):
                target.book[s, place, column] = source.book[s, place, column]
    for place in range(len(source.totals)):
        target.totals[place] = source.totals[place]
    for place in range(len(source.counts)):
        target.counts[place] = source.counts[place]
