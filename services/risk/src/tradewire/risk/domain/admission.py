"""Which evaluations enter an account's join: those of bars that a version in force decides on.

Any other would be waited for, or waited with, by nobody else: it is refused at once, outside the steps (step_size 0),
and nothing of the account changes. One of a version that is not known is kept aside first, see ``unknown_versions``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from tradewire.ports.events import RiskAssessed, RiskDecision, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.risk.domain.account import RiskAccount, WaitingEvaluation
from tradewire.risk.domain.assessments import assessed
from tradewire.risk.domain.flattening import refused_as_ended
from tradewire.trading.pending_offsets import PendingOffsets
from tradewire.trading.roster import Roster
from tradewire.trading.unknown_versions import UnknownVersions


class Admitted(Enum):
    """What becomes of an evaluation. ``KEPT``: its version is not known; ``STANDS``: it was refused before."""

    JOINS = auto()
    REFUSED = auto()
    KEPT = auto()
    STANDS = auto()


class Admission:
    """``roster``: who is in force, as it is at each call."""

    def __init__(self, roster: Roster, pending: PendingOffsets) -> None:
        self._roster = roster
        self.unknown: UnknownVersions[StrategyEvaluated] = UnknownVersions(roster.knows, pending)
        self._refused: set[str] = set()

    def judge(
        self,
        event: StrategyEvaluated,
        envelope: Envelope,
        account: RiskAccount | None,
        recorded: Iterable[RiskAssessed],
    ) -> Admitted:
        """``account``: its account, if it is known; ``recorded``: answers on the topic, of one that is not."""
        if envelope.event_id in self._refused:
            return Admitted.STANDS
        if not self._roster.knows(event.strategy_id, event.config_version):
            self.unknown.keep(event, envelope)
            return Admitted.KEPT
        if self._roster.owes(event):
            return Admitted.JOINS
        if account is None:
            was_answered = any(answer.evaluation_id == envelope.event_id for answer in recorded)
        else:
            was_answered = account.has_answered(event) or account.is_recorded(envelope.event_id)
        return Admitted.JOINS if was_answered else Admitted.REFUSED

    def holds_up(self, account: RiskAccount) -> bool:
        """Is a bar up to the oldest step one of a version that is not known? The answer tells who else decides."""
        first_us = self.unknown.first_us(account.account_id)
        return first_us is not None and account.oldest_us is not None and first_us <= account.oldest_us

    def published(self, answer: RiskAssessed) -> None:
        """An answer outside the steps is on the topic: a refusal stands."""
        if answer.decision is RiskDecision.REFUSED:
            self._refused.add(answer.evaluation_id)


def refused_alone(event: StrategyEvaluated, envelope: Envelope) -> Emit:
    """The answer to an evaluation of a bar that nobody decides on."""
    return assessed(WaitingEvaluation(event, envelope), refused_as_ended(event), None, 0, 0, late=False)
