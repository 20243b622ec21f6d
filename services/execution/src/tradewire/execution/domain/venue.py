"""Where accounts are traded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tradewire.execution.domain.account import Account
from tradewire.execution.domain.execution_port import ExecutionPort
from tradewire.trading.exchange import InstrumentSpec


class Venue(Protocol):
    """Opens accounts, and takes them back from what the ledger holds."""

    @abstractmethod
    def open(self, account: Account) -> ExecutionPort:
        """A new account."""

    @abstractmethod
    def restore(self, account: Account, saved: Mapping[str, Any], specs: Iterable[InstrumentSpec]) -> ExecutionPort:
        """An account as ``ExecutionPort.saved`` wrote it. Raises ValueError for what another venue wrote.

        ``specs``: of every instrument that is known.
        """
