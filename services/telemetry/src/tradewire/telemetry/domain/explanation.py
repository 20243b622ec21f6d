"""Why there was a trade, or none: the parts of the answer, as far as memory and the log store have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from tradewire.ports.events import GapDetected, RiskAssessed, StrategyEvaluated
from tradewire.ports.intervals import INTERVALS_US
from tradewire.telemetry.domain.bar_history import BarHistory, SeriesKey
from tradewire.telemetry.domain.seen import Seen
from tradewire.trading.language import (
    CompiledStrategy,
    Evaluation,
    StrategyErrors,
    compile_strategy,
    parse_strategy,
)
from tradewire.trading.verdict import OrderStory

COMPILED_KEPT = 64


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """The chain of one decision; a link that is not known any more is None, and ``unknown`` says so in sentences.

    ``time_us``: event time of the bar; ``rules``: the strategy's rules evaluated once more on what it saw.
    """

    question: str
    verdict: str
    strategy_id: str
    venue: str
    symbol: str
    interval: str | None
    time_us: int
    bar: Mapping[str, float] | None = None
    evaluation: Seen[StrategyEvaluated] | None = None
    rules: Evaluation | None = None
    assessment: Seen[RiskAssessed] | None = None
    orders: tuple[OrderStory, ...] = ()
    gaps: tuple[GapDetected, ...] = ()
    unknown: tuple[str, ...] = ()


def bar_at(history: BarHistory, key: SeriesKey, time_us: int) -> Mapping[str, float] | None:
    """The bar that closed at a time, as it is in memory."""
    series = history.bars.get(key)
    return series.at(time_us) if series is not None else None


def evaluated_again(document: str, history: BarHistory, event: StrategyEvaluated) -> Evaluation | None:
    """The rules on the values of then, which are what was decided on: None where memory does not have them any more."""
    compiled = _compiled(document)
    series = history.values.get((event.venue, event.symbol, event.interval))
    values = _finite(series.at(event.event_time_us)) if series is not None else None
    if compiled is None or series is None or values is None:
        return None
    previous = _finite(series.before(event.event_time_us)) or {}
    again = compiled.evaluate(values, previous)
    return again if again.signal.value == event.signal.value else None  # the bar before is not in memory any more


def _finite(row: Mapping[str, float] | None) -> dict[str, float | None] | None:
    if row is None:
        return None
    return {name: value if isfinite(value) else None for name, value in row.items()}


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(document: str) -> CompiledStrategy | None:
    try:
        return compile_strategy(parse_strategy(document))
    except StrategyErrors:
        return None


def covering(gaps: Iterable[Seen[GapDetected]], key: SeriesKey, time_us: int) -> tuple[GapDetected, ...]:
    """The faults of a series' data around a time."""
    venue, symbol, interval = key
    around = INTERVALS_US[interval]
    found = (seen.event for seen in gaps)
    return tuple(
        gap
        for gap in found
        if (gap.venue, gap.symbol, gap.interval) == (venue, symbol, interval)
        and (gap.event_time_us if gap.after_us is None else gap.after_us) - around <= time_us
        and time_us <= (gap.event_time_us if gap.before_us is None else gap.before_us) + around
    )
