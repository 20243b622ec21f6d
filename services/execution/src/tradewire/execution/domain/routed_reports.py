"""From the order router's messages to the account's: its sequence, its event time, its strategies' shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.order_life import FINAL
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.message import Emit, Event
from tradewire.trading.exchange import Side
from tradewire.trading.wire import e8


def routed_reports(account: ExecutionAccount, emits: Iterable[Emit]) -> list[Emit]:
    """Each message as the account says it; keeps the orders' records and the strategies' shares."""
    return [replace(emit, event=_booked(account, emit)) for emit in emits]


def _booked(account: ExecutionAccount, emit: Emit) -> Event:
    event = emit.event
    if isinstance(event, OrderFilled):
        _share(account, event)
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


def _share(account: ExecutionAccount, fill: OrderFilled) -> None:
    """A fill moves share and results of its strategy; one that is not ours and closes the position ends all shares."""
    order = account.orders.get(fill.client_order_id)
    if order is not None:
        order.filled_e8 += e8(fill.qty)
    account.book_result(fill.strategy_id, realized_e8=e8(fill.realized_pnl), fee_e8=e8(fill.fee))
    if not fill.strategy_id:
        if not fill.position_after:
            for key in [key for key in account.shares_e8 if key[1] == fill.symbol]:
                del account.shares_e8[key]
        return
    key = (fill.strategy_id, fill.symbol)
    account.shares_e8[key] = account.shares_e8.get(key, 0) + Side(fill.side.value).sign * e8(fill.qty)
    if not account.shares_e8[key]:
        del account.shares_e8[key]
