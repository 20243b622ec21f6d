"""The views' process on a real broker: probes in every phase, live while its loop turns, ready while it works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tradewire.runtime.bus import connect
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.health import LOOP_STALL_SECONDS
from tradewire.runtime.observe.instance_reports import newest_reports
from tradewire.telemetry.adapters.views.__main__ import serve
from tradewire.telemetry.adapters.views.worker import NAME
from tradewire.telemetry.settings import Settings
from tradewire.testkit.bus_servers import EmbeddedServers
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from tradewire.embedded import Stack

pytest_plugins = ["tradewire.embedded.fixtures"]
pytestmark = pytest.mark.timeout(180)
NOW_US = 1_700_000_000_000_000
PATIENCE_SECONDS = 90.0
SERVED = {
    "tradewire_service_ready",
    "tradewire_service_heartbeat_timestamp_seconds",
    "tradewire_dependency_reached_timestamp_seconds",
    "tradewire_kafka_consumer_lag_records",
    "tradewire_kafka_consumer_lag_seconds",
    "tradewire_build_info",
    "tradewire_mode_info",
}
"""Of each service, docs/metrics.md."""


class Views:
    """The process's own function in this loop, under a clock of the test, and its HTTP face."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.clock, self._port, self.registry = ManualClock(NOW_US), folder / "port", CollectorRegistry()
        self.settings = Settings(
            bus_url=f"kafka://{stack.bootstrap_servers}",
            views_folder=folder / "views",
            member="views-of-a-test",
            http_port=0,
            http_port_file=self._port,
        )
        self.bus = connect(self.settings.bus_url, client_id="views-test", patient=True)
        self.statuses: dict[str, set[int]] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """While it runs; ended in order."""
        stop = asyncio.Event()
        self._task = asyncio.create_task(serve(self.settings, self.bus, stop, clock=self.clock, registry=self.registry))
        try:
            async with httpx.AsyncClient(timeout=30) as self._client:
                yield
        finally:
            stop.set()
            await self._task

    async def asked(self, path: str) -> httpx.Response | None:
        """What a probe is answered, noted by its status; None while nothing listens."""
        if self._task.done():
            await self._task
        if not self._port.exists() or not (port := self._port.read_text()):
            return None
        answer = await self._client.get(f"http://127.0.0.1:{port}{path}")
        self.statuses.setdefault(path, set()).add(answer.status_code)
        return answer

    async def report(self) -> dict[str, Any]:
        """What /health tells of the views."""
        answer = await self.asked("/health")
        return {} if answer is None else dict(answer.json()["services"][NAME])

    async def status(self, name: str) -> int:
        answer = await self.asked(f"/health/{name}")
        return 0 if answer is None else answer.status_code

    def figure(self, name: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.registry.get_sample_value(name, labels)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; only a failing test waits to the end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.01)  # between two questions


@pytest.fixture
def views(stack: Stack, tmp_path: Path) -> Views:
    """On a broker that has the topics."""

    async def create() -> None:
        await topic_admin.apply(stack.bootstrap_servers, await topic_admin.plan(stack.bootstrap_servers, replication=1))

    asyncio.run(create())
    return Views(stack, tmp_path)


async def ready(views: Views) -> bool:
    """Every probe is asked, as a kubelet would."""
    for name in ("startup", "live"):
        await views.status(name)
    return bool((await views.report()).get("ready")) and await views.status("ready") == 200


async def test_views_answer_probes_in_every_phase_and_stay_live_for_longer_than_a_stall(views: Views) -> None:
    async with views.serving():
        await until(lambda: ready(views))
        assert views.statuses["/health/live"] == {200}
        assert set().union(*views.statuses.values()) <= {200, 503}, "never an error"
        for _ in range(3):
            views.clock.advance(seconds=LOOP_STALL_SECONDS + 1)
            await until(lambda: live(views))
        text = await views.asked("/metrics")
        assert text is not None
        names = {line.split("{")[0] for line in text.text.splitlines() if f'"{NAME}"' in line}
        assert names >= SERVED
        await until(lambda: reported(views))


async def live(views: Views) -> bool:
    return await views.status("live") == 200


async def reported(views: Views) -> bool:
    """Do the views report themselves on the bus, with their lag?"""
    found = (await newest_reports(views.bus, Codec(SchemaIds.static()))).get("views-of-a-test")
    return found is not None and found.service == NAME and found.lag_records is not None


async def test_views_when_the_broker_freezes_then_are_not_ready_and_live_until_it_answers_again(
    views: Views, stack: Stack
) -> None:
    async with views.serving():
        await until(lambda: ready(views))
        servers = EmbeddedServers(stack)
        await asyncio.to_thread(servers.freeze, "kafka")
        try:
            views.clock.advance(seconds=views.settings.ready_wait_seconds + 1)
            await until(lambda: unreachable(views))
            assert await views.status("ready") == 503
            await until(lambda: live(views))
            await until(lambda: shown(views, 0.0))
        finally:
            await asyncio.to_thread(servers.thaw, "kafka")
        await until(lambda: ready(views))
        await until(lambda: shown(views, 1.0))


async def unreachable(views: Views) -> bool:
    unready = (await views.report())["unready"]
    return [wait["what"][:4] for wait in unready if wait["reason"] == "unreachable"] == ["bus:"]


async def shown(views: Views, value: float) -> bool:
    return views.figure("tradewire_service_ready", service=NAME) == value
