"""A close's decisions in a compiled loop: what `assess` and the venue's admission do, where that is plain."""

from __future__ import annotations

from tradewire.backtest.compiled import compiled_in_place, compiled_inside
from tradewire.backtest.futures.arrays import (
    ANSWERED,
    CLOSE,
    CUT,
    ENTER_LONG,
    ENTER_SHORT,
    ENTRIES,
    EXIT_LONG,
    EXIT_SHORT,
    EXITS,
    ORDERS,
    PEAK,
    REFUSALS,
    REVERSE_TO_LONG,
    REVERSE_TO_SHORT,
    WALLET,
    Brackets,
    EntryArrays,
    Floats,
    Held,
    InstrumentArrays,
    Ints,
    LogArrays,
    MarketArrays,
    Terms,
)
from tradewire.backtest.futures.margin import allowed, free_balance, gain, initial_margin, over
from tradewire.backtest.futures.open_orders import (
    ARRIVE,
    ARRIVED,
    CANCEL,
    DECIDED,
    ENTRY,
    EXIT,
    EXTREME,
    FIELDS,
    FILLED,
    GUARDS,
    INACTIVE,
    LEFT,
    LEVEL,
    NEVER,
    NONE,
    QTY,
    REQUESTED,
    SEQUENCE,
    SIGN,
    STATUS,
    STOP,
    TAKE,
    TRAIL,
    WORKING,
    in_flight,
)
from tradewire.backtest.futures.sizes import expose, judged, reserve
from tradewire.backtest.loops.arithmetic import SCALE, mul_div_ceil, notional, tick_price
from tradewire.backtest.loops.refusals import UNCLEAR

FARTHEST = 1e9
"""A distance below this, in quote per base, may be counted from any price."""


@compiled_in_place
def signalled(at: int, market: MarketArrays, held: Held, book: Ints) -> bool:
    """Whether a signal of this close asks for anything."""
    for s in range(len(held.qty)):
        signal = market.signal[s, at]
        if signal and market.present[s, at] and _asks(signal, held.qty[s]) and not in_flight(s, book):
            return True
    return False


@compiled_in_place
def _asks(signal: int, qty: int) -> bool:
    """Whether a signal asks for anything, a signed quantity being held."""
    if qty > 0:
        return signal in (EXIT_LONG, REVERSE_TO_SHORT)
    if qty < 0:
        return signal in (EXIT_SHORT, REVERSE_TO_LONG)
    return signal not in (0, EXIT_LONG, EXIT_SHORT)


@compiled_in_place
def decide(
    at: int,
    market: MarketArrays,
    venue: InstrumentArrays,
    held: Held,
    totals: Ints,
    book: Ints,
    tape: LogArrays,
    day_start: int,
    exposure: Floats,
) -> bool:
    """Send the orders of a close; False when it is not plain. An exit withdraws what guards."""
    terms, counts, latency_us = venue.terms, tape.counts, venue.model.latency_us
    equity, before = totals[WALLET], counts[ORDERS]
    for s in range(len(held.qty)):
        equity += gain(s, held)
    expose(market, held, book, exposure)
    for s in range(len(held.qty)):
        qty, signal = held.qty[s], market.signal[s, at]
        if not market.present[s, at] or not _asks(signal, qty) or in_flight(s, book):
            continue
        if not terms.roomy[s]:
            return False
        counts[ANSWERED] += 1
        if qty != 0:
            if not _leave(at, s, market.close_us[at] + latency_us, latency_us, terms, held, book, counts):
                return False
            reserve(s, -1 if qty > 0 else 1, abs(qty), market.rows[CLOSE, s, at], exposure)
        if signal in (ENTER_LONG, ENTER_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT):
            sign, money = 1 if signal in (ENTER_LONG, REVERSE_TO_LONG) else -1, (equity, totals[PEAK], day_start)
            sent = counts[ORDERS] - before + 1 + _guards(at, s, venue.asked)
            size, cut = judged(at, s, sign, money, sent, market, venue, held, exposure)
            if size < 0:
                _refuse(at, s, size, tape)
            elif size == UNCLEAR or not _enter(at, s, sign, size, market, venue, held, totals, book, counts):
                return False
            counts[CUT] += cut
    return True


@compiled_in_place
def _guards(at: int, s: int, asked: EntryArrays) -> int:
    """How many orders guard an entry."""
    count = 0
    for kind in range(len(asked.distances)):
        count += 0.0 < asked.distances[kind, s, at] < FARTHEST
    return count


@compiled_inside
def _refuse(at: int, s: int, rule: int, tape: LogArrays) -> None:
    """Write down that a rule refused an entry."""
    row = tape.refusals[tape.counts[REFUSALS]]
    row[0], row[1], row[2] = at, s, rule
    tape.counts[REFUSALS] += 1


@compiled_inside
def _send(at: int, s: int, place: int, sign: int, size: int, arrive_us: int, book: Ints, counts: Ints) -> None:
    """Write an order that is on its way."""
    order = book[s, place]
    counts[ORDERS] += 1
    order[STATUS], order[SIGN], order[FILLED] = (WORKING if place < STOP else INACTIVE), sign, 0
    order[REQUESTED], order[QTY], order[LEVEL], order[EXTREME] = size, size, 0, 0
    order[ARRIVED], order[ARRIVE], order[CANCEL] = 0, arrive_us, NEVER
    order[SEQUENCE], order[DECIDED] = counts[ORDERS], at


@compiled_inside
def _leave(
    at: int, s: int, arrive_us: int, latency_us: int, terms: Terms, held: Held, book: Ints, counts: Ints
) -> bool:
    """Send an exit, and withdraw what guards; False where the venue may refuse the exit."""
    size = abs(held.qty[s])
    if size % terms.step[s] or size < terms.min_qty[s] or size > terms.max_qty[s]:
        return False
    for guard in range(STOP, STOP + GUARDS):
        if book[s, guard, STATUS] == NONE:
            continue
        if latency_us:
            left = guard - STOP + LEFT
            if book[s, left, STATUS] != NONE:
                return False
            for field in range(FIELDS):
                book[s, left, field] = book[s, guard, field]
            book[s, left, CANCEL] = arrive_us
        book[s, guard, STATUS] = NONE
    counts[EXITS] += 1
    _send(at, s, EXIT, -1 if held.qty[s] > 0 else 1, size, arrive_us, book, counts)
    return True


@compiled_inside
def _enter(
    at: int,
    s: int,
    sign: int,
    size: int,
    market: MarketArrays,
    venue: InstrumentArrays,
    held: Held,
    totals: Ints,
    book: Ints,
    counts: Ints,
) -> bool:
    """Send an entry and what guards it; False where the venue may refuse one of them."""
    terms, asked, arrive_us = venue.terms, venue.asked, market.close_us[at] + venue.model.latency_us
    if not _admitted(s, sign, size, terms, held, venue.brackets, totals, book):
        return False
    _send(at, s, ENTRY, sign, size, arrive_us, book, counts)
    counts[ENTRIES] += 1
    for kind in range(len(asked.distances)):
        distance, guard = asked.distances[kind, s, at], STOP + kind
        if distance > 0.0:
            if distance >= FARTHEST or book[s, guard, STATUS] != NONE:
                return False
            _send(at, s, guard, -sign, size, arrive_us, book, counts)
            base, away = market.rows[CLOSE, s, at], (sign if guard == TAKE else -sign)
            if guard == TRAIL:
                base, away = 0, 1
            book[s, guard, LEVEL] = tick_price(base, distance, away, terms.tick[s])
    return True


@compiled_inside
def _admitted(
    s: int, sign: int, size: int, terms: Terms, held: Held, brackets: Brackets, totals: Ints, book: Ints
) -> bool:
    """Whether the venue takes an entry (`admission`), the orders of symbols before it being there already."""
    value, now = notional(size, held.last[s]), notional(held.qty[s], held.mark[s])
    after = max(abs(now), abs(now + sign * value))
    if after <= abs(now):
        return True
    free = free_balance(s, held, totals)
    for other in range(len(held.qty)):
        entry = book[other, ENTRY]
        if other != s and entry[STATUS] != NONE:
            now = notional(held.qty[other], held.mark[other])
            opening = notional(entry[QTY] - entry[FILLED], held.last[other])
            reach = max(abs(now), abs(now + entry[SIGN] * opening))
            free -= max(0, over(reach, held.leverage[other]) - initial_margin(other, held))
    needed = over(after, held.leverage[s]) + mul_div_ceil(value, terms.taker_fee[s], SCALE)
    return allowed(s, after, held, brackets) and needed <= free
