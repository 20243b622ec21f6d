"""Where in a sweep markets are not traded, as they have no bars there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tradewire.backtest.data.errors import iso_of
from tradewire.backtest.sweeps.plan import SweepPlan
from tradewire.backtest.sweeps.spans import Window
from tradewire.backtest.sweeps.tasks import SweepSpan
from tradewire.ports.backtest import MarketHistory


def absences(plan: SweepPlan, windows: Sequence[Window]) -> Iterator[str]:
    """A sentence for each market without bars at all, on the bars searched, in the held-out end, or in a window."""
    for market in plan.request.markets:
        if not len(market):
            yield f"{market.symbol} has no bar in the whole sweep, and is not traded"
        elif where := list(_where(plan, windows, market)):
            first, last = iso_of(int(market.open_time_us[0])), iso_of(int(market.open_time_us[-1]))
            said = f"{market.symbol} has no bar in {', in '.join(where)}, and is not traded there"
            yield f"{said}: its bars open from {first} to {last}"


def _where(plan: SweepPlan, windows: Sequence[Window], market: MarketHistory) -> Iterator[str]:
    if not has_bars(market, plan.searched):
        yield "the bars searched"
    if plan.window is not None and not has_bars(market, plan.window.test):
        yield "the held-out end"
    for name, spans in (("trainings", [one.train for one in windows]), ("tests", [one.test for one in windows])):
        if lacking := sum(not has_bars(market, span) for span in spans):
            yield f"{lacking:,} of {len(spans):,} {name}"


def has_bars(market: MarketHistory, span: SweepSpan) -> bool:
    """Whether the market has a bar in the span."""
    first, end = np.searchsorted(market.open_time_us, [span.begin_us, span.end_us])
    return bool(first < end)
