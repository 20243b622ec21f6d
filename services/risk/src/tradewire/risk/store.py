"""Risk's state: each account's in the changelog topic, limits in the rules' own store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import RiskStateSaved
from tradewire.ports.message import Event
from tradewire.risk.domain.account import Account
from tradewire.risk.domain.desk import RiskDesk
from tradewire.runtime.changelog import ChangelogStore
from tradewire.runtime.service import StoreContext


class KeptRules(Protocol):
    """Rules that outlive the process in a store of their own."""

    async def open(self) -> None:
        """Load what is in force."""

    async def close(self) -> None:
        """Let go."""

    async def flush(self) -> None:
        """Write what changed."""


class RiskStore(ChangelogStore):
    """The changelog of the desk's accounts; ``rules``, where they are kept, are written before answers go out."""

    def __init__(self, desk: RiskDesk, rules: KeptRules | None) -> None:
        super().__init__(RiskStateSaved, changed=self._changes, restored=self._restore, forgotten=desk.forget)
        self._desk, self._rules = desk, rules

    async def open(self, context: StoreContext) -> None:
        await super().open(context)
        if self._rules is not None:
            await self._rules.open()

    async def close(self) -> None:
        if self._rules is not None:
            await self._rules.close()

    async def persist(self, records: Sequence[Outgoing]) -> None:
        if self._rules is not None:
            await self._rules.flush()

    async def checkpoint(self) -> None:
        await self.persist(())
        await super().checkpoint()

    def _changes(self) -> Iterator[tuple[int, Event]]:
        for partition, account in self._desk.changed():
            newest_us = max(account.answered_us.values(), default=0)
            yield (
                partition,
                RiskStateSaved(account_id=account.account_id, event_time_us=newest_us, state=account.saved()),
            )

    def _restore(self, partition: int, event: Event) -> None:
        assert isinstance(event, RiskStateSaved)
        self._desk.restore(partition, Account.restored(event.account_id, event.state, self._desk.held))
