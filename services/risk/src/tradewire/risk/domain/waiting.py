"""What an account has read and not used yet."""

from __future__ import annotations

from typing import NamedTuple

from tradewire.ports.events import AccountStateChanged, Signal, StrategyEvaluated
from tradewire.ports.message import Envelope


class WaitingEvaluation(NamedTuple):
    """An evaluation that has not been answered."""

    event: StrategyEvaluated
    envelope: Envelope

    @property
    def signals(self) -> bool:
        """Does it ask for a trade?"""
        return self.event.signal is not Signal.HOLD

    def precedes(self, other: WaitingEvaluation) -> bool:
        """Was it read before the other one, of the same partition?"""
        mine, others = self.envelope, other.envelope
        return mine.partition == others.partition and mine.offset < others.offset


class BufferedState(NamedTuple):
    """An account state that no answer has used yet."""

    event: AccountStateChanged
    envelope: Envelope
