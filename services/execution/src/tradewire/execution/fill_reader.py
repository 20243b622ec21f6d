"""The venue's fills into the account, each once, with the cursor that says which are in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tradewire.execution.domain.live_account import LiveAccount
from tradewire.ports.broker import BrokerPort, NotFound, VenueFill, VenueOrder
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError


class FillReader:
    """Follows the cursor of one account. ``shown_within_us``: how long a venue may take to show an order."""

    def __init__(
        self,
        account: LiveAccount,
        commit: Callable[[], Awaitable[None]],
        venue: BrokerPort,
        clock: ClockPort,
        *,
        shown_within_us: int,
    ) -> None:
        self._account, self._commit = account, commit
        self._venue, self._clock, self._shown_within_us = venue, clock, shown_within_us
        self._turn = asyncio.Lock()

    async def pull(self) -> None:
        """Book every fill after the cursor; fills and cursor are written together.

        A fill of an order that isn't ours brings the order with it: the position is ours. Raises RetryableError, also
        while such an order may yet be shown: the fill alone doesn't tell how large it is.
        """
        async with self._turn:
            while True:
                page = await self._venue.fills_since(self._account.book.cursor)
                if page.cursor == self._account.book.cursor:
                    return
                for fill in page.fills:
                    if self._account.was_pushed(fill):
                        continue
                    if self._account.find(fill.client_order_id) is None:
                        self._account.adopt(await self._order_of(fill), self._clock.now_us())
                    self._account.take_fill(fill, self._clock.now_us())
                self._account.move_cursor(page.cursor)
                await self._commit()

    async def _order_of(self, fill: VenueFill) -> VenueOrder | VenueFill:
        """The order as the venue shows it; the fill, where it shows none."""
        seen = await self._venue.query(fill.symbol, fill.client_order_id)
        if not isinstance(seen, NotFound):
            return seen
        if self._clock.now_us() - fill.time_us < self._shown_within_us:
            raise RetryableError(f"fill {fill.venue_trade_id}: its order {fill.client_order_id} is not shown yet")
        return fill
