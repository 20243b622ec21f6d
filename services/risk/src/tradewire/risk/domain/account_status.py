"""What /health says about accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tradewire.ports.message import Envelope, WaitReason
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.closed_bars import waiting_us
from tradewire.trading.roster import Stream

Owing = Callable[[RiskAccount], Iterable[Stream]]
"""Streams whose evaluations an account waits for."""


def accounts_status(accounts: Iterable[RiskAccount], owing: Owing) -> dict[str, object]:
    """Each account's buffers, by id, and the records that wait, as `dlq skip` takes them."""
    return {
        account.account_id: {
            "waiting_steps": len(account.steps),
            "oldest_step": [place_of(one.envelope) for one in account.steps.get(account.oldest_us or 0, {}).values()],
            "newest_state": place_of(account.states[-1].envelope) if account.states else None,
            "waits_for": sorted(f"{stream.strategy_id}:{stream.symbol}" for stream in owing(account)),
            "buffered_states": len(account.states),
            "peak_equity": str(account.peak_equity),
        }
        for account in accounts
    }


def place_of(record: Envelope) -> str:
    """Topic, partition and offset."""
    return f"{record.topic} {record.partition} {record.offset}"


def accounts_wait_for(accounts: Iterable[RiskAccount], owing: Owing) -> Iterator[WaitReason]:
    """What keeps accounts from answering their oldest step: evaluations, or the account's state.

    An account whose state is here waits for the evaluations of its bar.
    """
    for account in accounts:
        if (step_us := waiting_us(account)) is None:
            continue
        streams = ", ".join(sorted(f"{stream.strategy_id} on {stream.symbol}" for stream in owing(account)))
        if streams:
            yield WaitReason("evaluations", f"{account.account_id}: evaluations of {streams}", step_us)
        elif account.oldest_us is not None:
            yield WaitReason("account_state", f"{account.account_id}: the account's state", step_us)
