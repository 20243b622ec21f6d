"""What a new process must know of an account that an old one decided for."""

from __future__ import annotations

from tradewire.ports.events import RiskDecision, Signal
from tradewire.risk.domain.account import RiskAccount
from tradewire.testkit.builders import BTC, ETH, account_state, evaluation, limits
from tradewire.testkit.risk_desk import desk_with, say
from tradewire.trading.pending_offsets import PendingOffsets


def test_orders_a_minute_when_risk_restarts_then_those_before_count() -> None:
    desk = desk_with(limits(max_orders_per_minute=1), symbols=(BTC, ETH))
    say(desk, account_state(0))
    say(desk, evaluation(0, Signal.HOLD, ETH))
    entered, _ = say(desk, evaluation(0))
    assert entered.decision is RiskDecision.APPROVED
    ((_, account),) = desk.changed()

    restored = RiskAccount.restored("alpha", account.saved(), PendingOffsets())
    assert restored.orders_last_minute(evaluation(0).event_time_us + 30_000_000) == 1
