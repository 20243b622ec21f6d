"""The only file that names adapters."""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.ports.events import RiskAssessed, RiskStateSaved
from tradewire.ports.message import Event
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.account import Account
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.handlers import inputs
from tradewire.risk.settings import Settings
from tradewire.runtime.changelog import ChangelogStore
from tradewire.runtime.service import Service


def build(settings: Settings) -> Service:
    """The risk service as a value."""
    grace_us = round(settings.join_grace_seconds * 1e6) if settings.join_grace_seconds is not None else None
    desk = RiskDesk(MemoryRules(), grace_us=grace_us)
    store = ChangelogStore(
        RiskStateSaved,
        changed=lambda: _changed(desk),
        restored=lambda p, e: _restored(desk, p, e),
        forgotten=desk.forget,
    )
    return Service(
        name="risk",
        inputs=inputs(desk),
        outputs=(RiskAssessed,),
        store=store,
        held=desk.held.lowest,
        backlog=desk.held.counts,
        tick=desk.tick,
        status=desk.status,
    )


def _changed(desk: RiskDesk) -> Iterator[tuple[int, Event]]:
    for partition, account in desk.changed():
        newest_us = max(account.answered_us.values(), default=0)
        yield (
            partition,
            RiskStateSaved(account_id=account.account_id, event_time_us=newest_us, state=account.saved()),
        )


def _restored(desk: RiskDesk, partition: int, event: Event) -> None:
    assert isinstance(event, RiskStateSaved)
    desk.restore(partition, Account.restored(event.account_id, event.state, desk.held))
