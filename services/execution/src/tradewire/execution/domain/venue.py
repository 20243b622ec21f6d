"""Where accounts are traded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.execution_port import ExecutionPort
from tradewire.trading.exchange import InstrumentSpec


class AccountVenue(Protocol):
    """Opens accounts, and takes them back from what the ledger holds."""

    @abstractmethod
    def open(self, account: ExecutionAccount) -> ExecutionPort:
        """A new account."""

    @abstractmethod
    def restore(
        self, account: ExecutionAccount, saved: Mapping[str, Any], specs: Iterable[InstrumentSpec]
    ) -> ExecutionPort:
        """An account as ``ExecutionPort.saved`` wrote it. Raises FatalError for what another venue wrote.

        ``specs``: of every instrument that is known.
        """

    @abstractmethod
    def reporting(self) -> Sequence[str]:
        """Accounts of which there may be something to report, soon if not now; by id."""

    @abstractmethod
    def stored(self) -> None:
        """The ledger holds every message that was returned so far."""

    @abstractmethod
    async def close(self) -> None:
        """End what goes on beside the loop."""
