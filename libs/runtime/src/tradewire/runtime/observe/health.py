"""/health and /metrics of a process. Startup, readiness and liveness answer different questions.

Startup: state was restored and broadcast topics were read. Ready: the service does its work
(``tradewire.runtime.observe.readiness``). Live: the event loop turns — never whether the broker can be reached, or one
outage would restart the whole fleet.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client.exposition import choose_encoder

from tradewire.ports.bus import Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import FatalError
from tradewire.ports.message import WaitReason
from tradewire.runtime.observe.document_page import POLICY, document_page
from tradewire.runtime.observe.failures_logged import FailuresLogged
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.runtime.observe.readiness import Readiness, Standing
from tradewire.runtime.observe.secrets import scrub
from tradewire.runtime.service import Service

log = logging.getLogger(__name__)
LOOP_STALL_SECONDS = 30.0
READY_WAIT_SECONDS = 15.0
BACKLOG = 128
CLOSE_SECONDS = 2
"""Longest that open requests may hold up the end."""


@runtime_checkable
class StallWatch(Protocol):
    """A bus that notices when its client silently stops delivering."""

    def stalled(self, now_s: float) -> list[Place]:
        """Partitions that have records and are polled but give none; ``now_s``: the clock's monotonic seconds."""
        ...


class Watched(Protocol):
    """What is asked of a worker."""

    service: Service

    @property
    def progress(self) -> Progress:
        """What was done so far."""
        ...

    def waits(self) -> list[WaitReason]:
        """What it can't go on without just now."""
        ...


@dataclass
class Booting:
    """A service whose worker can't be made yet. ``waiting``: for which servers."""

    service: Service
    progress: Progress = field(default_factory=Progress)
    waiting: str = "its start"

    def waits(self) -> list[WaitReason]:
        """The servers."""
        return [WaitReason("starting", self.waiting)]


class Health:
    """Answers about the workers of this process; first about services that are still to get one."""

    def __init__(
        self,
        workers: Sequence[Watched],
        clock: ClockPort,
        watch: StallWatch | None = None,
        *,
        wait_s: float = READY_WAIT_SECONDS,
    ) -> None:
        self._clock, self._wait_s = clock, wait_s
        self.own_waits: Callable[[str], Sequence[WaitReason]] = lambda _: ()
        """What a process waits for itself, by service."""
        self.loop_turned_s = clock.monotonic_s()
        self._failures = FailuresLogged("a question about a service's health")
        self.watch(workers, watch)

    def watch(self, workers: Sequence[Watched], watch: StallWatch | None) -> None:
        """The workers are there."""
        self._workers, self._watch = workers, watch
        self._judges = {worker.service.name: self._judge(worker.service.name) for worker in workers}

    def _judge(self, service: str) -> Readiness:
        def waits() -> list[WaitReason]:
            (worker,) = [each for each in self._workers if each.service.name == service]  # which may be another by now
            stuck = [WaitReason("stuck", f"records of {place.topic}/{place.partition}") for place in self.stalled]
            return [*self.waits(worker), *stuck, *self.own_waits(service)]

        return Readiness(waits, self._clock, self._wait_s)

    def waits(self, worker: Watched) -> list[WaitReason]:
        """What a worker can't go on without; that it can't be told is a reason, too: whoever asks gets an answer."""
        with self._failures:
            return worker.waits()
        return [WaitReason("unknown", f"what it waits for, which can't be told: {self._failures.last}")]

    def _details(self, service: Service) -> dict[str, Any]:
        with self._failures:
            return service.status()
        return {"error": scrub(self._failures.last)}

    def unready(self, service: str) -> list[WaitReason]:
        """What keeps a service from being ready."""
        return self._judges[service].look()

    def standing(self, service: str, waits: Sequence[WaitReason]) -> list[Standing]:
        """Waits of a service, each with how long it has stood; the oldest first."""
        return self._judges[service].oldest_first(waits)

    def note_waiting(self, what: str) -> Callable[[str], None]:
        """Show that the process waits for ``what``, and why it failed last: what is returned takes the failures."""
        for booting in self._workers:
            if isinstance(booting, Booting):
                booting.progress.phase, booting.waiting = f"connecting to {what}", what

        def failed(error: str) -> None:
            for booting in self._workers:
                if isinstance(booting, Booting):
                    booting.progress.last_error, booting.waiting = error, f"{what}: {error}"

        return failed

    def report(self) -> dict[str, Any]:
        """One object per service: phase, last success, counts, positions, what it waits for, its own details."""
        return {
            worker.service.name: {
                "phase": worker.progress.phase,
                "ready": self.is_ready(worker.service.name),
                "unready": _shown(self.standing(worker.service.name, self.unready(worker.service.name))),
                "last_success_us": worker.progress.last_success_us,
                "handled": worker.progress.handled,
                "published": worker.progress.published,
                "dead_letters": worker.progress.dead_letters,
                "records_lost": worker.progress.records_lost,
                "last_error": scrub(worker.progress.last_error or "") or None,
                "waits_for": _shown(self.standing(worker.service.name, self.waits(worker))),
                "positions": {
                    f"{place.topic}/{place.partition}": offset for place, offset in worker.progress.positions.items()
                },
                "details": self._details(worker.service),
            }
            for worker in self._workers
        }

    @property
    def started(self) -> bool:
        """Every worker has restored its state and reads."""
        return all(worker.progress.phase in ("running", "stopping") for worker in self._workers)

    @property
    def ready(self) -> bool:
        """Every worker does its work."""
        return all(self.is_ready(worker.service.name) for worker in self._workers)

    def is_ready(self, service: str) -> bool:
        """Does a service do its work?"""
        (phase,) = [w.progress.phase for w in self._workers if w.service.name == service]
        return phase == "running" and not self.unready(service)

    @property
    def stalled(self) -> list[Place]:
        """Partitions whose records do not reach us any more."""
        return [] if self._watch is None else self._watch.stalled(self._clock.monotonic_s())

    @property
    def live(self) -> bool:
        """The event loop turns."""
        return self._clock.monotonic_s() - self.loop_turned_s < LOOP_STALL_SECONDS

    async def beat(self) -> None:
        """Note that the loop turns, for as long as it does, and what is waited for."""
        while True:
            self.loop_turned_s = self._clock.monotonic_s()
            with self._failures:
                for judge in self._judges.values():
                    judge.look()
            await asyncio.sleep(1.0)


def _shown(standing: Sequence[Standing]) -> list[dict[str, Any]]:
    return [
        wait._replace(what=scrub(wait.what))._asdict() | {"seconds": round(seconds, 3)} for wait, seconds in standing
    ]


def health_app(health: Health, metrics: Metrics, title: str) -> FastAPI:
    """The HTTP face of a process."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None)

    def answer(holds: bool) -> Response:
        return Response(
            '{"status":"ok"}' if holds else '{"status":"unavailable"}',
            200 if holds else 503,
            media_type="application/json",
        )

    @app.get("/health", summary="State of every service in this process")
    async def report(response: Response) -> dict[str, Any]:
        status = "ok" if health.ready else "starting" if not health.started else "degraded"
        response.status_code = 200 if health.ready else 503
        return {"status": status, "services": health.report()}

    @app.get("/health/startup", summary="State restored, broadcast topics read")
    async def startup() -> Response:
        return answer(health.started)

    @app.get("/health/ready", summary="Every service does its work")
    async def ready() -> Response:
        return answer(health.ready)

    @app.get("/health/live", summary="The event loop turns")
    async def live() -> Response:
        return answer(health.live)

    @app.get("/docs", include_in_schema=False)
    async def document() -> HTMLResponse:
        return HTMLResponse(document_page(app.openapi()), headers={"Content-Security-Policy": POLICY})

    @app.get("/metrics", summary="Prometheus metrics; OpenMetrics, with exemplars, for who accepts it")
    async def prometheus(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), media_type=content_type)

    return app


class HealthServer:
    """Serves an app on loopback or a pod address inside the running loop."""

    def __init__(self, app: FastAPI, host: str, port: int, port_file: Path | None) -> None:
        self._config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off")
        self._config.timeout_graceful_shutdown = CLOSE_SECONDS
        self._server = uvicorn.Server(self._config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the process owns its signals
        self._port_file = port_file
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises FatalError when it is taken."""
        listening = _listening(self._config.host, self._config.port)
        port = int(listening.getsockname()[1])
        self._task = asyncio.create_task(self._server._serve([listening]))
        if self._port_file is not None:
            self._port_file.parent.mkdir(parents=True, exist_ok=True)
            self._port_file.write_text(str(port))
        return port

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on: what knows the port may connect at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise FatalError(f"TRADEWIRE_HTTP_PORT: can't listen on {host}:{port}: {error.strerror}") from error
