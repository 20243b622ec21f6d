"""What the signals of a run by the futures engine came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tradewire.backtest.activity import Counts, activity_of, count_refusals
from tradewire.backtest.futures.arrays import ANSWERED, CUT, ENTRIES, EXITS, NOTHING_LEFT, REFUSALS, LogArrays
from tradewire.backtest.futures.coverage import place_of
from tradewire.backtest.futures.decisions import Answers
from tradewire.backtest.futures.log import LEG, LEGS, Log
from tradewire.backtest.futures.open_orders import ENTRY, EXIT
from tradewire.backtest.loops.refusals import RULES
from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.backtest import MarketHistory
from tradewire.ports.events import OrderLeg
from tradewire.trading.exchange import ExpireReason
from tradewire.trading.exchange.orders import Order


def count_passed(counts: Counts, tape: LogArrays) -> None:
    """Add what the signals that the compiled loop answered came to."""
    passed = tape.counts.tolist()
    counts.answered += passed[ANSWERED]
    counts.entries += passed[ENTRIES]
    counts.exits += passed[EXITS]
    counts.cut += passed[CUT]
    if passed[REFUSALS]:
        count_refusals(counts.refused, tape.refusals[: passed[REFUSALS], 2], RULES)
    if passed[NOTHING_LEFT]:
        counts.expired[ExpireReason.REDUCE_ONLY_NO_POSITION.value] += passed[NOTHING_LEFT]


def activity_of_run(
    markets: Sequence[MarketHistory], answers: Sequence[Answers], log: Log, left: Iterable[Order]
) -> Activity:
    """The activity of a finished run; ``left``: orders that are open at its end."""
    legs = np.bincount(log.fills.matrix()[:, LEG], minlength=len(LEGS)).tolist()
    return activity_of(
        log.decider.counts,
        markets,
        answers=[answer.arrays for answer in answers],
        signals=sum(int(np.count_nonzero(answer.signal)) for answer in answers),
        payments=len(log.payments.matrix()),
        venue_fills=Counter(dict(zip(LEGS, legs, strict=True))),
        waiting=_waiting(left),
    )


def _waiting(orders: Iterable[Order]) -> Iterator[WaitingOrder]:
    for order in orders:
        place = place_of(order)
        if place in (ENTRY, EXIT):
            leg = OrderLeg.ENTRY if place == ENTRY else OrderLeg.EXIT
            yield WaitingOrder(order.request.symbol, leg.value, order.request.qty_e8, order.filled_e8)
