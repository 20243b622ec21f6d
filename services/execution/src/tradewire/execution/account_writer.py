"""What an account's writer promises the order router."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from tradewire.execution.domain.live_account import LiveAccount


class AccountWriter(Protocol):
    """Writes an account's messages down before they are published."""

    account: LiveAccount

    @abstractmethod
    async def commit(self) -> None:
        """Return once the ledger holds all that the account noted. Raises RetryableError, FencedError, FatalError."""
