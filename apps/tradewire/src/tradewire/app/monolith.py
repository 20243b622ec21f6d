"""All six services in one process on the memory bus: the same services, the same messages, the same result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
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
from tradewire.app.operator import Operator
from tradewire.app.scenario import ANSWER_SECONDS, Scenario, sample_scenarios
from tradewire.app.watch import RunResult, RunWatcher
from tradewire.ports.bus import EventBusPort
from tradewire.ports.events import ControlLevel
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTER_PARTITIONS, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

T = TypeVar("T")
__all__ = ["ANSWER_SECONDS", "Scenario", "build_services", "memory_topics", "run_monolith", "sample_scenarios"]


def memory_topics() -> dict[str, int]:
    """Partition counts of every topic."""
    return {name: spec.partitions for name, spec in TOPICS.items()} | dict.fromkeys(
        DEAD_LETTERS.values(), DEAD_LETTER_PARTITIONS
    )


def build_services(scenario: Scenario, common: Mapping[str, object]) -> list[Service]:
    """The services of a run, as values."""
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
    ]


async def run_monolith(
    scenario: Scenario,
    *,
    progress: Callable[[RunResult], None] = lambda _: None,
    listen: Callable[[Event], None] = lambda _: None,
    bus: EventBusPort | None = None,
) -> RunResult:
    """Replay a scenario at full speed; returns what it came to. ``listen`` is told of every message that counts.

    Raises TradewireError.
    """
    bus = bus or MemoryBus(memory_topics())
    settings = RuntimeSettings(bus_url="memory:")
    codec, clock = Codec(SchemaIds.static()), SystemClock()
    operator = Operator(bus, codec, clock, author="monolith")
    await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
    for limits in scenario.limits:
        await operator.say(limits)
    first = [s for s in build_services(scenario, {"bus_url": "memory:"}) if s.name in ("ingest", "strategy")]

    async def register() -> set[str]:
        await operator.until_instruments(len(scenario.files), ANSWER_SECONDS)
        answers = await operator.register(scenario.strategies, ANSWER_SECONDS)
        return {version.account_id for answer in answers.values() for version in answer.active}

    accounts = await beside(first, bus, settings, register)
    await operator.control("service:ingest", ControlLevel.NORMAL, "all strategies are registered")
    watcher = RunWatcher(bus, codec, accounts, listen)
    services = build_services(scenario, {"bus_url": "memory:"})
    return await beside(services, bus, settings, lambda: watcher.until_over(progress))


async def beside(
    services: Sequence[Service], bus: EventBusPort, settings: RuntimeSettings, work: Callable[[], Awaitable[T]]
) -> T:
    """Run services while ``work`` lasts; a service that fails ends the work."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(services, bus, settings, stop=stop, metrics=Metrics(CollectorRegistry())))
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
