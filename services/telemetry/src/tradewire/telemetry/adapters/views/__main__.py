"""The windowed views as a process: ``python -m tradewire.telemetry.adapters.views``."""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

from prometheus_client import REGISTRY, CollectorRegistry

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.runtime.access.http import face_access
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, schema_set
from tradewire.runtime.environment import SettingsRefusedError, load
from tradewire.runtime.loop.connecting import closed, until_reached
from tradewire.runtime.observe.health import Health
from tradewire.runtime.observe.heartbeat import Heartbeat
from tradewire.runtime.observe.instances import Instances
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import beats, bus_of, face, run, schema_ids, version_of
from tradewire.runtime.service import Service
from tradewire.runtime.usage import USAGE, answer_help
from tradewire.telemetry.adapters.views.positions import begin_again_if_ahead
from tradewire.telemetry.adapters.views.routes import ViewRoutes
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.watching import Watching, places_of
from tradewire.telemetry.adapters.views.worker import NAME, TOPIC_NAMES, ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.telemetry.settings import Settings


async def serve(
    settings: Settings,
    bus: EventBusPort,
    stop: asyncio.Event,
    *,
    clock: ClockPort | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> None:
    """Keep the views until ``stop``. Raises TradewireError."""
    windows, service = _made(settings)
    clock, metrics = clock or SystemClock(), Metrics(registry)
    metrics.build_info.labels(NAME, version_of("telemetry"), settings.revision, schema_set()).set(1)
    metrics.mode_info.labels(NAME, "unknown").set(1)
    metrics.begin(NAME, TOPIC_NAMES, ())
    async with face([service], settings, clock, metrics) as health:
        try:
            await _connected(settings, bus, stop, health)
            if not stop.is_set():
                await _work(settings, bus, stop, health, (service, windows, clock, metrics))
        finally:
            await closed(bus.close(), "the bus")


def _made(settings: Settings) -> tuple[Windows, Service]:
    windows = Windows(size_us=round(settings.view_window_seconds * 1e6), kept=settings.view_windows_kept)
    return windows, Service(name=NAME, routes=ViewRoutes(windows).router)


async def _connected(settings: Settings, bus: EventBusPort, stop: asyncio.Event, health: Health) -> None:
    await until_reached(
        bus.start, stop=stop, pause_seconds_max=settings.retry_seconds_max, note=health.note_waiting("the bus")
    )


async def _work(
    settings: Settings,
    bus: EventBusPort,
    stop: asyncio.Event,
    health: Health,
    parts: tuple[Service, Windows, ClockPort, Metrics],
) -> None:
    service, windows, clock, metrics = parts
    ids = await until_reached(
        lambda: schema_ids(settings),
        stop=stop,
        pause_seconds_max=settings.retry_seconds_max,
        note=health.note_waiting("the schema registry"),
    )
    if ids is None:
        return
    rows = Rows(settings.views_folder)
    try:
        places = await until_reached(
            lambda: _places(bus, rows),
            stop=stop,
            pause_seconds_max=settings.retry_seconds_max,
            note=health.note_waiting("the bus"),
        )
        if places is None:
            return
        for key, row in rows.read():
            rows.write(windows.put(key, row))
        codec = Codec(ids)
        worker = ViewWorker(settings.bus_url, codec, windows, rows, clock, metrics)
        told_by = version_of("telemetry"), clock, metrics
        watching = Watching(service, worker, bus, places, settings, ids, told_by)
        health.watch([watching], None)
        heartbeat = Heartbeat([watching], bus, metrics, clock, health)
        async with beats(health, heartbeat, Instances([watching], bus, codec, health, settings, clock)):
            await _until(stop, watching, worker)
    finally:
        rows.close()


async def _places(bus: EventBusPort, rows: Rows) -> list[Place]:
    """What is read, from its beginning when the group is ahead of the disk. Raises RetryableError."""
    await begin_again_if_ahead(bus, rows)
    return await places_of(bus)


async def _run(worker: ViewWorker) -> None:
    await worker.app.start()
    await worker.app.wait_until_stopped()


async def _until(stop: asyncio.Event, watching: Watching, worker: ViewWorker) -> None:
    """Run the application until ``stop``, its end or its stall. Raises FatalError for the latter two."""
    tasks = [asyncio.ensure_future(wait) for wait in (stop.wait(), _run(worker), watching.watch())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            for task in done:
                task.result()
            raise FatalError(f"faust ended by itself: {worker.app.crash_reason!r}")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await closed(worker.app.stop(), "faust")


def main() -> None:
    """Serve until SIGTERM or SIGINT; exit 1 after a failure, 2 for wrong settings."""
    answer_help(Settings)
    try:
        settings = load(Settings)
        face_access([_made(settings)[1]], settings)
        bus = bus_of(settings, NAME, patient=True)
        if urlsplit(settings.bus_url).scheme != "kafka":
            raise SettingsRefusedError("TRADEWIRE_BUS_URL: faust reads from Kafka only; allowed: kafka://host:port")
    except SettingsRefusedError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(USAGE)
    run(lambda stop: serve(settings, bus, stop), name=NAME, settings=settings)


if __name__ == "__main__":
    main()
