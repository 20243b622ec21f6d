"""What an account remembers of its feeds survives a restart, also where it was saved without intervals."""

from __future__ import annotations

import json
from typing import Any

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.execution_port import ExecutionPort
from tradewire.testkit.builders import ACCOUNT, BTC, HOUR_US, VENUE, candle
from tradewire.testkit.execution_desk import desk_with, told
from tradewire.trading.pending_offsets import PendingOffsets


def saved_account(**candle_fields: Any) -> ExecutionAccount:
    """An account to which one hourly bar happened."""
    desk = desk_with()
    told(desk, candle(0, **candle_fields))
    (account,) = desk.changed()
    return account


def restored(saved: bytes, execution: ExecutionPort) -> ExecutionAccount:
    """What comes back from ``saved``; its orders are of no matter here."""
    return ExecutionAccount.restored(ACCOUNT, saved, PendingOffsets(), lambda *_: execution)


def test_account_when_restored_then_knows_which_bars_of_which_interval_happened_and_ended() -> None:
    account = saved_account(last_of_stream=True)
    again = restored(account.saved(), account.execution)
    assert again.happened_us == {(VENUE, BTC, HOUR_US): HOUR_US}
    assert again.ended == {(VENUE, BTC, HOUR_US)}


def test_account_when_saved_without_intervals_then_what_happened_counts_for_any() -> None:
    account = saved_account(last_of_stream=True)
    data = json.loads(account.saved())
    data |= {"ended": [[VENUE, BTC]], "happened_us": [[VENUE, BTC, HOUR_US]]}
    again = restored(json.dumps(data).encode(), account.execution)
    hourly, four_hourly = (VENUE, BTC, HOUR_US), (VENUE, BTC, 4 * HOUR_US)
    assert again.happened_us[hourly] == again.happened_us[four_hourly] == HOUR_US
    assert {hourly, four_hourly} <= again.ended
