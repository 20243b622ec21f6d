"""/health and /metrics of a process. Startup, readiness and liveness answer different questions.

Startup: state restored and groups joined. Ready: running, and the last poll worked. Live: the loop turns, and no
consumer gets nothing while the broker says that there is something — never whether the broker can be reached, or one
outage would restart the whole fleet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tradewire.ports.bus import Place
from tradewire.ports.clock import ClockPort
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.worker import Worker

log = logging.getLogger(__name__)
LOOP_STALL_SECONDS = 30.0


@runtime_checkable
class StallWatch(Protocol):
    """A bus that notices when its client silently stops delivering."""

    def stalled(self, now_s: float) -> list[Place]:
        """Partitions that have records and are polled but give none; ``now_s``: the clock's monotonic seconds."""
        ...


class Health:
    """Answers about the workers of this process."""

    def __init__(self, workers: Sequence[Worker], clock: ClockPort, watch: StallWatch | None = None) -> None:
        self._workers, self._clock, self._watch = workers, clock, watch
        self.loop_turned_s = clock.monotonic_s()

    def report(self) -> dict[str, Any]:
        """One object per service: phase, last success, counts, positions, what it waits for, its own details."""
        return {
            worker.service.name: {
                "phase": worker.progress.phase,
                "last_success_us": worker.progress.last_success_us,
                "handled": worker.progress.handled,
                "published": worker.progress.published,
                "dead_letters": worker.progress.dead_letters,
                "records_lost": worker.progress.records_lost,
                "last_error": worker.progress.last_error,
                "waits_for": [waiting._asdict() for waiting in worker.waits()],
                "positions": {
                    f"{place.topic}/{place.partition}": offset for place, offset in worker.progress.positions.items()
                },
                "details": worker.service.status(),
            }
            for worker in self._workers
        }

    @property
    def started(self) -> bool:
        """Every worker has restored its state and reads."""
        return all(worker.progress.phase in ("running", "stopping") for worker in self._workers)

    @property
    def ready(self) -> bool:
        """Every worker runs."""
        return all(worker.progress.phase == "running" for worker in self._workers)

    @property
    def stalled(self) -> list[Place]:
        """Partitions whose records do not reach us any more."""
        return [] if self._watch is None else self._watch.stalled(self._clock.monotonic_s())

    @property
    def live(self) -> bool:
        """The event loop turns, and no consumer is stuck."""
        return self._clock.monotonic_s() - self.loop_turned_s < LOOP_STALL_SECONDS and not self.stalled

    async def beat(self) -> None:
        """Note that the loop turns, for as long as it does."""
        while True:
            self.loop_turned_s = self._clock.monotonic_s()
            await asyncio.sleep(1.0)


def health_app(health: Health, metrics: Metrics, title: str) -> FastAPI:
    """The HTTP face of a process."""
    app = FastAPI(title=title)

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

    @app.get("/health/startup", summary="State restored and groups joined")
    async def startup() -> Response:
        return answer(health.started)

    @app.get("/health/ready", summary="Running")
    async def ready() -> Response:
        return answer(health.ready)

    @app.get("/health/live", summary="The event loop turns and no consumer is stuck")
    async def live() -> Response:
        return answer(health.live)

    @app.get("/metrics", summary="Prometheus metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


class HealthServer:
    """Serves an app on loopback or a pod address inside the running loop."""

    def __init__(self, app: FastAPI, host: str, port: int, port_file: Path | None) -> None:
        self._config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(self._config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the process owns its signals
        self._port_file = port_file
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        socket = self._config.bind_socket()
        port = int(socket.getsockname()[1])
        self._task = asyncio.create_task(self._server._serve([socket]))
        if self._port_file is not None:
            self._port_file.parent.mkdir(parents=True, exist_ok=True)
            self._port_file.write_text(str(port))
        return port

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
