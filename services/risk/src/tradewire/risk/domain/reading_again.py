"""What stands on risk's own topic and in no saved state, while what it was given on is read again.

Each answer follows from an evaluation and an account state that were on their topics before it. So once a partition of
these is read to the end that it had at the start, an answer that no evaluation explains is not risk's, or its
evaluation is not kept any more. It counts no longer: whoever may write there holds no account up with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tradewire.ports.events import RiskAssessed
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.recorded import by_account

ANY_US = 2**63
"""Later than every event time."""


@dataclass(frozen=True, slots=True)
class PublishedAnswers:
    """Answers on the topic, in order, and the event time of the newest one of each account.

    ``whole``: partitions whose answers are all there; ``unread``: those with one of which nobody can tell whom or when
    it answers.
    """

    partitions: Collection[int]
    newest_us: Mapping[str, int]
    answers: Sequence[RiskAssessed] = ()
    unread: Collection[int] = ()
    whole: Collection[int] = ()


class ReadingAgain:
    """``is_reading``, set when the bus is known: is the partition not yet read to the end that it had at the start?"""

    is_reading: Callable[[int], bool]

    def __init__(self) -> None:
        self.is_reading = lambda _: True
        self._partitions: set[int] = set()
        self._newest_us: dict[str, int] = {}
        self._answers: dict[str, list[RiskAssessed]] = {}
        self._unread: set[int] = set()
        self._whole: set[int] = set()

    def begin(self, published: PublishedAnswers) -> None:
        """Partitions were taken over."""
        self._partitions |= set(published.partitions)
        self._newest_us |= published.newest_us
        self._answers |= by_account(published.answers)
        self._unread |= set(published.unread)
        self._whole = self._whole.difference(published.partitions).union(published.whole)

    def under_way(self, partition: int) -> bool:
        """May an evaluation still come that was answered before?"""
        return partition in self._partitions

    def knows_all(self, partition: int) -> bool:
        """Were all answers of a partition read?"""
        return partition in self._whole

    def answers(self, account_id: str) -> Sequence[RiskAssessed]:
        """What was answered to an account that is not known yet."""
        return self._answers.get(account_id, ())

    def take(self, account_id: str) -> Sequence[RiskAssessed]:
        """The same, once: the account is known now."""
        return self._answers.pop(account_id, ())

    def hides(self, account_id: str, partition: int, time_us: int) -> bool:
        """May an order be out that the account's state of an event time does not show?"""
        return partition in self._unread or time_us <= self._newest_us.get(account_id, -1)

    def ended(self) -> list[int]:
        """Partitions that are read again by now, each told once."""
        found = [partition for partition in sorted(self._partitions) if not self.is_reading(partition)]
        self._partitions.difference_update(found)
        return found

    def settle(self, partition: int, accounts: Iterable[RiskAccount], known: Collection[str]) -> None:
        """All that was answered in a partition, to ``accounts``, has been answered again or waits in them.

        ``known``: all accounts that there are.
        """
        for account in accounts:
            newest_us = ANY_US if partition in self._unread else self._newest_us.get(account.account_id, -1)
            waiting_us = max(account.times_us, default=-1)
            self._newest_us[account.account_id] = min(newest_us, waiting_us)
            account.recorded = {step_us: step for step_us, step in account.recorded.items() if step_us in account.steps}
        self._unread.discard(partition)
        if not self._partitions:
            self._answers.clear()
            self._newest_us = {key: time_us for key, time_us in self._newest_us.items() if key in known}

    def forget(self, partition: int, accounts: Iterable[str]) -> None:
        """Another member reads the partition."""
        self._partitions.discard(partition)
        self._unread.discard(partition)
        for account_id in accounts:
            self._newest_us.pop(account_id, None)
            self._answers.pop(account_id, None)
