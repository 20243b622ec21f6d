"""The venue's fills into the account, each once, with the cursor that says which are in."""

from __future__ import annotations

import asyncio

from tradewire.execution.account_writer import AccountWriter
from tradewire.ports.clock import ClockPort
from tradewire.ports.execution import ExecutionPort, NotFound


class FillReader:
    """Follows the cursor of one account."""

    def __init__(self, writer: AccountWriter, venue: ExecutionPort, clock: ClockPort) -> None:
        self._account, self._writer = writer.account, writer
        self._venue, self._clock = venue, clock
        self._turn = asyncio.Lock()

    async def pull(self) -> None:
        """Book every fill after the cursor; fills and cursor are written together. Raises RetryableError.

        A fill of an order that isn't ours brings the order with it: the position is ours.
        """
        async with self._turn:
            while True:
                page = await self._venue.fills_since(self._account.book.cursor)
                if page.cursor == self._account.book.cursor:
                    return
                for fill in page.fills:
                    if self._account.find(fill.client_order_id) is None:
                        seen = await self._venue.query(fill.symbol, fill.client_order_id)
                        self._account.adopt(fill if isinstance(seen, NotFound) else seen, self._clock.now_us())
                    self._account.take_fill(fill, self._clock.now_us())
                self._account.move_cursor(page.cursor)
                await self._writer.commit()
