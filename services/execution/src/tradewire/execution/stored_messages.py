"""An account's messages on their way into the ledger."""

from __future__ import annotations

import asyncio

from tradewire.execution.account_writer import AccountWriter
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.ports.message import Emit


class StoredMessages(AccountWriter):
    """The router's writer in the service: the desk takes the account's messages, its store writes them.

    ``commit`` returns once that is done for everything up to now, which is what lets an order leave for the broker.
    """

    def __init__(self, account: LiveAccount) -> None:
        self.account = account
        self._taken = self._stored = 0
        self._changed = asyncio.Event()
        self._saved = account.saved()

    async def commit(self) -> None:
        """Wait until the account's messages are in the ledger."""
        wanted = self._taken + bool(self.account.journal)
        while self._stored < wanted:
            self._changed.clear()
            await self._changed.wait()

    def take(self) -> list[Emit]:
        """Messages since last asked; what ``saved`` says includes them and nothing later."""
        emits = self.account.take_journal()
        self._taken += bool(emits)
        self._saved = self.account.saved()
        return emits

    def stored(self) -> None:
        """The ledger holds all that was taken."""
        if self._stored < self._taken:
            self._stored = self._taken
            self._changed.set()

    def saved(self) -> bytes:
        """The account as of the messages taken."""
        return self._saved if self.account.journal else self.account.saved()
