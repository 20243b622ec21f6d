"""Which steps may be answered: those of bars that are there. Risk reads no candles, so it goes by what it knows.

An account state of a step's time or later says that the bar happened. Without one, a step is answered only if nobody
asks for a trade there and it is the next one that the account owes: a replay goes on ahead of execution, bar by bar,
and nothing jumps ahead of the market. Where the evaluations of bars are lost, execution stands at the first of them
until risk answers a later one: then a step is answered when the evaluations behind it show that the market moved on.
"""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.waiting import WaitingEvaluation
from tradewire.trading.roster import Roster, Stream, Subscription, slot_us

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
        """Is a bar known to have closed at the time of a step, or due there next, or has the market moved past it?"""
        state = account.newest_state
        known_us = max(EPOCH_US, account.answered_until_us, state.event_time_us if state is not None else -1)
        if step_us <= known_us:
            return True
        owed = self._roster.owed(account.account_id, step_us - 1, known_us)
        return all(
            has_passed(account, step_us, item.stream, bars_between(item, after_us=known_us, until_us=close_us))
            for item, close_us in owed
        )


def bars_between(subscription: Subscription, *, after_us: int, until_us: int) -> int:
    """How many bars a stream owes that close behind ``after_us``, up to one that closes at ``until_us``."""
    before_us = slot_us(max(after_us, subscription.begins_us - 1), subscription.interval_us)
    return (until_us - before_us) // subscription.interval_us


def has_passed(account: RiskAccount, step_us: int, stream: Stream, missing: int) -> bool:
    """Will nothing come of the ``missing`` bars that a stream owes before a step?

    Nothing comes behind a stream's end, nor before its beginning. Else the account must stand at a bar that nobody
    answered, and as many evaluations of the stream as bars are missing must be of later bars and candles than its
    first one from the step on, and read behind it: what jumps n bars takes n records that agree with it. A mark that
    the stream ends there counts for one more, as nobody writes any behind it.
    """
    state = account.newest_state
    if stream in account.ended:
        return True
    if stream not in account.answered_us and stream not in account.steps[step_us]:
        return any(stream in step for step in account.steps.values())
    if state is None or state.event_time_us <= account.answered_until_us or missing > len(account.steps):
        return False
    waiting = [account.steps[at_us][stream] for at_us in sorted(account.steps) if stream in account.steps[at_us]]
    agreeing = [item for item in waiting if item is waiting[0] or item.agrees_with(waiting[0])]
    ends = any(item.event.last_of_stream for item in agreeing)
    return bool(agreeing) and len(agreeing) - 1 + ends >= missing
