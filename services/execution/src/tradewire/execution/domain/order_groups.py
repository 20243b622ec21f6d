"""Guards that wait for their entry, and groups of which one order withdraws the others, where the venue keeps neither.

A guard is held until its entry has a fill: before that there is nothing to reduce. The simulated exchange
(``tradewire.trading.exchange``) does the same by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.domain.live_order import LiveOrder
from tradewire.execution.domain.order_life import Happening
from tradewire.ports.events import OrderLeg, OrderStatus


def is_held(order: LiveOrder) -> bool:
    """Does it wait for its entry?"""
    return order.status is OrderStatus.INITIALIZED and order.has_entry


def enter(account: LiveAccount, order: LiveOrder, time_us: int, *, holds: bool) -> bool:
    """An approved order comes to be; is it to be sent now?

    A halted account takes none that opens a position. ``holds``: guards wait for their entry.
    """
    if account.book.halted and order.intent is not None and order.intent.leg is OrderLeg.ENTRY:
        account.begin(order, time_us, held=True)
        account.apply(order.client_order_id, Happening.DENY, time_us, reason=f"account halted: {account.book.halted}")
        return False
    waits = holds and order.has_entry
    account.begin(order, time_us, held=waits)
    return not waits


def has_moves(book: LiveBook) -> bool:
    """Is there an order to withdraw or to send?"""
    return bool(withdrawn(book)) or any(True for _ in _due(book))


def withdrawn(book: LiveBook) -> list[str]:
    """Orders of no use any more: another one of their group has filled, or their entry ended without a fill."""
    done = {group for order in (*book.orders.values(), *book.ended.values()) if (group := _filled_group(order))}
    return [client_id for client_id, order in book.orders.items() if _is_useless(book, order, done)]


def release(account: LiveAccount, time_us: int) -> list[str]:
    """Begin to send the guards whose entry has filled; returns their ids."""
    due = list(_due(account.book))
    for client_id, qty in due:
        account.resize(client_id, qty)
        account.apply(client_id, Happening.SUBMIT, time_us)
    return [client_id for client_id, _ in due]


def _filled_group(order: LiveOrder) -> str | None:
    filled = order.intent is not None and order.status is OrderStatus.FILLED
    return order.intent.oco_group if filled and order.intent is not None else None


def _is_useless(book: LiveBook, order: LiveOrder, done: set[str]) -> bool:
    if order.intent is None or order.cancel_wanted:
        return False
    if order.intent.oco_group in done:
        return True
    entry = _entry(book, order)
    return is_held(order) and (entry is None or (entry.is_final and not entry.filled))


def _due(book: LiveBook) -> Iterator[tuple[str, Decimal]]:
    """Held orders whose entry has fills, with the quantity that they are for.

    While the entry goes on filling, a guard that may only reduce is sent whole, for the venue cuts it to the position;
    another one waits until the entry has ended.
    """
    for client_id, order in book.orders.items():
        entry = _entry(book, order)
        if not is_held(order) or entry is None or not entry.filled or order.intent is None:
            continue
        if entry.is_final:
            yield client_id, min(order.qty, entry.filled)
        elif order.intent.reduce_only:
            yield client_id, order.qty


def _entry(book: LiveBook, order: LiveOrder) -> LiveOrder | None:
    parent_id = (order.intent.parent_id if order.intent is not None else None) or ""
    return book.orders.get(parent_id) or book.ended.get(parent_id)
