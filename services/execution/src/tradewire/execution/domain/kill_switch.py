"""What execution does about the kill switch: orders that a level does not let work are withdrawn, or never placed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from tradewire.execution.domain.account import ExecutionAccount, OrderRecord
from tradewire.ports.events import ControlChanged, ControlLevel, OrderChanged, OrderIntent, OrderLeg, OrderStatus, Side
from tradewire.ports.message import Emit, Envelope
from tradewire.trading.controls import Controls, may_work

REASON = "kill_switch"


def reason(level: ControlLevel) -> str:
    """Why an order ended, as the order event tells it."""
    return f"{REASON} {level.value}"


def permitted(intents: Iterable[OrderIntent], level: ControlLevel) -> Iterator[tuple[OrderIntent, bool]]:
    """Each approved order as it may be placed under a level, and whether it may; with an entry go its guards.

    They were approved before the level was known. At REDUCE_ONLY an exit can only reduce the account's position.
    """
    denied: set[str] = set()
    for intent in intents:
        allowed = may_work(level, intent.leg) and intent.parent_id not in denied
        if not allowed:
            denied.add(intent.client_order_id)
        elif level is ControlLevel.REDUCE_ONLY and intent.leg is OrderLeg.EXIT and not intent.reduce_only:
            yield intent.model_copy(update={"reduce_only": True}), True
            continue
        yield intent, allowed


class KillSwitch:
    """The levels in force, and the accounts on which they are still to be carried out."""

    def __init__(self) -> None:
        self.controls = Controls()
        self._cause = Envelope(event_id="")
        self._due: set[str] = set()

    def take(self, event: ControlChanged, envelope: Envelope, accounts: Collection[str]) -> None:
        """A level was asked for."""
        if self.controls.apply(event, envelope.offset):
            self._cause, self._due = envelope, set(accounts)

    def on_deleted(self, scope: str, envelope: Envelope) -> Iterable[Emit]:
        """The record of a scope was deleted: nothing is asked of it any more."""
        self.controls.lift(scope, envelope.offset)
        return ()

    def begin(self, account_id: str) -> None:
        """An account was taken over: its orders are of a time when the level may have been another."""
        self._due.add(account_id)

    def end(self, account_id: str) -> None:
        """An account is written by another from now on."""
        self._due.discard(account_id)

    def due(self) -> list[str]:
        """Accounts that do not obey yet."""
        return sorted(self._due)

    def carry_out(self, account: ExecutionAccount) -> Iterator[Emit]:
        """Withdraw what is at work on an account and may not be, at the account's event time."""
        if account.account_id not in self._due:
            return
        self._due.discard(account.account_id)
        time_us = max(account.time_us, 0)
        for client_id, order in list(account.orders.items()):
            level = self.controls.level(account.account_id, order.strategy_id)
            if client_id in account.orders and not _may_stay(account, order, level):
                for emit in account.execution.cancel(client_id, self._cause, time_us):
                    yield _because(emit, client_id, level)


def _may_stay(account: ExecutionAccount, order: OrderRecord, level: ControlLevel) -> bool:
    leg = OrderLeg(order.leg)
    may_cross = leg is OrderLeg.EXIT and not order.reduce_only and not account.execution.hedged
    if level is ControlLevel.REDUCE_ONLY and may_cross:
        held = account.execution.positions_e8().get(order.symbol, 0)
        return held < 0 if order.side == Side.BUY else held > 0
    return may_work(level, leg)


def _because(emit: Emit, client_id: str, level: ControlLevel) -> Emit:
    """An order's end with the kill switch as its reason."""
    event = emit.event
    if isinstance(event, OrderChanged) and event.client_order_id == client_id and event.status is OrderStatus.CANCELED:
        return replace(emit, event=event.model_copy(update={"reason": reason(level)}))
    return emit
