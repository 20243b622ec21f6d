"""One account at a live venue: its orders and positions, and what every happening makes of them.

Pure: it changes in memory and notes what the ledger must hold; the router commits that before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter

from tradewire.binance.orders import venue_made
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.domain.live_order import LiveOrder, adopted
from tradewire.execution.domain.order_life import Effect, Happening, Transition, move
from tradewire.execution.domain.order_work import filling, submission
from tradewire.execution.domain.position_sides import by_symbol, place_of
from tradewire.ports.broker import VenueFill, VenueOrder
from tradewire.ports.events import AuditRecorded, OrderChanged, OrderFilled, OrderStatus, Severity
from tradewire.ports.message import Emit, Envelope, root_id

REMEMBERED_MAX: Final = 256
"""Ended orders kept for late fills and repeated assessments: part of the state, so this bounds its size."""

_REPORTED: Final[Mapping[OrderStatus, Happening]] = {
    OrderStatus.ACCEPTED: Happening.ACCEPT,
    OrderStatus.PARTIALLY_FILLED: Happening.ACCEPT,
    OrderStatus.TRIGGERED: Happening.TRIGGER,
    OrderStatus.FILLED: Happening.COMPLETE,
    OrderStatus.CANCELED: Happening.CANCEL,
    OrderStatus.EXPIRED: Happening.EXPIRE,
    OrderStatus.REJECTED: Happening.REJECT,
}


_BOOK: Final = TypeAdapter(LiveBook)


class LiveAccount:
    """The account's writer in memory.

    ``journal``: messages noted since it was last taken; ``changed``: is there anything to save since then?
    """

    def __init__(self, book: LiveBook) -> None:
        self.book = book
        self.journal: list[Emit] = []
        self.changed = True

    @classmethod
    def restored(cls, saved: bytes) -> LiveAccount:
        """The account that ``saved`` wrote. Raises ValueError for other bytes."""
        return cls(_BOOK.validate_json(saved))

    def saved(self) -> bytes:
        """JSON of everything but the journal."""
        return _BOOK.dump_json(self.book)

    def take_journal(self) -> list[Emit]:
        """Messages since last asked; everything until now is about to be saved."""
        taken, self.journal, self.changed = self.journal, [], False
        return taken

    def move_cursor(self, cursor: str) -> None:
        """Every fill before ``cursor`` is booked."""
        self.changed |= cursor != self.book.cursor
        self.book.cursor = cursor

    def find(self, client_order_id: str) -> LiveOrder | None:
        """An order at work or remembered."""
        return self.book.orders.get(client_order_id) or self.book.ended.get(client_order_id)

    # ---- ours ----

    def is_new(self, order: LiveOrder) -> bool:
        """Was this never placed? An order as old as a forgotten one might have been, so it is reported and not new."""
        if self.find(order.client_order_id) is not None:
            return False
        if order.placed_us > self.book.forgotten_us:
            return True
        self.note("order_too_old", f"{order.client_order_id} may have been placed before", order, order.placed_us)
        return False

    def begin(self, order: LiveOrder, time_us: int, *, held: bool = False) -> None:
        """An approved order comes to be, on its way to the venue unless it is held."""
        self._put(order)
        self._say(order, time_us)
        if not held:
            self.apply(order.client_order_id, Happening.SUBMIT, time_us)

    def say_again(self, client_order_id: str, time_us: int, reason: str) -> None:
        """Have the ledger write an order once more as it is."""
        self._say(self.book.orders[client_order_id], time_us, reason)

    def resize(self, client_order_id: str, qty: Decimal) -> None:
        """An order that was not sent yet is to be for ``qty``, base."""
        order = self.book.orders[client_order_id]
        assert order.intent is not None, f"{client_order_id} is not ours"
        self._put(replace(order, qty=qty, intent=order.intent.model_copy(update={"qty": qty})))

    def apply(
        self,
        client_order_id: str,
        happening: Happening,
        time_us: int,
        *,
        reason: str | None = None,
        venue_order_id: str | None = None,
    ) -> Transition:
        """Let something other than a fill happen to an order. Raises RefusedMoveError for what we may not do to it."""
        order = self.find(client_order_id)
        assert order is not None, f"{client_order_id} is no order of {self.book.account_id}"
        to = move(order.status, happening, filled=order.filled)
        sending = happening in (Happening.SUBMIT, Happening.RESUBMIT)
        after = replace(
            order,
            status=to.status,
            venue_order_id=venue_order_id or order.venue_order_id,
            cancel_wanted=(order.cancel_wanted or happening is Happening.REQUEST_CANCEL)
            and happening is not Happening.GIVE_UP_CANCEL,
            sends=order.sends + sending,
            sent_us=time_us if sending else order.sent_us,
        )
        if after != order:
            self._put(after)
        if sending or (after.status, after.venue_order_id) != (order.status, order.venue_order_id):
            self._say(after, time_us, reason)
        if Effect.REPORT in to.effects:
            self.note("order_surprise", f"{happening} of an order that was {order.status}", after, time_us)
        return to

    def want_cancel(self, client_order_id: str, time_us: int, *, by_us: int) -> None:
        """Someone wants an order gone, and the venue is to be told until ``by_us``."""
        order = self.find(client_order_id)
        if order is not None and not order.is_final:
            if not order.cancel_wanted:
                self._put(replace(order, cancel_by_us=by_us))
            self.apply(client_order_id, Happening.REQUEST_CANCEL, time_us)

    def may_have_been_sent(self, client_order_id: str, time_us: int) -> None:
        """The order may have left for the venue as late as now: not being shown means nothing for a while."""
        if client_order_id in self.book.orders:
            self._put(replace(self.book.orders[client_order_id], sent_us=time_us))

    def lose_unfinished(self, time_us: int, *, reason: str) -> None:
        """Nobody knows what became of the orders that were under way."""
        for client_id, order in list(self.book.orders.items()):
            if order.status in (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN):
                self.may_have_been_sent(client_id, time_us)
                self.apply(client_id, Happening.LOSE, time_us, reason=reason)

    # ---- the venue's ----

    def take_pushed(self, fill: VenueFill, time_us: int) -> None:
        """Book a fill that the venue pushed: the cursor has not come to it yet."""
        if self.take_fill(fill, time_us):
            self.book.pushed.append((fill.symbol, fill.venue_trade_id))

    def was_pushed(self, fill: VenueFill) -> bool:
        """Was the fill that the cursor comes to now booked when it was pushed? Its order may be forgotten."""
        place = (fill.symbol, fill.venue_trade_id)
        if place not in self.book.pushed:
            return False
        self.book.pushed.remove(place)
        return True

    def take_fill(self, fill: VenueFill, time_us: int) -> bool:
        """Book a fill of an order that is known, once. False when it was booked before."""
        order = self.find(fill.client_order_id)
        assert order is not None, f"fill of {fill.client_order_id}, which nobody adopted"
        if fill.venue_trade_id in order.trade_ids:
            return False
        filled = order.filled + fill.qty
        to = move(order.status, Happening.FILL_ALL if filled >= order.qty else Happening.FILL_PART, filled=order.filled)
        after = replace(
            order,
            status=to.status,
            filled=filled,
            trade_ids=(*order.trade_ids, fill.venue_trade_id),
            venue_order_id=order.venue_order_id or fill.venue_order_id,
        )
        self.journal.append(self._filled(fill, after))
        ends = after.intent is None and place_of(fill.symbol, fill.position_side) not in self.book.positions
        self._put(replace(after, closed=fill.position_side if ends else ""))
        self._say(after, time_us)
        if not fill.fee_valued:
            text = f"{fill.fee_paid:f} {fill.fee_asset} of trade {fill.venue_trade_id} has no price: fees leave it out"
            self.note("commission_not_valued", text, after, time_us, Severity.ERROR)
        if filled > order.qty:
            self.note("overfill", f"filled {filled} of {order.qty} (base)", after, time_us)
        elif Effect.REPORT in to.effects:
            self.note("late_fill", f"{fill.qty} (base) after it was {order.status}", after, time_us)
        return True

    def take_order(self, seen: VenueOrder, time_us: int) -> bool:
        """Believe what the venue shows of a known order; its ending only once all fills before it are booked.

        False: fills are missing, so ask for them and come again.
        """
        order = self.find(seen.client_order_id)
        assert order is not None, f"{seen.client_order_id}, which nobody adopted"
        happening = _REPORTED[seen.status]
        if order.filled < seen.filled_qty:
            happening = Happening.ACCEPT
        self.apply(seen.client_order_id, happening, time_us, reason=seen.reason, venue_order_id=seen.venue_order_id)
        return order.filled >= seen.filled_qty

    def adopt(self, seen: VenueOrder | VenueFill, time_us: int) -> None:
        """Take on an order that is not ours: the position is."""
        cause_id = root_id(self.book.venue, seen.symbol, f"order:{seen.client_order_id}", 0)
        order = adopted(
            seen, venue=self.book.venue, cause=Envelope(event_id=cause_id, correlation_id=cause_id), placed_us=time_us
        )
        self._put(order)
        self._say(order, time_us, order.leg)
        theirs = venue_made(seen.client_order_id) is not None
        made_by, severity = ("the venue", Severity.ERROR) if theirs else ("someone else", Severity.WARNING)
        self.note("order_not_ours", f"{order.leg} order of {made_by}", order, time_us, severity)

    def note(
        self, name: str, message: str, order: LiveOrder, time_us: int, severity: Severity = Severity.WARNING
    ) -> None:
        """An incident of an order, for people."""
        self._note(name, message, order.cause, {"client_order_id": order.client_order_id}, time_us, severity)

    def note_account(self, name: str, message: str, time_us: int, severity: Severity) -> None:
        """An incident of the account as a whole, for people."""
        cause_id = root_id(self.book.venue, self.book.account_id, f"{name}:{self._next_sequence()}", time_us)
        self._note(name, message, Envelope(event_id=cause_id, correlation_id=cause_id), {}, time_us, severity)

    def _note(
        self, name: str, message: str, cause: Envelope, about: dict[str, str], time_us: int, severity: Severity
    ) -> None:
        names = [self.book.account_id, *about.values()]
        event = AuditRecorded(
            source="execution",
            severity=severity,
            name=name,
            message=f"{' '.join(names)}: {message}",
            event_time_us=time_us,
            attributes={"account_id": self.book.account_id} | about,
        )
        self.changed = True
        self.journal.append(Emit(event, cause, f"{':'.join(names[1:])}:{self.book.sequence}:{len(self.journal)}"))

    # ---- inside ----

    def _put(self, order: LiveOrder) -> None:
        book, self.changed = self.book, True
        into, out = (book.ended, book.orders) if order.is_final else (book.orders, book.ended)
        out.pop(order.client_order_id, None)
        into[order.client_order_id] = order
        while len(book.ended) > REMEMBERED_MAX:
            forgotten = book.ended.pop(next(iter(book.ended)))
            if forgotten.intent is not None:
                book.forgotten_us = max(book.forgotten_us, forgotten.placed_us)

    def _next_sequence(self) -> int:
        self.book.sequence += 1
        return self.book.sequence

    def _say(self, order: LiveOrder, time_us: int, reason: str | None = None) -> None:
        sequence = self._next_sequence()
        event: OrderChanged = order.changed(self.book.account_id, sequence=sequence, time_us=time_us, reason=reason)
        work = submission(order.client_order_id, order.strategy_id) if event.status is OrderStatus.SUBMITTED else None
        self.journal.append(Emit(event, order.cause, f"{order.client_order_id}:{sequence}", work=work))

    def _filled(self, fill: VenueFill, order: LiveOrder) -> Emit:
        signed = fill.qty if fill.side.value == "BUY" else -fill.qty
        self.book.money.take_fill(fill)
        place = place_of(fill.symbol, fill.position_side)
        held = self.book.positions.pop(place, Decimal(0)) + signed
        self.book.positions |= {place: held} if held else {}
        event = OrderFilled(
            account_id=self.book.account_id,
            client_order_id=fill.client_order_id,
            strategy_id=order.strategy_id,
            venue=order.venue,
            symbol=fill.symbol,
            event_time_us=fill.time_us,
            sequence=self._next_sequence(),
            venue_trade_id=fill.venue_trade_id,
            side=fill.side,
            qty=fill.qty,
            price=fill.price,
            fee=fill.fee,
            liquidity=fill.liquidity,
            realized_pnl=fill.realized_pnl,
            position_after=by_symbol(self.book.positions).get(fill.symbol, Decimal(0)),
            leg=order.leg,
            evaluation_id=order.evaluation_id,
        )
        work = filling(fill.client_order_id, order.strategy_id, after_us=fill.time_us - order.placed_us)
        return Emit(event, order.cause, f"fill:{fill.venue_trade_id}", work=work)
