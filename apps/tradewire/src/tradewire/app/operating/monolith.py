"""All six services in one process on the memory bus: the same services, the same messages, the same result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from prometheus_client import CollectorRegistry

import tradewire.execution.settings
import tradewire.execution.wiring
import tradewire.indicator.settings
import tradewire.indicator.wiring
import tradewire.ingest.settings
import tradewire.ingest.wiring
import tradewire.risk.settings
import tradewire.risk.wiring
import tradewire.strategy.settings
import tradewire.strategy.wiring
import tradewire.telemetry.settings
import tradewire.telemetry.wiring
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.scenario import ANSWER_SECONDS, Scenario, sample_scenarios
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.ports.bus import EventBusPort
from tradewire.ports.events import ControlLevel
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTER_PARTITIONS, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

T = TypeVar("T")
LOOK_SECONDS = 0.02
__all__ = ["ANSWER_SECONDS", "Scenario", "build_services", "memory_topics", "run_monolith", "sample_scenarios"]


def memory_topics() -> dict[str, int]:
    """Partition counts of every topic."""
    return {name: spec.partitions for name, spec in TOPICS.items()} | dict.fromkeys(
        DEAD_LETTERS.values(), DEAD_LETTER_PARTITIONS
    )


def build_services(scenario: Scenario, common: Mapping[str, object]) -> list[Service]:
    """The six services of a run, as values."""
    ingest = tradewire.ingest.settings.Settings(
        **{**common, "market_path": scenario.data, "market_files": scenario.files}  # type: ignore[arg-type]
    )
    return [
        tradewire.ingest.wiring.build(ingest),
        tradewire.indicator.wiring.build(tradewire.indicator.settings.Settings(**common)),  # type: ignore[arg-type]
        tradewire.strategy.wiring.build(tradewire.strategy.settings.Settings(**common)),  # type: ignore[arg-type]
        tradewire.risk.wiring.build(tradewire.risk.settings.Settings(**common)),  # type: ignore[arg-type]
        tradewire.execution.wiring.build(
            tradewire.execution.settings.Settings(**{**common, **scenario.paper})  # type: ignore[arg-type]
        ),
        tradewire.telemetry.wiring.build(tradewire.telemetry.settings.Settings(**common)),  # type: ignore[arg-type]
    ]


async def run_monolith(
    scenario: Scenario,
    *,
    progress: Callable[[RunResult], None] = lambda _: None,
    listen: Callable[[Event], None] = lambda _: None,
    bus: EventBusPort | None = None,
    telemetry: bool = False,
    say: Callable[[str], None] = lambda _: None,
    otlp_url: str | None = None,
) -> RunResult:
    """Replay a scenario at full speed; returns what it came to. ``listen`` is told of every message that counts.

    ``bus``: started, with its topics, and empty, where others may write as well; else one in memory of its own.
    ``telemetry``: with the service that reads along, and /health, /metrics and the state API where ``say`` tells;
    ``otlp_url``: where traces go, instead of where the settings say. Raises TradewireError.
    """
    alone, bus = bus is None, bus or MemoryBus(memory_topics())
    settings = RuntimeSettings(bus_url="memory:")
    if otlp_url is not None:
        settings = settings.model_copy(update={"otlp_url": otlp_url})
    codec = Codec(SchemaIds.static())
    operator = Operator(bus, codec, SystemClock(), author="monolith")
    accounts = await begun(scenario, bus, operator, {"bus_url": "memory:"})
    watcher = RunWatcher(bus, codec, accounts, listen, without_letters=alone)
    services = build_services(scenario, {"bus_url": "memory:"})
    if not telemetry:
        services = [service for service in services if service.name != "telemetry"]
        return await beside(services, bus, settings, lambda: watcher.until_over(progress))
    return await with_face(services, bus, settings, lambda: watcher.until_over(progress), say)


async def begun(scenario: Scenario, bus: EventBusPort, operator: Operator, common: Mapping[str, object]) -> set[str]:
    """Have the scenario's strategies accepted before its first bar; returns the accounts that trade."""
    await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
    for limits in scenario.limits:
        await operator.say(limits)
    first = [s for s in build_services(scenario, common) if s.name in ("ingest", "strategy")]

    async def register() -> set[str]:
        await operator.until_instruments(len(scenario.files), ANSWER_SECONDS)
        return await operator.register_scenario(scenario)

    accounts = await beside(first, bus, RuntimeSettings(bus_url="memory:"), register)
    await operator.control("service:ingest", ControlLevel.NORMAL, "all strategies are registered")
    return accounts


async def with_face(
    services: Sequence[Service],
    bus: EventBusPort,
    settings: RuntimeSettings,
    work: Callable[[], Awaitable[T]],
    say: Callable[[str], None],
) -> T:
    """As ``beside``, with /health, /metrics and the API of all services on one port: the settings', else a free one."""
    with TemporaryDirectory(prefix="tradewire-monolith-") as folder:
        port_file = settings.http_port_file or Path(folder) / "port"
        face = settings.model_copy(update={"http_port": settings.http_port or 0, "http_port_file": port_file})

        async def told() -> T:
            port = ""
            while not port:
                await asyncio.sleep(LOOK_SECONDS)  # the server begins to listen
                port = port_file.read_text().strip() if port_file.exists() else ""
            say(f"http://{face.http_host}:{port}: /health, /metrics, /docs")
            return await work()

        return await beside(services, bus, face, told, process_metrics())


@cache
def process_metrics() -> Metrics:
    """The metrics of this process, where telemetry shows its own, too."""
    return Metrics()


async def beside(
    services: Sequence[Service],
    bus: EventBusPort,
    settings: RuntimeSettings,
    work: Callable[[], Awaitable[T]],
    metrics: Metrics | None = None,
) -> T:
    """Run services while ``work`` lasts; a service that fails ends the work."""
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(services, bus, settings, stop=stop, metrics=metrics or Metrics(CollectorRegistry()))
    )
    working = asyncio.ensure_future(work())
    try:
        await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await serving
            raise AssertionError("the services ended by themselves")
        return await working
    finally:
        working.cancel()
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(working, return_exceptions=True)
        await serving
