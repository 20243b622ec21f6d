"""From the order router's messages to the account's: its sequence, its event time, its strategies' shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.order_life import FINAL
from tradewire.ports.broker import BOTH, LONG, SHORT
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.message import Emit, Event
from tradewire.trading.exchange import Side
from tradewire.trading.wire import e8

Closed = Callable[[str], str]
"""Client order id → side of the position that an order which is not ours ended; empty: none."""


def routed_reports(account: ExecutionAccount, emits: Iterable[Emit], closed: Closed) -> list[Emit]:
    """Each message as the account says it; keeps the orders' records and the strategies' shares."""
    return [replace(emit, event=_booked(account, emit, closed)) for emit in emits]


def _booked(account: ExecutionAccount, emit: Emit, closed: Closed) -> Event:
    event = emit.event
    if isinstance(event, OrderFilled):
        _share(account, event, closed)
        return event.model_copy(update={"sequence": account.next_sequence()})
    if not isinstance(event, OrderChanged):
        return event
    order = account.orders.get(event.client_order_id)
    if order is not None and event.venue_order_id is not None:
        order.venue_order_id = event.venue_order_id
    if event.status in FINAL:
        account.orders.pop(event.client_order_id, None)
    now_us = max(account.time_us, 0)
    return event.model_copy(update={"sequence": account.next_sequence(), "event_time_us": now_us})


def _share(account: ExecutionAccount, fill: OrderFilled, closed: Closed) -> None:
    """A fill moves share and results of its strategy; one that is not ours and ends a position ends its shares."""
    order = account.orders.get(fill.client_order_id)
    if order is not None:
        order.filled_e8 += e8(fill.qty)
    account.book_result(fill.strategy_id, realized_e8=e8(fill.realized_pnl), fee_e8=e8(fill.fee))
    if not fill.strategy_id:
        ended = {BOTH: (1, -1), LONG: (1,), SHORT: (-1,)}.get(closed(fill.client_order_id), ())
        for key, share_e8 in list(account.shares_e8.items()):
            if key[1] == fill.symbol and (1 if share_e8 > 0 else -1) in ended:
                del account.shares_e8[key]
        return
    key = (fill.strategy_id, fill.symbol)
    account.shares_e8[key] = account.shares_e8.get(key, 0) + Side(fill.side.value).sign * e8(fill.qty)
    if not account.shares_e8[key]:
        del account.shares_e8[key]
