"""An order router's writer without a service: what an account noted, into the ledger and then onto the bus."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tradewire.execution.account_writer import AccountWriter
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.ports.bus import Outgoing
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import AccountRow, Changes, LedgerPort
from tradewire.ports.message import Emit


@dataclass
class LedgerWriter(AccountWriter):
    """Writes what an account noted. ``publish`` returns once the bus has acknowledged; ``encode``: a message's record.

    The two queues are bounded by the account's inputs: while a commit fails nothing new is placed.
    """

    account: LiveAccount
    partition: int
    ledger: LedgerPort
    publish: Callable[[Sequence[Outgoing]], Awaitable[None]]
    encode: Callable[[Emit], Outgoing]
    clock: ClockPort
    _pending: deque[Changes] = field(default_factory=deque)
    _unpublished: list[Outgoing] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self) -> None:
        """Write the account and its journal. What fails is kept and comes first the next time, unchanged.

        Raises RetryableError, FencedError, FatalError of the ledger. A bus that is away raises nothing: the outbox
        keeps the messages, and the next commit tries again.
        """
        async with self._turn:
            if self.account.changed or self.account.journal:
                self._pending.append(self._taken())
            while self._pending:
                await self.ledger.commit(self._pending[0])
                self._unpublished.extend(self._pending.popleft().outbox)
            if self._unpublished:
                try:
                    await self.publish(self._unpublished)
                    await self.ledger.published()
                except RetryableError:
                    return
                self._unpublished = []

    def _taken(self) -> Changes:
        emits = self.account.take_journal()
        events = [emit.event for emit in emits]
        book = self.account.book
        row = AccountRow(book.account_id, self.partition, self.clock.now_us(), self.account.saved())
        return Changes(
            accounts=[row],
            orders=[event for event in events if isinstance(event, OrderChanged)],
            fills=[event for event in events if isinstance(event, OrderFilled)],
            outbox=[self.encode(emit) for emit in emits],
        )
