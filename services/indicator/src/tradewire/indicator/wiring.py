"""The only file that names adapters."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.indicator.domain.desk import IndicatorDesk
from tradewire.indicator.handlers import inputs
from tradewire.indicator.settings import Settings
from tradewire.ports.errors import FatalError
from tradewire.ports.events import AuditRecorded, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Event
from tradewire.runtime.service import Service
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.trading.candle_watch import METRICS
from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.indicators.adapted import adapted
from tradewire.trading.indicators.adapters.choice import Adapter, adapter_of


def build(settings: Settings) -> Service:
    """The indicator service as a value. Raises FatalError when the library asked for is not installed."""
    desk = IndicatorDesk(_catalogue(settings.indicator_adapter), settings.indicator_adapter)

    def restored(partition: int, event: Event) -> None:
        assert isinstance(event, IndicatorStateSaved)
        desk.restore(partition, event)

    return Service(
        name="indicator",
        inputs=inputs(desk),
        outputs=(IndicatorsUpdated, AuditRecorded),
        store=ChangelogStore(IndicatorStateSaved, changed=desk.changed, restored=restored, forgotten=desk.forget),
        status=desk.status,
        waits=desk.watch.waits,
        metrics=METRICS,
        figures=desk.watch.figures,
        renew=lambda: build(settings),
    )


def _catalogue(adapter: Adapter) -> Mapping[str, Indicator]:
    if adapter is Adapter.NATIVE:
        return INDICATORS
    try:
        return adapted(adapter_of(adapter))
    except ImportError as error:
        raise FatalError(f"TRADEWIRE_INDICATOR_ADAPTER={adapter}: its library is not installed: {error}") from error
