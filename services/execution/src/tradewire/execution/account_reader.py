"""What the venue shows of an account, taken into the account's own records."""

from __future__ import annotations

from tradewire.execution.domain.differences import Reconciliation, is_explained, take_payments
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.order_life import OPEN
from tradewire.execution.domain.reconciled import Reconciled
from tradewire.execution.fill_reader import FillReader
from tradewire.ports.broker import BrokerPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.live_venue import LiveVenuePort


class AccountReader:
    """Reads one account whole: fills since the cursor, then every open order, in both directions, then the balances.

    ``live``: a venue whose balances, positions and rows are held against our records.
    """

    def __init__(
        self,
        account: LiveAccount,
        fills: FillReader,
        venue: BrokerPort,
        clock: ClockPort,
        live: LiveVenuePort | None = None,
    ) -> None:
        self._account, self._fills, self._venue, self._clock, self._live = account, fills, venue, clock, live
        self._reconciliation = Reconciliation(account)

    async def read(self, number: int) -> tuple[Reconciled, list[str]]:
        """What was shown for request ``number``, and the orders that must be asked for. Raises RetryableError."""
        await self._fills.pull()
        shown = await self._venue.open_orders()
        account = await self._venue.account()
        if self._live is not None and not is_explained(self._account.book, account):
            await self._pull_payments(self._live)
        now_us = self._clock.now_us()
        doubtful = self._live is not None and self._reconciliation.take(account, now_us)
        unlike = []
        for seen in shown:
            if self._account.find(seen.client_order_id) is None:
                self._account.adopt(seen, now_us)
            if not self._account.take_order(seen, now_us):
                unlike.append(seen.client_order_id)
        ids = {seen.client_order_id for seen in shown}
        for client_id, order in self._account.book.orders.items():
            if order.status in OPEN and client_id not in ids:
                unlike.append(client_id)
        working = {seen.client_order_id: seen.qty for seen in shown}
        return Reconciled(number, working, account, doubtful=doubtful), unlike

    async def _pull_payments(self, live: LiveVenuePort) -> None:
        """Add up every row after the cursor."""
        while True:
            page = await live.payments_since(self._account.book.money.cursor)
            if page.cursor == self._account.book.money.cursor:
                return
            take_payments(self._account.book, page.payments, page.cursor)
            self._account.changed = True
