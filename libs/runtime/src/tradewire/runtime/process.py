"""A process: one or several services on one bus, with health, metrics, logs, traces and signals.

Signals and HTTP come first and go last: probes are answered, and SIGTERM ends the process within its grace, in every
phase, also while it waits for its servers.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import uvloop
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError, TradewireError
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.access.http import ADMITTED, face_access, guard
from tradewire.runtime.bus import connect
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds, schema_set
from tradewire.runtime.environment import SettingsRefusedError, load
from tradewire.runtime.loop.connecting import closed, in_thread, until_reached
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.loop.garbage import rare_collections
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.failures_logged import why
from tradewire.runtime.observe.figures import Figures
from tradewire.runtime.observe.health import Booting, Health, HealthServer, StallWatch, health_app
from tradewire.runtime.observe.heartbeat import Heartbeat
from tradewire.runtime.observe.instances import Instances
from tradewire.runtime.observe.logs import LogCounter, configure_logging
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.secrets import scrub
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.runtime.usage import USAGE, answer_help

log = logging.getLogger(__name__)
STALL_LOOK_SECONDS = 1.0
S = TypeVar("S", bound=RuntimeSettings)


def version_of(service: str) -> str:
    """Installed version of a service's distribution."""
    try:
        return importlib.metadata.version(f"tradewire-{service}")
    except importlib.metadata.PackageNotFoundError:
        return "0"


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
    async with face(services, settings, clock, metrics) as health:
        await _work(services, bus, settings, health, stop=stop, clock=clock, metrics=metrics)


async def _connect_and_serve(
    services: Sequence[Service], bus: EventBusPort, settings: RuntimeSettings, stop: asyncio.Event
) -> None:
    """The same on a bus that is still to be reached. Raises what a worker raised."""
    clock, metrics = SystemClock(), Metrics()
    async with face(services, settings, clock, metrics) as health:
        try:
            await until_reached(
                bus.start, stop=stop, pause_seconds_max=settings.retry_seconds_max, note=health.note_waiting("the bus")
            )
            if not stop.is_set():
                await _work(services, bus, settings, health, stop=stop, clock=clock, metrics=metrics)
        finally:
            await closed(bus.close(), "the bus")


@asynccontextmanager
async def face(
    services: Sequence[Service], settings: RuntimeSettings, clock: ClockPort, metrics: Metrics
) -> AsyncIterator[Health]:
    """HTTP, beats and counters around everything else. Raises FatalError when it can't or may not listen."""
    health = Health([Booting(service) for service in services], clock, wait_s=settings.ready_wait_seconds)
    server: HealthServer | None = None
    counter = LogCounter(metrics.log_records)
    logging.getLogger().addHandler(counter)
    beat = asyncio.create_task(health.beat())
    try:
        if settings.http_port is not None:
            app = health_app(health, metrics, f"tradewire {' '.join(s.name for s in services)}")
            guard(app, face_access(services, settings), settings.http_host)
            for routes in (s.routes for s in services if s.routes is not None):
                app.include_router(routes, dependencies=ADMITTED)
            server = HealthServer(app, settings.http_host, settings.http_port, settings.http_port_file)
            await server.start()
        yield health
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        logging.getLogger().removeHandler(counter)
        if server is not None:
            await server.close()


async def _work(
    services: Sequence[Service],
    bus: EventBusPort,
    settings: RuntimeSettings,
    health: Health,
    *,
    stop: asyncio.Event,
    clock: ClockPort,
    metrics: Metrics,
) -> None:
    """The workers on a bus that is reached, until ``stop`` or the first failure. Raises what a worker raised."""
    ids = await until_reached(
        lambda: schema_ids(settings),
        stop=stop,
        pause_seconds_max=settings.retry_seconds_max,
        note=health.note_waiting("the schema registry"),
    )
    if ids is None:
        return
    codec = Codec(ids)
    tracings, workers = _workers(services, bus, settings, codec, clock, metrics)
    health.watch(workers, bus if isinstance(bus, StallWatch) else None)
    figures = Figures(lambda: [worker.service for worker in workers])
    metrics.registry.register(figures)
    try:
        heartbeat = Heartbeat(workers, bus, metrics, clock, health)
        async with beats(health, heartbeat, Instances(workers, bus, codec, health, settings, clock)):
            await _until_stopped(workers, bus, stop, clock)
    finally:
        metrics.registry.unregister(figures)
        for tracing in tracings:
            await closed(in_thread(tracing.close), "the exporter of spans")


@asynccontextmanager
async def beats(health: Health, heartbeat: Heartbeat, instances: Instances) -> AsyncIterator[None]:
    """What is told of the workers meanwhile; their end, when it was orderly."""
    health.own_waits = instances.waits
    beating = [asyncio.create_task(telling) for telling in (instances.report(), heartbeat.beat())]
    try:
        yield
        await closed(instances.once(phase="stopped"), "the report of the end")
    except Exception as error:
        await closed(instances.once(phase="ended", error=why(error)), "the report of the end")
        raise
    finally:
        for beat in beating:
            beat.cancel()
        await asyncio.gather(*beating, return_exceptions=True)


async def _until_stopped(workers: list[Worker], bus: EventBusPort, stop: asyncio.Event, clock: ClockPort) -> None:
    with rare_collections():
        async with asyncio.TaskGroup() as group:
            if isinstance(bus, StallWatch):
                group.create_task(_until_stuck(bus, clock, stop))
            for place, worker in enumerate(workers):
                group.create_task(run_in_turn(workers, place, stop), name=worker.service.name)


async def _until_stuck(bus: StallWatch, clock: ClockPort, stop: asyncio.Event) -> None:
    """Watch the bus until ``stop``. Raises FatalError for a client that silently stopped delivering."""
    while not stop.is_set():
        if stuck := bus.stalled(clock.monotonic_s()):
            raise FatalError(f"the consumer is given nothing of {len(stuck)} partitions that have records: {stuck[:3]}")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), STALL_LOOK_SECONDS)


async def schema_ids(settings: RuntimeSettings) -> SchemaIds:
    """Raises RetryableError and FatalError of the registry."""
    return SchemaIds.static() if settings.registry_url is None else await SchemaIds.from_registry(settings.registry_url)


def _tracing(service: str, settings: RuntimeSettings, clock: ClockPort) -> Tracing:
    exporter = OTLPSpanExporter(endpoint=settings.otlp_url) if settings.otlp_url is not None else None
    return Tracing(
        service,
        version_of(service),
        exporter,
        settings.trace_ratio,
        settings.environment,
        bus_url=settings.bus_url,
        instance=settings.member or f"{socket.gethostname()}:{os.getpid()}",
        clock=clock,
    )


def _workers(
    services: Sequence[Service],
    bus: EventBusPort,
    settings: RuntimeSettings,
    codec: Codec,
    clock: ClockPort,
    metrics: Metrics,
) -> tuple[list[Tracing], list[Worker]]:
    """A worker per service, and the spans of each."""
    tracings = [_tracing(s.name, settings, clock) for s in services]
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
        version, mode = version_of(service.name), service.mode or "unknown"
        metrics.build_info.labels(service.name, version, settings.revision, schema_set()).set(1)
        metrics.mode_info.labels(service.name, mode).set(1)
        written = [BY_EVENT[event].name for event in service.outputs]
        metrics.begin(service.name, [item.topic for item in service.inputs], written)
    return tracings, workers


def main(kind: type[S], build: Callable[[S], Service]) -> None:
    """Main function of every service: serve until SIGTERM or SIGINT.

    Exit code 0 when stopped; 2, and one sentence, for wrong settings; 1 after a failure. ``--help`` tells the settings.
    """
    answer_help(kind)

    def made() -> tuple[S, list[Service]]:
        settings = load(kind)
        return settings, [build(settings)]

    main_of_several(made)


def main_of_several(made: Callable[[], tuple[RuntimeSettings, Sequence[Service]]], name: str = "") -> None:
    """Main function of a process of one service or more, called ``name`` or as the first of them. See ``main``."""
    try:
        settings, services = made()
        name = name or services[0].name
        face_access(services, settings)
        bus = bus_of(settings, name, patient=not any(service.outputs for service in services))
    except FatalError as error:  # nothing but settings has been read
        sys.stderr.write(f"{scrub(str(error))}\n")
        sys.exit(USAGE)
    run(lambda stop: _connect_and_serve(services, bus, settings, stop), name=name, settings=settings)


def bus_of(settings: RuntimeSettings, name: str, *, patient: bool = False) -> EventBusPort:
    """The bus of the settings, not started yet. Raises SettingsRefusedError."""
    try:
        return connect(settings.bus_url, client_id=settings.member or name, patient=patient)
    except ValueError as error:
        raise SettingsRefusedError(scrub(f"TRADEWIRE_BUS_URL: {error}")) from None


def run(serving: Callable[[asyncio.Event], Awaitable[None]], *, name: str, settings: RuntimeSettings) -> None:
    """Serve until SIGTERM or SIGINT sets the event; exit 1 after a failure."""
    configure_logging(
        service=name,
        version=version_of(name),
        environment=settings.environment,
        level=settings.log_level,
        folder=settings.log_folder,
    )

    async def work() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serving(stop)

    try:
        uvloop.run(work())
    except* TradewireError as group:
        for error in group.exceptions:
            log.critical("%s", error, exc_info=error, extra={"event": "crashed"})
        sys.exit(1)
    except* Exception as group:
        for crash in group.exceptions:
            log.critical("unexpected: %s", why(crash), exc_info=crash, extra={"event": "crashed"})
        sys.exit(1)
