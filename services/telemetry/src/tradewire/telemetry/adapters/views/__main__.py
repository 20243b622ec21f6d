"""The windowed views as a process: ``python -m tradewire.telemetry.adapters.views``."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from faust.exceptions import NotReady
from prometheus_client import REGISTRY

from tradewire.ports.bus import EventBusPort, Place
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.message import WaitReason
from tradewire.runtime.access.http import face_access
from tradewire.runtime.bus.readable_ends import ReadableEnds
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, schema_set
from tradewire.runtime.environment import SettingsRefusedError, load
from tradewire.runtime.loop.connecting import closed, unless_stopped, until_reached
from tradewire.runtime.observe.health import Health
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.process import bus_of, face, run, schema_ids, version_of
from tradewire.runtime.service import Service
from tradewire.runtime.usage import USAGE, answer_help
from tradewire.telemetry.adapters.views.positions import begin_again_if_ahead
from tradewire.telemetry.adapters.views.routes import ViewRoutes
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.worker import NAME, TOPIC_NAMES, ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.telemetry.settings import Settings

log = logging.getLogger(__name__)
LOOK_SECONDS = 15.0
LOOKS_WITHOUT_PROGRESS_MAX = 6
"""Then the worker is stalled while there is work (faust-streaming#175, #629): the process ends and is started again."""


class Watching:
    """Faust's worker as health asks about it. ``behind``: records that wait, as last counted; None: never counted."""

    def __init__(self, service: Service, worker: ViewWorker) -> None:
        self.service, self._worker = service, worker
        self.behind: int | None = None
        self.stuck_seconds = 0.0

    @property
    def progress(self) -> Progress:
        """What was done so far."""
        app, progress = self._worker.app, self._worker.progress
        running = bool(app.started and not app.crashed and self._assigned())
        progress.phase = "running" if running else "joining the group"
        return progress

    def _assigned(self) -> bool:
        """Whether it has partitions. Between faust's start and its consumer's, nobody is there to ask."""
        try:
            return bool(self._worker.app.consumer.assignment())
        except NotReady:
            return False

    def waits(self) -> list[WaitReason]:
        """Its partitions; faust to go on."""
        if self.progress.phase != "running":
            return [WaitReason("starting", "its partitions")]
        return [WaitReason("stuck", f"faust: {self.behind} records wait")] if self.stuck_seconds else []


async def _watch(watching: Watching, worker: ViewWorker, bus: EventBusPort) -> None:
    """Ask the broker, not faust, whether there is work. Raises FatalError when none of it is done for long."""
    idle, before = 0, -1
    readable = ReadableEnds(bus)
    while True:
        with suppress(RetryableError):
            watching.behind = await records_behind(worker, bus, readable)
            idle = idle + 1 if watching.behind and worker.progress.handled == before else 0
            before, watching.stuck_seconds = worker.progress.handled, idle * LOOK_SECONDS
            if idle >= LOOKS_WITHOUT_PROGRESS_MAX:
                raise FatalError(f"{watching.behind} records wait and none was handled for {idle * LOOK_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)


async def records_behind(worker: ViewWorker, bus: EventBusPort, readable: ReadableEnds) -> int:
    """Records between what this process has handled, or what the topic begins with, and the end."""
    places = [Place(topic, number) for topic in TOPIC_NAMES for number in range(await bus.partitions(topic))]
    begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
    positions = {place: worker.progress.positions.get(place, begins[place]) for place in places}
    ends = await readable.of(positions, ends)
    return sum(max(0, ends[place] - position) for place, position in positions.items())


async def serve(settings: Settings, bus: EventBusPort, stop: asyncio.Event) -> None:
    """Keep the views until ``stop``. Raises TradewireError."""
    windows, service = _made(settings)
    metrics = Metrics(REGISTRY)
    metrics.build_info.labels(NAME, version_of("telemetry"), settings.revision, schema_set()).set(1)
    metrics.begin(NAME, TOPIC_NAMES, ())
    async with face([service], settings, SystemClock(), metrics) as health:
        try:
            await _connected(settings, bus, stop, health)
            if not stop.is_set():
                await _work(settings, bus, stop, health, (service, windows, metrics))
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
    parts: tuple[Service, Windows, Metrics],
) -> None:
    service, windows, metrics = parts
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
        await until_reached(
            lambda: begin_again_if_ahead(bus, rows),
            stop=stop,
            pause_seconds_max=settings.retry_seconds_max,
            note=health.note_waiting("the bus"),
        )
        for key, row in rows.read():
            rows.write(windows.put(key, row))
        worker = ViewWorker(settings.bus_url, Codec(ids), windows, rows, SystemClock(), metrics)
        watching = Watching(service, worker)
        health.watch([watching], None)
        await _until(stop, watching, worker, bus)
    finally:
        rows.close()


async def _until(stop: asyncio.Event, watching: Watching, worker: ViewWorker, bus: EventBusPort) -> None:
    """Run the application until ``stop``, its end or its stall. Raises FatalError for the latter two."""
    await unless_stopped(worker.app.start(), stop)
    tasks = [
        asyncio.ensure_future(wait)
        for wait in (stop.wait(), worker.app.wait_until_stopped(), _watch(watching, worker, bus))
    ]
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
