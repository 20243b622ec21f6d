"""What the signals of a run by the vectorized engine came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tradewire.backtest.activity import Counts, activity_of
from tradewire.backtest.loops.refusals import RULES
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.state import (
    ANSWERED,
    CUT,
    LEFT,
    PENDING_EXIT,
    PENDING_QTY,
    PENDING_SIDE,
    QTY,
    REFUSALS,
    SENT,
)
from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.events import OrderLeg
from tradewire.trading.language import CompiledStrategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


def activity_of_book(
    strategy: CompiledStrategy, markets: Markets, book: IntArray, state: IntArray, *, signals: int, payments: int
) -> Activity:
    """The activity of a run, from the account's book and the symbols' states at its end."""
    counted = book.tolist()
    refused = {rule: count for rule, count in zip(RULES, counted[REFUSALS:], strict=True) if count}
    counts = Counts(counted[ANSWERED], counted[SENT], counted[LEFT], counted[CUT], Counter(refused))
    leads = markets.lead.tolist()
    return activity_of(
        counts,
        markets.histories,
        answers=(strategy.evaluate_array(bars).since(lead) for bars, lead in zip(markets.seen, leads, strict=True)),
        signals=signals,
        payments=payments,
        venue_fills={},
        waiting=_waiting(markets, state),
    )


def _waiting(markets: Markets, state: IntArray) -> Iterator[WaitingOrder]:
    """What would act at the next opens."""
    for symbol, row in zip(markets.symbols, state.tolist(), strict=True):
        if row[PENDING_EXIT]:
            yield WaitingOrder(symbol, OrderLeg.EXIT.value, abs(row[QTY]), 0)
        if row[PENDING_SIDE]:
            yield WaitingOrder(symbol, OrderLeg.ENTRY.value, row[PENDING_QTY], 0)
