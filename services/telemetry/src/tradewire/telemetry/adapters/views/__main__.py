"""The windowed views as a process: ``python -m tradewire.telemetry.adapters.views``."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import FastAPI, Response

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.errors import FatalError, RetryableError, TradewireError
from tradewire.runtime.bus import connect
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.health import HealthServer
from tradewire.runtime.logs import configure_logging
from tradewire.runtime.process import start_bus, version_of
from tradewire.telemetry.adapters.views.routes import ViewRoutes
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.worker import TOPIC_NAMES, ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.telemetry.settings import Settings

log = logging.getLogger(__name__)
NAME = "telemetry-views"
LOOK_SECONDS = 15.0
LOOKS_WITHOUT_PROGRESS_MAX = 6
"""Then the worker is stalled while there is work (faust-streaming#175, #629): the process ends and is started again."""


async def _watch(worker: ViewWorker, bus: EventBusPort) -> None:
    """Ask the broker, not faust, whether there is work. Raises FatalError when none of it is done for long."""
    idle, before = 0, -1
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(RetryableError):
            behind = await records_behind(worker, bus)
            idle = idle + 1 if behind and worker.handled == before else 0
            before = worker.handled
            if idle >= LOOKS_WITHOUT_PROGRESS_MAX:
                raise FatalError(f"{behind} records wait and none was handled for {idle * LOOK_SECONDS:.0f} s")


async def records_behind(worker: ViewWorker, bus: EventBusPort) -> int:
    """Records between what this process has handled, or what the topic begins with, and the end."""
    places = [Place(topic, number) for topic in TOPIC_NAMES for number in range(await bus.partitions(topic))]
    begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
    return sum(max(0, ends[place] - worker.positions.get(place, begins[place])) for place in places)


def _face(worker: ViewWorker, windows: Windows) -> FastAPI:
    app = FastAPI(title="tradewire telemetry views")

    @app.get("/health", summary="State of the views")
    async def health(response: Response) -> dict[str, object]:
        running = bool(worker.app.started and not worker.app.crashed and worker.app.consumer.assignment())
        response.status_code = 200 if running else 503
        return {"status": "ok" if running else "starting", "services": {NAME: _report(worker, running=running)}}

    app.include_router(ViewRoutes(windows).router)
    return app


def _report(worker: ViewWorker, *, running: bool) -> dict[str, object]:
    """What every service tells of itself, as far as faust's worker has it."""
    return {
        "phase": "running" if running else "starting",
        "last_success_us": worker.last_success_us,
        "handled": worker.handled,
        "published": 0,
        "dead_letters": 0,
        "last_error": worker.last_error,
        "positions": {f"{topic}/{number}": offset for (topic, number), offset in sorted(worker.positions.items())},
        "details": {"skipped": worker.skipped},
    }


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Keep the views until ``stop``. Raises TradewireError."""
    url = urlsplit(settings.bus_url)
    if url.scheme != "kafka":
        raise FatalError(f"faust reads from Kafka only; TRADEWIRE_BUS_URL is {settings.bus_url}")
    bus = connect(settings.bus_url, client_id=NAME)
    await start_bus(bus, settings)
    ids = SchemaIds.static() if settings.registry_url is None else await SchemaIds.from_registry(settings.registry_url)
    windows = Windows(size_us=round(settings.view_window_seconds * 1e6), kept=settings.view_windows_kept)
    rows = Rows(settings.views_folder)
    for key, row in rows.read():
        rows.write(windows.put(key, row))
    worker = ViewWorker(url.netloc, Codec(ids), windows, rows, SystemClock())
    server: HealthServer | None = None
    try:
        if settings.http_port is not None:
            face = _face(worker, windows)
            server = HealthServer(face, settings.http_host, settings.http_port, settings.http_port_file)
            await server.start()
        await _until(stop, worker, bus)
    finally:
        if server is not None:
            await server.close()
        rows.close()
        await bus.close()


async def _until(stop: asyncio.Event, worker: ViewWorker, bus: EventBusPort) -> None:
    """Run the application until ``stop``, its end or its stall. Raises FatalError for the latter two."""
    await worker.app.start()
    tasks = [
        asyncio.ensure_future(wait) for wait in (stop.wait(), worker.app.wait_until_stopped(), _watch(worker, bus))
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if not stop.is_set():
            raise FatalError(f"faust ended by itself: {worker.app.crash_reason!r}")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.app.stop()


def main() -> None:
    """Serve until SIGTERM or SIGINT; exit 1 after a failure."""
    settings = Settings()
    configure_logging(
        service=NAME,
        version=version_of("telemetry"),
        environment=settings.environment,
        level=settings.log_level,
        folder=settings.log_folder,
    )

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, stop)

    try:
        asyncio.run(run())
    except TradewireError as error:
        log.critical("%s", error, exc_info=error, extra={"event": "crashed"})
        sys.exit(1)


if __name__ == "__main__":
    main()
