"""Conditional orders that guard a position which is gone are withdrawn from the venue (ADR 53).

Most are withdrawn with their group or by their strategy. What is left are those whose position the venue or a person
closed, those whose withdrawal never got through, and those under our ids that the ledger does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tradewire.binance.orders import CONDITIONAL_TYPES
from tradewire.execution.domain.live_account import LiveAccount
from tradewire.execution.domain.live_book import LiveBook
from tradewire.execution.domain.live_order import LiveOrder
from tradewire.execution.domain.position_sides import symbol_of
from tradewire.ports.events import OrderLeg, OrderStatus, Side
from tradewire.trading.wire import e8

GRACE_US: Final = 60_000_000
"""How long a guard must have had nothing to guard: fills, withdrawals and new entries are under way for a moment."""
EVENT: Final = "stop_orphaned"
OUR_GUARD: Final = re.compile(r"tw[spt]-[a-z2-7]{30}")
"""Client order ids of our guards (``tradewire.trading.assessment.intents``)."""

Shares = Mapping[tuple[str, str], int]
"""(strategy, symbol) → signed share of the position, base 1e-8."""


class StopSweep:
    """Which guards of an account are due to be withdrawn."""

    def __init__(self, account: LiveAccount) -> None:
        self._account = account
        self._since_us: dict[str, int] = {}

    def due(self, shares_e8: Shares, time_us: int) -> list[str]:
        """Client order ids of the guards to withdraw now; people are told of each."""
        found = dict(orphans(self._account.book, shares_e8))
        self._since_us = {client_id: self._since_us.get(client_id, time_us) for client_id in found}
        due = [client_id for client_id, since_us in self._since_us.items() if time_us - since_us >= GRACE_US]
        for client_id in due:
            order = self._account.book.orders[client_id]
            self._account.note(EVENT, f"{order.order_type} {found[client_id]}; action: cancel", order, time_us)
        return due


def orphans(book: LiveBook, shares_e8: Shares) -> Iterator[tuple[str, str]]:
    """Client order ids of guards that guard nothing, each with why."""
    for client_id, order in book.orders.items():
        if order.status is not OrderStatus.ACCEPTED or order.order_type not in CONDITIONAL_TYPES:
            continue
        if order.intent is None:
            if OUR_GUARD.fullmatch(client_id) and not _guards(order, _unowned_e8(book, shares_e8, order.symbol)):
                yield client_id, f"of {order.symbol} is under an id of ours that the ledger does not know"
        elif order.intent.leg is not OrderLeg.ENTRY:
            share_e8 = shares_e8.get((order.strategy_id, order.symbol), 0)
            if not _guards(order, share_e8) and not _is_awaited(book, order):
                yield client_id, f"of {order.symbol} guards nothing: {order.strategy_id} has no share on its side"


def _guards(order: LiveOrder, held_e8: int) -> bool:
    """Would it close some of what is held?"""
    return held_e8 > 0 if order.side is Side.SELL else held_e8 < 0


def _is_awaited(book: LiveBook, guard: LiveOrder) -> bool:
    """Is an entry under way that may open what it guards?"""
    return any(
        order.intent is not None
        and order.intent.leg is OrderLeg.ENTRY
        and (order.strategy_id, order.symbol) == (guard.strategy_id, guard.symbol)
        and order.side is not guard.side
        for order in book.orders.values()
    )


def _unowned_e8(book: LiveBook, shares_e8: Shares, symbol: str) -> int:
    """What the account holds of a symbol that is no strategy's: adopted, so a stop of it is left where it is."""
    held_e8 = sum(e8(qty) for place, qty in book.positions.items() if symbol_of(place) == symbol)
    return held_e8 - sum(share_e8 for (_, of), share_e8 in shares_e8.items() if of == symbol)
