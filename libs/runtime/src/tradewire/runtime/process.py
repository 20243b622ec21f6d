"""A process: one or several services on one bus, with health, metrics, logs, traces and signals."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import signal
import sys
from collections.abc import Sequence

import uvloop
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.failures import run_in_turn
from tradewire.runtime.garbage import rare_collections
from tradewire.runtime.health import Health, HealthServer, StallWatch, health_app
from tradewire.runtime.heartbeat import Heartbeat
from tradewire.runtime.logs import LogCounter, configure_logging
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.tracing import Tracing
from tradewire.runtime.worker import Worker

log = logging.getLogger(__name__)
CONNECT_TRIES = 30


def version_of(service: str) -> str:
    """Installed version of a service's distribution."""
    try:
        return importlib.metadata.version(f"tradewire-{service}")
    except importlib.metadata.PackageNotFoundError:
        return "0"


async def start_bus(bus: EventBusPort, settings: RuntimeSettings) -> None:
    """Connect, waiting for servers that are still starting. Raises RetryableError after the last try."""
    pause_s = 0.1
    for attempt in range(1, CONNECT_TRIES + 1):
        try:
            return await bus.start()
        except RetryableError as error:
            if attempt == CONNECT_TRIES:
                raise
            log.warning(
                "bus not reachable, trying again: %s",
                error,
                extra={"event": "bus_unreachable", "attempt": attempt},
            )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, settings.retry_seconds_max)
    return None


async def serve(
    services: Sequence[Service],
    bus: EventBusPort,
    settings: RuntimeSettings,
    *,
    stop: asyncio.Event,
    clock: ClockPort | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Run the services on a started bus until ``stop`` or the first failure. Raises what a worker raised."""
    clock, metrics = clock or SystemClock(), metrics or Metrics()
    tracings, workers = await _workers(services, bus, settings, clock, metrics)
    health = Health(workers, clock, bus if isinstance(bus, StallWatch) else None)
    server: HealthServer | None = None
    if settings.http_port is not None:
        app = health_app(health, metrics, f"tradewire {' '.join(s.name for s in services)}")
        for routes in (s.routes for s in services if s.routes is not None):
            app.include_router(routes)
        server = HealthServer(app, settings.http_host, settings.http_port, settings.http_port_file)
        await server.start()
    beats = [asyncio.create_task(health.beat()), asyncio.create_task(Heartbeat(workers, bus, metrics, clock).beat())]
    counter = LogCounter(metrics.log_records)
    logging.getLogger().addHandler(counter)
    try:
        with rare_collections():
            async with asyncio.TaskGroup() as group:
                for place, worker in enumerate(workers):
                    group.create_task(run_in_turn(workers, place, stop), name=worker.service.name)
    finally:
        for beat in beats:
            beat.cancel()
        await asyncio.gather(*beats, return_exceptions=True)
        logging.getLogger().removeHandler(counter)
        if server is not None:
            await server.close()
        for tracing in tracings:
            tracing.close()


async def _workers(
    services: Sequence[Service], bus: EventBusPort, settings: RuntimeSettings, clock: ClockPort, metrics: Metrics
) -> tuple[list[Tracing], list[Worker]]:
    """A worker per service, and the spans of each. Raises FatalError and RetryableError of the registry."""
    ids = SchemaIds.static() if settings.registry_url is None else await SchemaIds.from_registry(settings.registry_url)
    codec = Codec(ids)
    exporter = OTLPSpanExporter(endpoint=settings.otlp_url) if settings.otlp_url is not None else None
    tracings = [Tracing(s.name, version_of(s.name), exporter, settings.trace_ratio) for s in services]
    workers = [
        Worker(
            s,
            bus,
            codec,
            clock=clock,
            tracing=t,
            metrics=metrics,
            settings=settings,
            version=version_of(s.name),
        )
        for s, t in zip(services, tracings, strict=True)
    ]
    for service in services:
        metrics.build_info.labels(service.name, version_of(service.name)).set(1)
    return tracings, workers


def run(*services: Service, settings: RuntimeSettings) -> None:
    """Main function of every service process: serve until SIGTERM or SIGINT; exit 1 after a failure."""
    name = services[0].name if len(services) == 1 else "monolith"
    configure_logging(
        service=name,
        version=version_of(name),
        environment=settings.environment,
        level=settings.log_level,
        folder=settings.log_folder,
    )

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        patient = not any(service.outputs for service in services)
        bus = connect(settings.bus_url, client_id=settings.member or name, patient=patient)
        await start_bus(bus, settings)
        try:
            await serve(services, bus, settings, stop=stop)
        finally:
            await bus.close()

    try:
        uvloop.run(main())
    except* TradewireError as group:
        for error in group.exceptions:
            log.critical("%s", error, exc_info=error, extra={"event": "crashed"})
        sys.exit(1)
    except* Exception as group:
        for crash in group.exceptions:
            log.critical("unexpected: %s", crash, exc_info=crash, extra={"event": "crashed"})
        sys.exit(1)
