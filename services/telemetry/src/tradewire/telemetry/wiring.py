"""The only file that names adapters."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from prometheus_client import REGISTRY

from tradewire.ports.message import Emit
from tradewire.ports.telemetry import LogStorePort
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.process import version_of
from tradewire.runtime.service import Service
from tradewire.telemetry.adapters.api.chart import ChartRoutes
from tradewire.telemetry.adapters.api.dead_letters import DeadLetterRoutes
from tradewire.telemetry.adapters.api.examples import INVALID
from tradewire.telemetry.adapters.api.explain import ExplainRoutes
from tradewire.telemetry.adapters.api.history import HistoryRoutes
from tradewire.telemetry.adapters.api.platform import PARTITIONS_HEADER, PlatformRoutes
from tradewire.telemetry.adapters.api.results import ResultRoutes
from tradewire.telemetry.adapters.api.state import StateRoutes
from tradewire.telemetry.adapters.api.stream import AT_HEADER, UpdateStream
from tradewire.telemetry.adapters.decisions import DecisionMessages
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.adapters.postgres_log_store import PostgresLogStore
from tradewire.telemetry.adapters.prometheus import PrometheusTelemetry
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.handlers import inputs
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.store import TelemetryStore
from tradewire.trading.candle_watch import METRICS

DAY_US = 86_400_000_000
API = "/api/v1"
ANSWER_HEADERS = {
    AT_HEADER: {"schema": {"type": "string"}, "description": "Position in the stream that the answer has."},
    PARTITIONS_HEADER: {"schema": {"type": "string"}, "description": "Whose accounts it shows, e.g. 0,2 of 6."},
}
"""Of every answer, for the OpenAPI document."""


def build(settings: Settings) -> Service:
    """The telemetry service as a value, with the state API over the same books."""
    clock = SystemClock()
    stream = UpdateStream(clock, lambda: desk.newest_event_time_us())  # the desk is made below
    log_store = MemoryLogStore() if settings.telemetry_dsn is None else PostgresLogStore(settings.telemetry_dsn)
    metrics = PrometheusTelemetry(
        REGISTRY,
        newest=lambda: [(t, seen.newest_us) for t, seen in desk.freshness.items()],  # the desk is made below
    )
    desk = TelemetryDesk(Books(), market_sample=settings.market_sample, listener=stream.publish, timer=metrics.time)
    records_max, keep_us = settings.restore_records_max, round(settings.log_store_days * DAY_US)
    told = stream.begin_anew
    store = TelemetryStore(
        desk, log_store, metrics, clock, restored=told, restore_records_max=records_max, keep_us=keep_us
    )

    def running(_: int) -> Iterable[Emit]:
        # Only now is it certain that the worker will close the store, and with it every reader's stream.
        stream.open()
        return ()

    async def closed() -> None:
        stream.close()

    def renew() -> Service:
        # The routes show these books, so they stay and are emptied: the store fills them again.
        desk.clear()
        return service

    platform = PlatformRoutes(desk, stream, clock, instances=store.instances, held=store.held)
    platform.environment, platform.version = settings.environment, version_of("telemetry")
    service = Service(
        name="telemetry",
        inputs=inputs(desk),
        store=store,
        status=desk.status,
        waits=lambda: desk.candles.watch.waits(),
        metrics=METRICS,
        figures=lambda: desk.candles.watch.figures(),
        tick=running,
        closed=closed,
        routes=_api(desk, store, log_store, stream, platform),
        renew=renew,
    )
    return service


def _api(
    desk: TelemetryDesk,
    store: TelemetryStore,
    log_store: LogStorePort,
    stream: UpdateStream,
    platform: PlatformRoutes,
) -> APIRouter:
    told = [Depends(stream.tell_position), Depends(platform.tell_partitions)]
    api = APIRouter(prefix=API, responses=INVALID, dependencies=told)
    books = desk.books
    for router in (
        platform.router,
        DeadLetterRoutes(store.dead_letters, SystemClock()).router,
        StateRoutes(books).router,
        ChartRoutes(desk.history, books).router,
        ResultRoutes(books).router,
        ExplainRoutes(books, desk.history, DecisionMessages(books, log_store)).router,
        HistoryRoutes(log_store, desk.freshness, store.end_offsets).router,
        stream.router,
    ):
        for route in (one for one in router.routes if isinstance(one, APIRoute)):
            route.responses[200] = {**route.responses.get(200, {}), "headers": ANSWER_HEADERS}
        api.include_router(router)
    return api
