"""Counting what a run's signals came to, the same by every engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tradewire.ports.activity import Activity, WaitingOrder
from tradewire.ports.backtest import LIQUIDATION, MarketHistory
from tradewire.ports.events import OrderIntent, OrderLeg, RiskDecision, RuleOutcome
from tradewire.trading.exchange import ExpireReason, RejectReason
from tradewire.trading.language import INTERVALS_US, EvaluationArrays
from tradewire.trading.language.evaluation import WITHHELD

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

ADL = "ADL"
"""Leg of a fill by which the venue reduced a profitable position to cover another account's loss."""
ANSWERED = frozenset({RiskDecision.APPROVED, RiskDecision.REFUSED})
"""Answers to a signal that asked for anything."""

FOLLOWS_ENTRY = frozenset({RejectReason.UNKNOWN_PARENT.value, ExpireReason.PARENT_CLOSED.value})
"""Reasons of protective orders that end because their entry did, which is counted by itself."""


class AnyAssessment(Protocol):
    """An answer to a signal: `Decision` and `RiskAssessed`."""

    @property
    def decision(self) -> RiskDecision:
        """The answer."""

    @property
    def intents(self) -> Sequence[OrderIntent]:
        """Orders that are sent."""

    @property
    def rules(self) -> Sequence[RuleOutcome]:
        """Every rule that was judged, in order."""


@dataclass(slots=True)
class Counts:
    """What became of a run's signals so far; in the terms of `Activity`."""

    answered: int = 0
    entries: int = 0
    exits: int = 0
    cut: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)

    def take_rejected(self, reason: str) -> None:
        """Count an order that the venue did not take."""
        if reason not in FOLLOWS_ENTRY:
            self.rejected[reason] += 1

    def take_expired(self, reason: str) -> None:
        """Count an order that the venue took and ended by itself."""
        if reason not in FOLLOWS_ENTRY:
            self.expired[reason] += 1

    def take(self, answer: AnyAssessment) -> bool:
        """Count an answer; whether an entry is among its orders."""
        self.answered += answer.decision in ANSWERED
        legs = [intent.leg for intent in answer.intents]
        self.exits += OrderLeg.EXIT in legs
        self.entries += OrderLeg.ENTRY in legs
        broken = next((rule.rule for rule in answer.rules if not rule.passed), None)
        if broken is not None:
            self.refused[broken] += 1
        return OrderLeg.ENTRY in legs


def activity_of(
    counts: Counts,
    markets: Sequence[MarketHistory],
    *,
    answers: Iterable[EvaluationArrays],
    signals: int,
    payments: int,
    venue_fills: Mapping[str, int],
    waiting: Iterable[WaitingOrder],
) -> Activity:
    """The activity of a run over these markets.

    ``answers``: of the strategy to the bars of each market; ``signals``: those that could be acted on; ``payments``: of
    funding; ``venue_fills``: fills of the venue's own orders, by leg; ``waiting``: entries and exits open at the end.
    """
    not_ready, withheld = _without_entries(answers)
    settlements = sum(int(np.count_nonzero(m.funding_rate)) for m in markets if m.funding_rate is not None)
    return Activity(
        bars=sum(map(len, markets)),
        bars_not_ready=not_ready,
        entries_withheld=withheld,
        signals=signals,
        signals_ignored=signals - counts.answered,
        entries=counts.entries,
        exits=counts.exits,
        entries_cut=counts.cut,
        refused=_sorted(counts.refused),
        rejected=_sorted(counts.rejected),
        expired=_sorted(counts.expired),
        liquidations=venue_fills.get(LIQUIDATION, 0),
        adl=venue_fills.get(ADL, 0),
        data_ended_us=_ended(markets),
        settlements_without_position=settlements - payments,
        waiting=tuple(sorted(waiting)),
    )


def _without_entries(answers: Iterable[EvaluationArrays]) -> tuple[int, dict[str, int]]:
    """Bars at which the strategy was not ready; entries withheld, by reason."""
    not_ready, codes = 0, np.zeros(len(WITHHELD), dtype=np.int64)
    for answer in answers:
        not_ready += len(answer) - int(np.count_nonzero(answer.ready))
        codes += np.bincount(answer.withheld, minlength=len(WITHHELD))
    named = zip(WITHHELD, codes.tolist(), strict=True)
    return not_ready, _sorted(Counter({reason.value: count for reason, count in named if reason and count}))


def count_refusals(refused: Counter[str], rules: IntArray, names: Sequence[str]) -> None:
    """Add refusals that a compiled loop wrote: by each of the rules' numbers, which are below 0."""
    for place, count in enumerate(np.bincount(-1 - rules, minlength=len(names)).tolist()):
        if count:
            refused[names[place]] += count


def _sorted(counter: Counter[str]) -> dict[str, int]:
    """The most frequent first, then by name."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def _ended(markets: Sequence[MarketHistory]) -> dict[str, int]:
    """Close of the last bar of each market that ends before another."""
    last = {m.symbol: int(m.open_time_us[-1]) + INTERVALS_US[m.interval] for m in markets if len(m)}
    end = max(last.values(), default=0)
    return {symbol: close_us for symbol, close_us in sorted(last.items()) if close_us < end}
