"""Which steps may be answered: those of bars that are there. Risk reads no candles, so it goes by what it knows.

An account state of a step's time or later says that the bar happened. Without one, a step is answered only if nobody
asks for a trade there and it is the next one that the account owes: a replay goes on ahead of execution, bar by bar,
and nothing jumps ahead of the market.
"""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.waiting import WaitingEvaluation
from tradewire.trading.roster import Roster, Stream

EPOCH_US = 0
"""No bar closes before."""


def waiting_us(account: RiskAccount) -> int | None:
    """Event time of what an account waits with: its oldest step or, without one, the oldest state kept for a step."""
    if account.oldest_us is not None:
        return account.oldest_us
    return account.states[0].event.event_time_us if account.states else None


class ClosedBars:
    """``roster``: who is in force, as it is at each call."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def may_trade(self, waiting: WaitingEvaluation) -> bool:
        """Does an evaluation ask for a trade on a bar that its strategy decides on?"""
        return waiting.signals and self._roster.owes(waiting.event)

    def owes(self, account: RiskAccount, step_us: int) -> bool:
        """Does anybody decide on the bar of a step?"""
        return any(self._roster.owes(waiting.event) for waiting in account.steps[step_us].values())

    def owing(self, account: RiskAccount) -> Iterator[Stream]:
        """Streams whose evaluations the account waits for: see ``waiting_us``."""
        time_us = waiting_us(account)
        return self._owing_until(account, -1 if time_us is None else time_us)

    def _owing_until(self, account: RiskAccount, time_us: int) -> Iterator[Stream]:
        return account.owing(self._roster.owed(account.account_id, time_us, account.answered_until_us))

    def settle(self, account: RiskAccount) -> None:
        """Take in states on which no evaluation is still to be answered: of answered steps, or of bars that owe none.

        Else they would be kept, and read again after a restart, until some later bar.
        """
        until_us = account.answered_until_us
        if not account.steps and not account.recorded:
            for time_us in (kept.event.event_time_us for kept in account.states):
                if time_us > until_us and next(self._owing_until(account, time_us), None) is not None:
                    break
                until_us = max(until_us, time_us)
        account.absorb(until_us)

    def has(self, account: RiskAccount, step_us: int) -> bool:
        """May a step be answered that lacks no evaluation?"""
        if step_us <= account.answered_until_us:
            return True
        if any(map(self.may_trade, account.steps[step_us].values())):
            return account.state_as_of(step_us) is not None
        return self.follows(account, step_us)

    def follows(self, account: RiskAccount, step_us: int) -> bool:
        """Is a bar known to have closed at the time of a step, or due there next?"""
        state = account.newest_state
        known_us = max(EPOCH_US, account.answered_until_us, state.event_time_us if state is not None else -1)
        if step_us <= known_us:
            return True
        between = self._roster.owed(account.account_id, step_us - 1, known_us)
        return next(between, None) is None
