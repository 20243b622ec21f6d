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

    def names_a_later_candle(self, other: WaitingEvaluation) -> bool:
        """Is its candle behind the other one's? Those of two venues have no order, and count as later."""
        return self.event.venue != other.event.venue or self.event.candle_offset > other.event.candle_offset

    def agrees_with(self, earlier: WaitingEvaluation) -> bool:
        """Is it, of a later bar of the stream, written as a service does that reads on: behind, of a later candle?"""
        return earlier.precedes(self) and self.names_a_later_candle(earlier)

    def belied_by(self, answered: WaitingEvaluation) -> bool:
        """Is it, of a later bar of the stream, one that no service wrote?

        It was read before the one that was answered and names no later candle, or the stream ended with that one. One
        that names a later candle stands: the other may have been a dead letter that was replayed.
        """
        is_possible = self.names_a_later_candle(answered) and not answered.event.last_of_stream
        return self.precedes(answered) and not is_possible


class BufferedState(NamedTuple):
    """An account state that no answer has used yet."""

    event: AccountStateChanged
    envelope: Envelope
