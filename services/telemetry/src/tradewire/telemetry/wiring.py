"""The only file that names adapters."""

from __future__ import annotations

from prometheus_client import REGISTRY

from tradewire.runtime.clock import SystemClock
from tradewire.runtime.service import Service
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.adapters.postgres_log_store import PostgresLogStore
from tradewire.telemetry.adapters.prometheus import PrometheusTelemetry
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.figures import figures
from tradewire.telemetry.handlers import inputs
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.store import TelemetryStore

DAY_US = 86_400_000_000


def build(settings: Settings) -> Service:
    """The telemetry service as a value."""
    desk = TelemetryDesk(Books(), market_sample=settings.market_sample)
    log_store = MemoryLogStore() if settings.telemetry_dsn is None else PostgresLogStore(settings.telemetry_dsn)
    metrics = PrometheusTelemetry(
        REGISTRY,
        figures=lambda: figures(desk.books),
        newest=lambda: [(topic, seen.newest_us) for topic, seen in desk.freshness.items()],
    )
    store = TelemetryStore(
        desk,
        log_store,
        metrics,
        SystemClock(),
        restore_records_max=settings.restore_records_max,
        keep_us=round(settings.log_store_days * DAY_US),
    )
    return Service(name="telemetry", inputs=inputs(desk), store=store, status=desk.status)
