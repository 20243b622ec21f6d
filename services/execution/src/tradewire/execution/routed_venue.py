"""All accounts at a broker: one order router for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.venue import AccountVenue
from tradewire.execution.routed_execution import BrokerLink, RoutedExecution
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.trading.exchange import InstrumentSpec


class RoutedVenue(AccountVenue):
    """``broker_of``: an account's broker, and what goes with it; ``closed``: lets go of what they share."""

    def __init__(
        self,
        broker_of: Callable[[str], BrokerLink],
        clock: ClockPort,
        closed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._broker_of, self._clock, self._closed = broker_of, clock, closed
        self._open: dict[str, RoutedExecution] = {}

    def open(self, account: ExecutionAccount) -> RoutedExecution:
        return self._at(account, None)

    def restore(
        self, account: ExecutionAccount, saved: Mapping[str, Any], specs: Iterable[InstrumentSpec]
    ) -> RoutedExecution:
        if "book" not in saved:
            raise FatalError(f"account {account.account_id}: the ledger has it at the paper venue, not at a broker")
        return self._at(account, saved)

    def reporting(self) -> Sequence[str]:
        self._open = {account_id: execution for account_id, execution in self._open.items() if not execution.closed}
        return sorted(account_id for account_id, execution in self._open.items() if execution.busy)

    def stored(self) -> None:
        for execution in self._open.values():
            execution.stored()

    async def close(self) -> None:
        for execution in self._open.values():
            execution.close()
        for execution in self._open.values():
            await execution.ended()
        if self._closed is not None:
            await self._closed()

    def _at(self, account: ExecutionAccount, saved: Mapping[str, Any] | None) -> RoutedExecution:
        link = self._broker_of(account.account_id)
        if (before := self._open.pop(account.account_id, None)) is not None:
            before.close()
        execution = RoutedExecution(account, link, self._clock, saved=saved)
        self._open[account.account_id] = execution
        return execution
