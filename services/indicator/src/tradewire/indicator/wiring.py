"""The only file that names adapters."""

from __future__ import annotations

from tradewire.indicator.domain.desk import IndicatorDesk
from tradewire.indicator.handlers import inputs
from tradewire.indicator.settings import Settings
from tradewire.ports.events import AuditRecorded, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Event
from tradewire.runtime.changelog import ChangelogStore
from tradewire.runtime.service import Service


def build(settings: Settings) -> Service:
    """The indicator service as a value."""
    desk = IndicatorDesk()

    def restored(partition: int, event: Event) -> None:
        assert isinstance(event, IndicatorStateSaved)
        desk.restore(partition, event)

    return Service(
        name="indicator",
        inputs=inputs(desk),
        outputs=(IndicatorsUpdated, AuditRecorded),
        store=ChangelogStore(IndicatorStateSaved, changed=desk.changed, restored=restored, forgotten=desk.forget),
        status=desk.status,
    )
