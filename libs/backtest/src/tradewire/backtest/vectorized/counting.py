"""What the signals of a run by the vectorized engine came to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tradewire.backtest.activity import Counts, activity_of
from tradewire.backtest.loops.refusals import RULES
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.state import ANSWERED, CUT, LEFT, REFUSALS, SENT
from tradewire.ports.activity import Activity
from tradewire.trading.language import CompiledStrategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


def activity_of_book(
    strategy: CompiledStrategy, markets: Markets, book: IntArray, *, signals: int, payments: int
) -> Activity:
    """The activity of a run, from the account's book at its end."""
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
    )
