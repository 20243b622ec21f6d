"""Which steps may be answered: those of bars that are there. Risk reads no candles, so it goes by what it knows.

An account state of a step's time or later says that the bar happened. Without one, a step is answered only if nobody
asks for a trade there and it is the next one that the account owes: a replay goes on ahead of execution, bar by bar,
and nothing jumps ahead of the market. Where the evaluations of bars are lost, execution stands at the first of them:
then each such bar is refused, when the evaluations behind it show that the market moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.waiting import WaitingEvaluation
from tradewire.trading.refused_bars import RefusedBars
from tradewire.trading.roster import Roster, Stream, Subscription, slot_us

EPOCH_US = 0
"""No bar closes before."""
Owed = Iterator[tuple[Subscription, int]]
"""Streams, each with the close of a bar that it owes."""


def waiting_us(account: RiskAccount) -> int | None:
    """Event time of what an account waits with: its oldest step or, without one, the oldest state kept for a step."""
    if account.oldest_us is not None:
        return account.oldest_us
    return account.states[0].event.event_time_us if account.states else None


class ClosedBars:
    """``roster``: who is in force, as it is at each call; ``refused``: an account's bars that were refused alone."""

    def __init__(self, roster: Roster, refused: Callable[[str], RefusedBars]) -> None:
        self._roster, self._refused = roster, refused

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
        owed = self._roster.owed(account.account_id, time_us, account.answered_until_us)
        return account.owing(self._due(account, owed))

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
        """Is a bar known to have closed at the time of a step, or due there next, behind one that was answered?"""
        state = account.newest_state
        state_us = state.event_time_us if state is not None else -1
        if step_us <= max(account.answered_until_us, state_us):
            return True
        known_us = max(EPOCH_US, account.answered_until_us, state_us - 1)
        owed = self._due(account, self._roster.owed(account.account_id, step_us - 1, known_us))
        return all(owes_nothing(account, step_us, item.stream) for item, _ in owed)

    def lost(self, account: RiskAccount) -> list[Subscription]:
        """Streams whose bar, at which execution stands, nobody evaluated: see ``is_lost``.

        Execution stands there where its newest state is of a bar that has no step, and whose evaluations are all lost.
        """
        oldest_us, at_us = account.oldest_us, account.states[-1].event.event_time_us if account.states else -1
        if oldest_us is None or not account.answered_until_us < at_us < oldest_us or at_us in account.recorded:
            return []
        owed = self._roster.owed(account.account_id, at_us, at_us - 1)
        due = [item for item, _ in self._due(account, owed) if item.stream not in account.ended]
        return due if all(is_lost(account, item, at_us) for item in due) else []

    def released(self, account: RiskAccount) -> list[Subscription]:
        """Streams whose evaluations of the bar at which execution stands are missing, where an operator goes on."""
        at_us = account.states[-1].event.event_time_us if account.states else -1
        if at_us not in account.released or at_us in account.recorded or at_us <= account.answered_until_us:
            return []
        owed, here = self._roster.owed(account.account_id, at_us, at_us - 1), account.steps.get(at_us, ())
        return [item for item, _ in self._due(account, owed) if item.stream not in here]

    def _due(self, account: RiskAccount, owed: Owed) -> Owed:
        """Without bars that did not come, and without those that were refused outside their steps: for neither comes
        an evaluation, or another answer.
        """
        refused = self._refused(account.account_id)
        for item, close_us in owed:
            alone = (item.stream.strategy_id, item.stream.symbol, item.version) in refused.at(close_us)
            if not alone and not account.absent.has(item.stream, close_us):
                yield item, close_us


def owes_nothing(account: RiskAccount, step_us: int, stream: Stream) -> bool:
    """Does a stream owe no bar before a step? Nothing comes behind its end, nor before its beginning."""
    if stream in account.ended:
        return True
    if stream in account.answered_us or stream in account.steps[step_us]:
        return False
    return any(stream in step for step in account.steps.values())


def is_lost(account: RiskAccount, item: Subscription, at_us: int) -> bool:
    """Will no evaluation come of a stream's bar at ``at_us``, where execution stands?

    The evaluation read last is of a later bar; one of an earlier bar tells that lost ones are being replayed. Where
    more bars are missing between the two, as many evaluations of the stream must agree with it, of later bars and
    candles, and read behind it: what jumps n bars takes n records that agree. A mark that the stream ends there counts
    for one more, as nobody writes any behind it.
    """
    steps = (account.steps[time_us] for time_us in sorted(account.steps))
    waiting = [step[item.stream] for step in steps if item.stream in step]
    if not waiting or account.newest_us[item.stream] <= at_us:
        return False
    missing = (slot_us(waiting[0].event.event_time_us, item.interval_us) - at_us) // item.interval_us - 1
    agreeing = [one for one in waiting[1:] if one.agrees_with(waiting[0])]
    ends = any(one.event.last_of_stream for one in (waiting[0], *agreeing))
    return len(agreeing) + ends >= missing
