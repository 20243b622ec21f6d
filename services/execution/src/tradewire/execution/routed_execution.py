"""Accounts at a broker: the order router behind the port that the desk knows."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.asking import AskPolicy
from tradewire.execution.domain.differences import FUNDING
from tradewire.execution.domain.execution_port import Bars, ExecutionPort
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook, WalletRecord
from tradewire.execution.domain.live_order import intended
from tradewire.execution.domain.order_life import OPEN
from tradewire.execution.domain.order_records import cause_of, record_of
from tradewire.execution.domain.orphaned_stops import StopSweep
from tradewire.execution.domain.position_sides import by_symbol, netted
from tradewire.execution.domain.routed_reports import routed_reports
from tradewire.execution.router import OrderRouter
from tradewire.execution.stored_messages import StoredMessages
from tradewire.ports.broker import BrokerAccount, BrokerPort, VenueFill, VenueOrder
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderIntent, RiskAssessed, Severity
from tradewire.ports.live_venue import LiveVenuePort, VenueWarning
from tradewire.ports.message import Emit, Envelope
from tradewire.trading.exchange import InstrumentSpec
from tradewire.trading.wire import e8

STAY_US: Final = 20_000_000
"""Between two signs of life to the venue."""
RETRY_SECONDS: Final = 0.2
"""Pause after a call to the broker that failed without effect."""


_log = logging.getLogger(__name__)


class SimulatedMarket(Protocol):
    """What moves a broker that has no market of its own."""

    @abstractmethod
    def list_instrument(self, spec: InstrumentSpec) -> None:
        """An instrument, or a newer version of it."""

    @abstractmethod
    def happen(self, time_us: int, bars: Bars) -> None:
        """Bars close at ``time_us``, UTC; those that happened before are left alone."""


class BrokerLink(NamedTuple):
    """An account's broker, and what goes with it: ``market`` for a simulated exchange, ``live`` for a real venue.

    ``policy``: how it is asked what became of an order; ``hedged``: whether its account is in hedge mode.
    """

    broker: BrokerPort
    policy: AskPolicy
    hedged: bool = False
    market: SimulatedMarket | None = None
    live: LiveVenuePort | None = None


class RoutedExecution(ExecutionPort):
    """One account at a broker. Tasks of its own talk to the broker and listen to it; ``close`` ends them."""

    def __init__(
        self, account: ExecutionAccount, link: BrokerLink, clock: ClockPort, *, saved: Mapping[str, Any] | None = None
    ) -> None:
        self._account, self._clock, self._market, self._venue = account, clock, link.market, link.live
        self._hedged = link.hedged
        book = saved["book"] if saved is not None else None
        self._live = LiveAccount(LiveBook(account.account_id, "")) if book is None else _live(book)
        self._closes_us: dict[str, int] = dict(saved["closes_us"]) if saved is not None else {}
        self._messages, self._stops = StoredMessages(self._live), StopSweep(self._live)
        dice = random.Random(account.account_id)  # noqa: S311 (jitter needs no secrecy)
        self._router = OrderRouter(
            self._messages, venue=link.broker, clock=clock, dice=dice, policy=link.policy, live=link.live
        )
        self._router.resume()
        self._asked_us, self._owed = -1, self._router.owed
        self._request = 0
        self._wake, self.closed, self._stays_until_us = asyncio.Event(), False, 0
        self._list_known()
        start = asyncio.get_running_loop().create_task
        self._tasks = [start(self._talk())] + ([] if link.live is None else [start(self._listen(link.live))])

    def _list_known(self) -> None:
        """Tell the venue of the symbols of our orders, from before the first of them on."""
        for order in (*self._live.book.orders.values(), *self._live.book.ended.values()):
            if self._venue is not None and order.intent is not None:
                self._venue.list_symbol(order.symbol, order.placed_us)

    @property
    def owes(self) -> str:
        return f"{self._router.owed} answers of the venue" if self._router.owed else ""

    @property
    def hedged(self) -> bool:
        return self._hedged

    @property
    def halted(self) -> str:
        return self._live.book.halted

    @property
    def reconciled(self) -> bool:
        return self._router.ready

    def list_instrument(self, spec: InstrumentSpec) -> None:
        if self._market is not None:
            self._market.list_instrument(spec)
        if self._venue is not None:
            self._venue.list_symbol(spec.symbol)

    def knows(self, client_order_id: str) -> bool:
        return self._live.find(client_order_id) is not None

    def submit(self, event: RiskAssessed, intent: OrderIntent, cause: Envelope, time_us: int) -> Iterable[Emit]:
        order = intended(event, intent, cause_of(cause))
        if self._router.submit(order):
            self._account.orders[intent.client_order_id] = record_of(event, intent, cause, time_us)
        self._wake.set()
        return self.reports()

    def cancel(self, client_order_id: str, cause: Envelope, time_us: int) -> Iterable[Emit]:
        self._router.withdraw(client_order_id)
        self._wake.set()
        return self.reports()

    def has_shown(self, time_us: int, bars: Callable[[], Bars]) -> bool:
        if self._router.owed:
            return False
        if self._asked_us < time_us:
            if self._market is not None:
                self._market.happen(time_us, bars())
            self._asked_us, self._request = time_us, self._router.reconciler.request()
            self._wake.set()
            return False
        return self._router.reconciler.reconciled.number >= self._request and not self._live.journal

    def step(self, time_us: int, bars: Bars, cause: Envelope) -> Iterable[Emit]:
        self._closes_us |= {symbol: item.bar.close_time_us for symbol, item in bars.items()}
        return self.reports()

    def reports(self) -> Iterable[Emit]:
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()  # raises what no call to the broker can get over
        emits = routed_reports(self._account, self._messages.take(), self._closed_by)
        self._owed = self._router.owed
        for client_id, qty in self._router.reconciler.reconciled.working.items():
            if (record := self._account.orders.get(client_id)) is not None:
                record.working_e8 = e8(qty)
        return emits

    def _closed_by(self, client_order_id: str) -> str:
        order = self._live.find(client_order_id)
        return order.closed if order is not None else ""

    def working(self) -> Collection[str]:
        return self._account.orders if self.busy else self._router.reconciler.reconciled.working

    def state(self) -> BrokerAccount:
        account = self._router.reconciler.reconciled.account
        assert account is not None, "asked for before a bar was shown"
        return account if self._venue is None else _as_told(account, self._live.book.money)

    def positions_e8(self) -> Mapping[str, int]:
        return {symbol: e8(qty) for symbol, qty in by_symbol(self._live.book.positions).items()}

    def last_close_us(self, symbol: str) -> int:
        return self._closes_us.get(symbol, -1)

    def saved(self) -> Mapping[str, Any]:
        return {"book": json.loads(self._messages.saved()), "closes_us": self._closes_us}

    def close(self) -> None:
        self.closed = True
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until nothing goes on any more, once it is closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- what the venue asks ----

    @property
    def busy(self) -> bool:
        """Has the broker something to answer, or the desk something to take?"""
        owed = self._owed or self._router.owed
        return owed > 0 or bool(self._live.journal) or self._asked_us > self._account.time_us

    def stored(self) -> None:
        """The ledger holds all messages that were returned."""
        self._messages.stored()

    async def _talk(self) -> None:
        """Ask, send and reconcile when it is due, until closed; first of all, ask whether the account is as wanted."""
        begun = self._venue is None
        while True:
            self._wake.clear()
            try:
                if self._venue is not None and not begun:
                    await self._venue.begin()
                    begun = True
                await self._router.tick()
                self._sweep()
                await self._stay()
            except RetryableError as error:
                _log.warning("account %s: %s", self._account.account_id, error)
                pause_s = RETRY_SECONDS
            else:
                due_us = min(self._router.next_due_us(), self._stays_until_us)
                pause_s = max(0.0, (due_us - self._clock.now_us()) / 1e6)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    def _sweep(self) -> None:
        """Withdraw guards that guard nothing, while shares and book tell of the same fills."""
        if self._venue is None or not self._router.ready or self._live.journal:
            return
        for client_id in self._stops.due(self._account.shares_e8, self._clock.now_us()):
            self._router.withdraw(client_id)

    async def _stay(self) -> None:
        """Put off the venue's dead man's switch, while orders rest there."""
        now_us = self._clock.now_us()
        if self._venue is None or now_us < self._stays_until_us:
            return
        self._stays_until_us = now_us + STAY_US
        resting = {order.symbol for order in self._live.book.orders.values() if order.status in OPEN and order.rests}
        if resting:
            await self._venue.stay(resting)

    async def _listen(self, venue: LiveVenuePort) -> None:
        """Take what the venue pushes, until closed; after a gap, ask for everything."""
        try:
            while True:
                report = await venue.report()
                if isinstance(report, VenueFill):
                    await self._router.on_fill(report)
                elif isinstance(report, VenueOrder):
                    await self._router.on_order(report)
                elif isinstance(report, VenueWarning):
                    self._live.note_account(report.name, report.message, self._clock.now_us(), Severity.ERROR)
                else:
                    self._router.reconciler.request()
                self._wake.set()
        finally:
            await venue.close()


def _as_told(account: BrokerAccount, money: WalletRecord) -> BrokerAccount:
    """With one position of each symbol, and with what a venue does not sum up: realized PnL, fees, funding."""
    funding = -money.rows.get(FUNDING, Decimal(0))
    positions = netted(account.positions)
    return replace(
        account, realized_pnl=money.realized, fees_paid=money.fees, funding_paid=funding, positions=positions
    )


def _live(book: object) -> LiveAccount:
    return LiveAccount.restored(json.dumps(book).encode())
