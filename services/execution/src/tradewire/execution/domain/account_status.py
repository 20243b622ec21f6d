"""What /health says about accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.following import Following
from tradewire.ports.message import WaitReason


def accounts_status(accounts: Iterable[ExecutionAccount], following: Following) -> dict[str, object]:
    """Each account's event time, buffers and open orders, why it is halted, and whether it is reconciled; by id."""
    return {
        account.account_id: {
            "event_time_us": account.time_us,
            "awaits_us": account.awaits_us,
            "buffered_candles": sum(map(len, account.candles.values())),
            "open_orders": len(account.orders),
            "closing": following.closing(account),
            "halted": account.execution.halted,
            "reconciled": account.execution.reconciled,
        }
        for account in accounts
    }


def accounts_wait_for(accounts: Iterable[ExecutionAccount]) -> Iterator[WaitReason]:
    """What keeps accounts from their next step: risk's answers, or the venue's."""
    for account in accounts:
        if owed := account.execution.owes:
            yield WaitReason("venue", f"{account.account_id}: {owed}", account.oldest_candle_us())
        if account.awaits_us is not None:
            yield WaitReason("assessments", f"{account.account_id}: risk's answers", account.awaits_us)
