"""Which evaluations enter an account's join: those of bars that a version in force decides on.

Any other would be waited for, or waited with, by nobody else: it is refused at once, outside the steps (step_size 0),
and nothing of the account changes. So is one whose bar its stream has gone past without it, a second one of a bar, and
one that is ahead of its market: it names the candle of an earlier bar, or was read before one of an earlier bar.
One of a version that is not known is kept aside first, see ``unknown_versions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum, auto
from typing import TypeVar

from tradewire.ports.events import RiskAssessed, RiskDecision, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.assessments import assessed, refused_lost
from tradewire.risk.domain.refusals import (
    BAR_CLOSED,
    refused_as_ahead,
    refused_as_ended,
    refused_as_late,
    refused_as_replayed,
    refused_as_second,
    refused_as_skipped,
)
from tradewire.risk.domain.waiting import WaitingEvaluation
from tradewire.trading.assessment.assess import Decision
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.refused_bars import BAR_EVALUATED, RefusedBars
from tradewire.trading.roster import Roster, Subscription
from tradewire.trading.unknown_versions import UnknownVersions

K = TypeVar("K")
NO_BARS = RefusedBars()
REFUSED_MAX = 100_000
"""Refusals that are remembered, so that each is said once."""


class Admitted(Enum):
    """What becomes of an evaluation. ``KEPT``: its version is not known; ``STANDS``: it was answered before."""

    JOINS = auto()
    KEPT = auto()
    STANDS = auto()


class Admission:
    """``roster``: who is in force, as it is at each call."""

    def __init__(self, roster: Roster, pending: PendingOffsets) -> None:
        self._roster = roster
        self.unknown: UnknownVersions[StrategyEvaluated] = UnknownVersions(roster.knows, pending)
        self._refused: dict[tuple[str, int], None] = {}
        self._ahead: dict[tuple[str, int], None] = {}
        self._lost: dict[tuple[str, str, str, int], None] = {}
        self._refused_bars: dict[str, RefusedBars] = {}

    def judge(
        self,
        event: StrategyEvaluated,
        envelope: Envelope,
        account: RiskAccount | None,
        recorded: Iterable[RiskAssessed],
    ) -> Admitted | Emit:
        """What becomes of it, or its refusal.

        ``account``: its account, if it is known; ``recorded``: answers on the topic, of one that is not.
        """
        key = envelope.event_id
        if account is not None and account.has_gone_past(event, key):
            return Admitted.STANDS
        if self._roster.owes_elsewhere(event):
            answered = False  # a copy under the id of the real one, at another interval, is in no step
        elif account is not None:
            answered = account.is_recorded(key, event.event_time_us)
        else:
            answered = (key, event.event_time_us) in {(a.evaluation_id, a.event_time_us) for a in recorded}
        if not answered and account is not None and account.candles.belie(event):
            return Admitted.STANDS if self._is_known_ahead(event, key) else self.refuse_ahead(event, envelope)
        if not answered and self._is_known_ahead(event, key):
            return Admitted.STANDS
        decision = None if answered else self._refusal(event, key, account)
        if decision is None and (answered or self._roster.knows(event.strategy_id, event.config_version)):
            return Admitted.JOINS
        if (key, event.config_version) in self._refused:
            return Admitted.STANDS
        if decision is None:
            self.unknown.keep(event, envelope)
            return Admitted.KEPT
        return self._refused_alone(event, envelope, decision)

    def _refusal(self, event: StrategyEvaluated, key: str, account: RiskAccount | None) -> Decision | None:
        """Why an evaluation enters no join, if it does not; None where that is not known, either."""
        if not self._roster.knows(event.strategy_id, event.config_version):
            return None
        if self._roster.owes_elsewhere(event):
            return refused_as_second(event)
        if not self._roster.owes(event):
            return refused_as_ended(event)
        if account is not None and account.has_answered(event):
            return refused_as_late(event, account.answered_until_us)
        if (event.account_id, event.strategy_id, event.symbol, event.event_time_us) in self._lost:
            return refused_as_replayed(event)
        if account is not None and account.has_another(event, key):
            return refused_as_second(event)
        return None

    def refuse(self, event: StrategyEvaluated, envelope: Envelope) -> Emit:
        """The answer to an evaluation of a bar that nobody decides on."""
        return self._refused_alone(event, envelope, refused_as_ended(event))

    def skip(self, event: StrategyEvaluated, envelope: Envelope, account: RiskAccount | None) -> Iterator[Emit]:
        """The answer to an evaluation that an operator had passed over, unless it was answered before."""
        key, time_us = envelope.event_id, event.event_time_us
        if account is not None and (account.has_gone_past(event, key) or account.is_recorded(key, time_us)):
            return
        if (key, event.config_version) not in self._refused:
            yield self._refused_alone(event, envelope, refused_as_skipped())

    def refused_bars(self, account_id: str) -> RefusedBars:
        """Bars of an account that were refused outside their steps."""
        return self._refused_bars.get(account_id, NO_BARS)

    def refuse_lost(self, account: RiskAccount, lost: Iterable[Subscription]) -> Iterator[Emit]:
        """The answers to bars at the newest account state of which no evaluation was read."""
        for item in lost:
            answer = refused_lost(account.states[-1], item)
            self._note_bar(answer.event)
            yield answer

    def refuse_step(self, account: RiskAccount, step_us: int) -> Iterator[Emit]:
        """The answers to evaluations of a step that wait for a bar that nobody decides on any more."""
        for stream in sorted(account.steps[step_us]):
            yield self.refuse(*account.leave_out(step_us, stream))

    def refuse_overtaken(self, account: RiskAccount) -> Iterator[Emit]:
        """The answers to evaluations that were read before one of an earlier bar, which belies them."""
        overtaken, account.overtaken = account.overtaken, []
        for event, envelope in overtaken:
            if not self._is_known_ahead(event, envelope.event_id):  # another one of this id was answered
                yield self.refuse_ahead(event, envelope)

    def refuse_ahead(self, event: StrategyEvaluated, envelope: Envelope) -> Emit:
        """The answer to an evaluation of a bar that its market had not come to."""
        self._remember(self._ahead, (envelope.event_id, event.event_time_us))
        answer = assessed(WaitingEvaluation(event, envelope), refused_as_ahead(event), None, 0, 0, late=False)
        return replace(answer, ordinal=f"ahead {event.config_version} {event.event_time_us}")

    def _is_known_ahead(self, event: StrategyEvaluated, key: str) -> bool:
        return (key, event.event_time_us) in self._ahead

    def _refused_alone(self, event: StrategyEvaluated, envelope: Envelope, decision: Decision) -> Emit:
        self._remember(self._refused, (envelope.event_id, event.config_version))
        answer = assessed(WaitingEvaluation(event, envelope), decision, None, 0, 0, late=False)
        self._note_bar(answer.event)
        return replace(answer, ordinal=f"version {event.config_version}")

    def _note_bar(self, answer: Event) -> None:
        assert isinstance(answer, RiskAssessed), "it was refused"
        self._refused_bars.setdefault(answer.account_id, RefusedBars()).add(answer)
        if any(outcome.rule == BAR_EVALUATED for outcome in answer.rules):
            bar = (answer.account_id, answer.strategy_id, answer.symbol, answer.event_time_us)
            self._remember(self._lost, bar)

    def holds_up(self, account: RiskAccount) -> bool:
        """Is a bar up to the oldest step one of a version that is not known? The answer tells who else decides."""
        first_us = self.unknown.first_us(account.account_id)
        return first_us is not None and account.oldest_us is not None and first_us <= account.oldest_us

    def published(self, answer: RiskAssessed) -> None:
        """An answer outside the steps is on the topic: a refusal stands."""
        if answer.decision is not RiskDecision.REFUSED:
            return
        self._note_bar(answer)
        if any(outcome.rule == BAR_CLOSED for outcome in answer.rules):
            self._remember(self._ahead, (answer.evaluation_id, answer.event_time_us))
        else:
            self._remember(self._refused, (answer.evaluation_id, answer.config_version))

    @staticmethod
    def _remember(refused: dict[K, None], key: K) -> None:
        """Evaluations of one bar by several versions have one id: of each the first answer stands, unless its bar comes
        to be decided on. One that was ahead of its market is known by its bar.
        """
        refused[key] = None
        if len(refused) > REFUSED_MAX:
            del refused[next(iter(refused))]
