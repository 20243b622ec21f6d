"""What /health says about accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.following import Following
from tradewire.ports.message import WaitReason
from tradewire.trading.language import interval_name


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


def accounts_wait_for(accounts: Iterable[ExecutionAccount], following: Following) -> Iterator[WaitReason]:
    """What keeps accounts from their next step: risk's answers, the venue's, or bars that are not here.

    A decision about a bar that is far ahead is told beside the step in hand: it stays while others come and go.
    """
    for account in accounts:
        bar_us, decided_us = account.oldest_candle_us(), min(account.assessments, default=None)
        if owed := account.execution.owes:
            yield WaitReason("venue", f"{account.account_id}: {owed}", bar_us)
        if account.awaits_us is not None:
            yield WaitReason("assessments", f"{account.account_id}: risk's answers", account.awaits_us)
        elif bar_us is not None and not owed:
            yield from _missing_bars(account, following, bar_us)
        if decided_us is not None and decided_us not in (account.awaits_us, bar_us):
            yield from _missing_bars(account, following, decided_us)


def _missing_bars(account: ExecutionAccount, following: Following, step_us: int) -> Iterator[WaitReason]:
    """Bars that a step of an account waits for: each symbol, with its interval."""
    owed = following.owed(account, step_us, following.feeds(account, step_us))
    bars = [f"{symbol} {interval_name(interval_us)}" for _, symbol, interval_us in sorted(account.lacking(owed))]
    if bars:
        yield WaitReason("candles", f"{account.account_id}: bars of {', '.join(bars)}", step_us)
