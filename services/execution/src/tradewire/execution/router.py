"""Orders to a live venue: the intent is in the ledger before it is sent, and an unknown outcome is asked for.

Nothing here sleeps: ``tick`` does what is due, ``next_due_us`` says when that is. Nothing here believes silence: an
order is UNKNOWN until the venue, asked by our own id, has shown it or has denied it often and long enough.
"""

from __future__ import annotations

import asyncio
import logging
import random

from tradewire.execution.account_reader import AccountReader
from tradewire.execution.account_writer import AccountWriter
from tradewire.execution.domain.answers import take_answer
from tradewire.execution.domain.asking import NOT_FOUND, NOT_SENT, RESTARTED, STALE, Ask, AskPolicy
from tradewire.execution.domain.live_order import LiveOrder
from tradewire.execution.domain.order_groups import enter, has_moves, is_held, release, withdrawn
from tradewire.execution.domain.order_life import OPEN, Happening
from tradewire.execution.fill_reader import FillReader
from tradewire.execution.reconciler import Reconciler
from tradewire.ports.broker import (
    ALREADY_THERE,
    Accepted,
    BrokerPort,
    NotFound,
    Rejected,
    Unknown,
    VenueFill,
    VenueOrder,
)
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderStatus
from tradewire.ports.live_venue import LiveVenuePort

_log = logging.getLogger(__name__)


class OrderRouter:
    """The only writer of one account's orders. Restore it from the account's newest ledger row.

    ``reconciler``: holds the account against the venue, which ``tick`` lets it do when it is due.

    Parameters: writer: of the account; dice: seeded, for jitter; policy: bounds; live: what a real venue has.
    """

    def __init__(
        self,
        writer: AccountWriter,
        *,
        venue: BrokerPort,
        clock: ClockPort,
        dice: random.Random,
        policy: AskPolicy | None = None,
        live: LiveVenuePort | None = None,
    ) -> None:
        self._account, self._writer, self._groups = writer.account, writer, live is not None
        self._venue, self._clock, self._dice, self._policy = venue, clock, dice, policy or AskPolicy()
        self._asks: dict[str, Ask] = {}
        self._unsent, self._busy, self._unreconciled = dict[str, int](), set[str](), set[str]()
        self._fills = FillReader(writer.account, writer.commit, venue, clock, shown_within_us=self._policy.visible_us)
        self.reconciler = Reconciler(
            AccountReader(writer.account, self._fills, venue, clock, live), clock, self._policy
        )

    def resume(self) -> None:
        """Take over: whatever an earlier process left unfinished is unknown until the venue was asked."""
        now_us, orders = self._clock.now_us(), self._account.book.orders
        self._account.lose_unfinished(now_us, reason=RESTARTED)
        self._asks = {client_id: Ask(now_us) for client_id, order in orders.items() if not is_held(order)}
        self._unreconciled = set(self._asks)

    @property
    def ready(self) -> bool:
        """Everything that was unfinished at the start is known now."""
        return self.reconciler.reconciled.number >= 0 and not self._unreconciled

    @property
    def owed(self) -> int:
        """Answers that the venue owes, on orders and on what it was last asked of the account."""
        return len(self._asks) + self.reconciler.owes + self._group_moves

    @property
    def _group_moves(self) -> bool:
        return self._groups and has_moves(self._account.book)

    def next_due_us(self) -> int:
        """When ``tick`` has something to do, UTC µs."""
        if self._group_moves:
            return 0
        return min([self.reconciler.due_us, *(ask.due_us for ask in self._asks.values())])

    def submit(self, order: LiveOrder) -> bool:
        """Place an order, once however often it is asked for; the next ``tick`` sends it. False when it is not new."""
        if not self._account.is_new(order):
            return False
        if enter(self._account, order, self._clock.now_us(), holds=self._groups):
            self._will_send(order.client_order_id)
        return True

    def withdraw(self, client_id: str) -> None:
        """Withdraw an order; the next ``tick`` asks the venue for it."""
        now_us = self._clock.now_us()
        self._account.want_cancel(client_id, now_us, by_us=now_us + self._policy.cancel_us)
        if client_id in self._account.book.orders:
            self._ask_now(client_id)

    async def on_fill(self, fill: VenueFill) -> None:
        """The venue pushed a fill."""
        if self._knows(fill.client_order_id):
            self._account.take_pushed(fill, self._clock.now_us())
            await self._writer.commit()

    async def on_order(self, seen: VenueOrder) -> None:
        """The venue pushed an order's change, in any order, any number of times."""
        if self._knows(seen.client_order_id):
            if not self._account.take_order(seen, self._clock.now_us()):
                self._ask_now(seen.client_order_id)
            await self._writer.commit()

    def _knows(self, client_id: str) -> bool:
        """Is it an order that we know? What is pushed of another one is not trusted but asked for."""
        known = self._account.find(client_id) is not None
        if not known:
            self.reconciler.hasten()
        return known

    async def tick(self) -> None:
        """Do what is due: write what could not be written, reconcile, ask, send, cancel. Raises RetryableError."""
        await self._writer.commit()
        now_us = self._clock.now_us()
        if self.reconciler.due_us <= now_us:
            await self._reconcile_account()
        self._keep_groups()
        for client_id, ask in list(self._asks.items()):
            if ask.due_us <= now_us and self._asks.get(client_id) is ask and client_id not in self._busy:
                await self._attend(client_id)

    # ---- one order ----

    def _keep_groups(self) -> None:
        """Send guards whose entry has filled, and withdraw what a group has no use for any more."""
        if not self._group_moves:
            return
        for client_id in withdrawn(self._account.book):
            self.withdraw(client_id)
        for client_id in release(self._account, self._clock.now_us()):
            self._will_send(client_id)

    def _will_send(self, client_id: str) -> None:
        """``_unsent``: when the write was asked for that lets an order leave, by our clock."""
        self._unsent[client_id] = self._clock.now_us()
        self._ask_now(client_id)

    def _ask_now(self, client_id: str) -> None:
        self._asks.setdefault(client_id, Ask(0)).due_us = self._clock.now_us()

    def _postpone(self, ask: Ask, failed: str = "", error: RetryableError | None = None) -> None:
        """Come back to it later. ``failed``: what a failed call was for, and ``error`` how it failed."""
        if error is not None:
            _log.warning("account %s: %s: %s", self._account.book.account_id, failed, error)
        ask.due_us = self._clock.now_us() + self._policy.delay_us(ask.attempts, self._dice.random())
        ask.attempts += 1

    async def _attend(self, client_id: str) -> None:
        """Do the one thing that is due for an order."""
        order = self._account.book.orders.get(client_id)
        if order is None:
            return self._settled(client_id)
        self._busy.add(client_id)
        try:
            if client_id in self._unsent:
                await self._send(order)
            elif order.status is OrderStatus.PENDING_CANCEL:
                await self._cancel(order)
            else:
                await self._ask(order)
        finally:
            self._busy.discard(client_id)

    def _settled(self, client_id: str) -> None:
        """Nothing is due for an order any more, unless it is open and unwanted."""
        order = self._account.book.orders.get(client_id)
        self._unreconciled.discard(client_id)
        self._unsent.pop(client_id, None)
        self._asks.pop(client_id, None)
        if order is not None and order.cancel_wanted and order.status in OPEN:
            self.withdraw(client_id)

    async def _send(self, order: LiveOrder, *, again: bool = False) -> None:
        """The one call that sends an order, once its SUBMITTED is in the ledger, whose writer we were just before.
        ``again``: after a second write, and not behind other orders, where it would grow old once more."""
        await self._writer.commit()
        client_id, ask = order.client_order_id, self._asks[order.client_order_id]
        order = self._account.book.orders.get(client_id, order)
        assert order.intent is not None, f"{client_id} is not ours to send"
        asked_us = self._unsent.pop(client_id)  # from here on it may have been sent, whatever becomes of this call
        age_us = self._clock.now_us() - asked_us
        if order.cancel_wanted or self._policy.gives_up(order, ask.attempts, age_us=age_us):
            self._account.apply(client_id, Happening.REJECT, self._clock.now_us(), reason=NOT_SENT)
            self._settled(client_id)
            return await self._writer.commit()
        if age_us > self._policy.fresh_us:
            self._account.say_again(client_id, self._clock.now_us(), STALE)  # which only the account's owner can write
            self._will_send(client_id)
            return None if again else await self._send(order, again=True)
        self._account.may_have_been_sent(client_id, self._clock.now_us())
        try:
            answer = await self._venue.submit(order.symbol, order.intent, asked_us)
        except RetryableError as error:
            self._unsent[client_id] = asked_us
            return self._postpone(ask, f"{client_id} was not sent", error)
        except asyncio.CancelledError:
            self._take_answer(client_id, Unknown("CANCELLED"))
            raise
        self._take_answer(client_id, answer)
        return await self._writer.commit()

    def _take_answer(self, client_id: str, answer: Accepted | Rejected | Unknown) -> None:
        now_us = self._clock.now_us()
        take_answer(self._account, client_id, answer, now_us)
        if not isinstance(answer, Unknown):
            return self._settled(client_id)
        ask = self._asks[client_id] = Ask(now_us)
        return None if answer.why == ALREADY_THERE else self._postpone(ask)

    async def _cancel(self, order: LiveOrder) -> None:
        """Tell the venue once more; past the deadline, an order that is still open stays so and is reported."""
        client_id, ask = order.client_order_id, self._asks[order.client_order_id]
        try:
            answer = await self._venue.cancel(order.symbol, client_id)
            if isinstance(answer, NotFound):
                self._account.apply(client_id, Happening.CANCEL_REFUSED, self._clock.now_us())
                return await self._ask(order)
            if isinstance(answer, VenueOrder):
                await self._take_seen(answer)
            else:
                self._account.apply(client_id, Happening.LOSE, self._clock.now_us(), reason=answer.why)
        except RetryableError as error:
            return self._postpone(ask, f"{client_id} was not canceled", error)
        self._keep_cancelling(client_id, ask)
        return await self._writer.commit()

    def _keep_cancelling(self, client_id: str, ask: Ask) -> None:
        order, now_us = self._account.book.orders.get(client_id), self._clock.now_us()
        if order is None or order.status is not OrderStatus.PENDING_CANCEL:
            return self._settled(client_id)
        if now_us < order.cancel_by_us:
            return self._postpone(ask)
        self._account.apply(client_id, Happening.GIVE_UP_CANCEL, now_us)
        return self._settled(client_id)

    async def _ask(self, order: LiveOrder) -> None:
        """What became of it?"""
        client_id = order.client_order_id
        ask = self._asks.setdefault(client_id, Ask(0))
        try:
            answer = await self._venue.query(order.symbol, client_id)
            if isinstance(answer, NotFound):
                ask.missing += 1
                await self._fills.pull()
                await self._missed(client_id, ask)
            else:
                ask.missing = 0
                self._keep_cancelling(client_id, ask) if await self._take_seen(answer) else self._postpone(ask)
        except RetryableError as error:
            return self._postpone(ask, f"{client_id} was not asked for", error)
        return await self._writer.commit()

    async def _missed(self, client_id: str, ask: Ask) -> None:
        """The venue shows no such order: not yet, or never?"""
        order, now_us = self._account.book.orders.get(client_id), self._clock.now_us()
        if order is None:
            return self._settled(client_id)
        if not self._policy.is_missing(order, answers=ask.missing, time_us=now_us):
            return self._postpone(ask)
        if order.status is OrderStatus.UNKNOWN and self._policy.may_send_again(order):
            self._account.apply(client_id, Happening.RESUBMIT, now_us, reason=NOT_FOUND)
            self._asks[client_id] = Ask(now_us)
            return self._will_send(client_id)
        self._account.apply(client_id, Happening.MISS, now_us, reason=NOT_FOUND)
        return self._settled(client_id)

    async def _take_seen(self, seen: VenueOrder) -> bool:
        """Book the fills, then believe the order. False while fills are missing."""
        await self._fills.pull()
        return self._account.take_order(seen, self._clock.now_us())

    async def _reconcile_account(self) -> None:
        """Hold the account against the venue, and ask for every order on which the two differ."""
        try:
            unlike = await self.reconciler.run()
        except RetryableError as error:
            _log.warning("account %s: not reconciled: %s", self._account.book.account_id, error)
            return self.reconciler.postpone(self._dice.random())
        for client_id in unlike:
            self._ask_now(client_id)
        return await self._writer.commit()
