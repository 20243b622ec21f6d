"""What the venue shows of an account, taken into the account's own records."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradewire.execution.domain.differences import Reconciliation, is_explained, take_payments
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.order_life import OPEN
from tradewire.execution.domain.reconciled import Reconciled
from tradewire.execution.fill_reader import FillReader
from tradewire.ports.broker import BrokerAccount, BrokerPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.live_venue import LiveVenuePort

FIRST_WAIT_US: Final = 1_000_000
"""From the first question for rows that explain a wallet to the second; each wait is twice the one before."""
LONGEST_WAIT_US: Final = 32_000_000


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
        self._asked_wallet: Decimal | None = None
        self._due_us, self._wait_us = 0, FIRST_WAIT_US

    async def read(self, number: int) -> tuple[Reconciled, list[str]]:
        """What was shown for request ``number``, and the orders that must be asked for. Raises RetryableError."""
        await self._fills.pull()
        shown = await self._venue.open_orders()
        account = await self._venue.account()
        if self._live is not None and self._wants_payments(account):
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

    def _wants_payments(self, shown: BrokerAccount) -> bool:
        """Are rows missing, and is it time to ask? One request weighs 30, and a row may come late: a wallet that stands
        still is asked about less and less often, and once more before a difference is acted on.
        """
        if is_explained(self._account.book, shown):
            self._asked_wallet = None
            return False
        now_us, acts_by_us = self._clock.now_us(), self._reconciliation.acts_by_us()
        if shown.wallet_balance != self._asked_wallet:
            self._asked_wallet, self._wait_us = shown.wallet_balance, FIRST_WAIT_US
        elif now_us < self._due_us and (acts_by_us is None or now_us < acts_by_us):
            return False
        self._due_us, self._wait_us = now_us + self._wait_us, min(2 * self._wait_us, LONGEST_WAIT_US)
        return True

    async def _pull_payments(self, live: LiveVenuePort) -> None:
        """Add up every row after the cursor."""
        while True:
            page = await live.payments_since(self._account.book.money.cursor)
            if page.cursor == self._account.book.money.cursor:
                return
            take_payments(self._account.book, page.payments, page.cursor)
            self._account.changed = True
