"""A run on real servers: the embedded stack, topics, schemas, strategies, six processes — and back to nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

from tradewire.app.operating.operator import Operator
from tradewire.app.operating.scenario import ANSWER_SECONDS, Scenario
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.embedded import Progress, Stack, StackPaths, quiet
from tradewire.embedded.external import External
from tradewire.embedded.lock import FolderLock
from tradewire.embedded.ownership import Use, claim, wipe
from tradewire.embedded.paths import full_disk_hint
from tradewire.embedded.service_processes import (
    MONOLITH,
    SERVICES,
    VIEWS,
    WEB,
    ServiceDiedError,
    ServiceProcess,
    until_ready,
)
from tradewire.embedded.user_settings import OWN_OF_EACH_PROCESS, refuse, set_by_user
from tradewire.ports.bus import EventBusPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import ControlLevel
from tradewire.ports.message import Event
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import topics as bus_topics
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.codec import schema_registry as registry

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. ``partitions``: count by topic group instead of the topic map's; ``fresh``: forget earlier data;
    ``views``: with the windowed views beside the services; ``web``: with the dashboard;
    ``monolith``: all services in one process; ``external``:
    servers that need not be run; ``instances``: how many of a service, one of those not named; ``bus_bounds``: of the
    services' adapter of the bus, by name, e.g. ``session_s``."""

    root: Path = Path(".tradewire/run")
    fresh: bool = True
    registry: bool = True
    telemetry: bool = True
    views: bool = False
    web: bool = False
    monolith: bool = False
    external: External = field(default_factory=External)
    partitions: dict[str, int] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    bus_bounds: dict[str, float] = field(default_factory=dict)
    otlp_url: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Platform:
    """A running platform."""

    stack: Stack
    bus: EventBusPort
    codec: Codec
    operator: Operator
    services: dict[str, ServiceProcess]

    def check(self) -> None:
        """Raise ServiceDiedError if a service or a server ended by itself."""
        for service in self.services.values():
            service.check()
        for part in self.stack.dead():
            logs = self.stack.paths.logs
            raise ServiceDiedError(f"{part} ended by itself; {full_disk_hint(logs)}its log is in {logs}")


@contextmanager
def told_why(running: Platform) -> Iterator[None]:
    """Where a client sees only that nobody answers, raise ServiceDiedError with the cause, if it can be seen."""
    try:
        yield
    except RetryableError as error:
        running.check()
        if hint := full_disk_hint(running.stack.paths.logs):  # and what it stops has not ended yet
            raise ServiceDiedError(f"{hint}{error}") from error
        raise


def _fresh(paths: StackPaths) -> None:
    """Forget an earlier run's data. Raises StackBusyError when that run is still going."""
    lock = FolderLock(paths.lock_file, root=paths.root)
    lock.acquire()
    try:
        wipe(paths.root)
    finally:
        lock.release()


@asynccontextmanager
async def platform(
    scenario: Scenario, options: RunOptions, *, progress: Progress = quiet, say: Say = lambda _: None
) -> AsyncIterator[Platform]:
    """Start servers, create topics, register schemas; services are defined and not yet started. Stops everything."""
    refuse(OWN_OF_EACH_PROCESS, os.environ, "each process of a platform has its own: unset it")
    paths = StackPaths.under(options.root)
    claim(paths.root, Use.RUN if options.fresh else Use.UP)
    if options.fresh:
        _fresh(paths)
    stack = options.external.stack(paths, registry=options.registry)
    services: dict[str, ServiceProcess] = {}
    try:
        await _start(stack, progress)
        say("creating topics")
        bus_url, registry_url = stack.endpoints.bus, stack.endpoints.registry_url
        replicas = 1 if options.external.bus_url is None else None
        plan = await bus_topics.plan(bus_url, partitions=options.partitions, replication=replicas)
        await bus_topics.apply(bus_url, plan)
        if registry_url is not None:
            say("registering schemas")
            await registry.register(registry_url)
        ids = await SchemaIds.from_registry(registry_url) if registry_url is not None else SchemaIds.static()
        codec = Codec(ids)
        bus = connect(bus_url, client_id="tradewire-run")
        await bus.start()
        try:
            environment = service_environment(stack, scenario, options)
            services.update(_processes(options, environment, paths.logs))
            running = Platform(stack, bus, codec, Operator(bus, codec, SystemClock()), services)
            with told_why(running):
                yield running
        finally:
            await asyncio.to_thread(_stop_all, list(services.values()))
            await bus.close()
    finally:
        await asyncio.to_thread(stack.stop, progress)


def _processes(options: RunOptions, environment: Mapping[str, str], logs: Path) -> dict[str, ServiceProcess]:
    """The processes to run, by name; none is started."""
    names = [name for name in SERVICES if options.telemetry or name != "telemetry"]
    names = [MONOLITH] if options.monolith else names
    names += [VIEWS] if options.views else []
    names += [WEB] if options.web else []
    made = (
        ServiceProcess(name, environment, logs, instance=instance)
        for name in names
        for instance in range(options.instances.get(name, 1))
    )
    return {process.name: process for process in made}


async def _start(stack: Stack, progress: Progress) -> None:
    """Start the servers. When cancelled, only after the start has been given up: it can't go on behind our back."""
    starting = asyncio.ensure_future(asyncio.to_thread(stack.start, progress))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.to_thread(stack.stop)
        await asyncio.gather(starting, return_exceptions=True)
        raise


def _stop_all(services: Sequence[ServiceProcess]) -> None:
    """All at once: each may take its time to drain."""
    with ThreadPoolExecutor(max(1, len(services))) as pool:
        list(pool.map(ServiceProcess.stop, services))


def service_environment(stack: Stack, scenario: Scenario, options: RunOptions) -> dict[str, str]:
    """Settings of the services as environment variables. What the user has set is in force."""
    environment = {
        "TRADEWIRE_MARKET_PATH": str(scenario.data),
        "TRADEWIRE_MARKET_FILES": "[" + ",".join(f'"{name}"' for name in scenario.files) + "]",
        "TRADEWIRE_VIEWS_FOLDER": str(StackPaths.under(options.root).root / "views"),
        "PYTHONUNBUFFERED": "1",
    }
    environment |= {f"TRADEWIRE_{name.upper()}": value for name, value in scenario.paper.items()}
    environment |= options.external.settings(stack, registry=options.registry)
    if options.bus_bounds:
        url = environment["TRADEWIRE_BUS_URL"]
        environment["TRADEWIRE_BUS_URL"] = f"{url}{'&' if '?' in url else '?'}{urlencode(options.bus_bounds)}"
    if options.otlp_url is not None:
        environment["TRADEWIRE_OTLP_URL"] = options.otlp_url
    return environment | options.environment | set_by_user(os.environ)


def planned_environment(scenario: Scenario, options: RunOptions) -> dict[str, str]:
    """What the services will be started with, but for addresses of servers that are still to be started."""
    external = options.external.planned()
    stack = external.stack(StackPaths.under(options.root), registry=False)
    return {**os.environ, **service_environment(stack, scenario, replace(options, external=external))}


async def begin(running: Platform, scenario: Scenario, *, say: Say = lambda _: None) -> set[str]:
    """Register the scenario's strategies and let the replay go; returns the accounts that trade.

    Ingest and strategy start first: nothing may be traded before it is accepted. The others read what was accepted to
    its end before their first bar.
    """
    operator = running.operator
    await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
    for limits in scenario.limits:
        await operator.say(limits)
    first = [running.services[name] for name in ("ingest", "strategy")]
    say("starting ingest and strategy")
    for service in first:
        service.start()
    await until_ready(first)
    await operator.until_instruments(len(scenario.files), ANSWER_SECONDS)
    say("publishing strategies")
    accounts = await operator.register_scenario(scenario)
    say("starting the other services")
    rest = [service for name, service in running.services.items() if name not in ("ingest", "strategy")]
    for service in rest:
        service.start()
    await until_ready(rest)
    await operator.control("service:ingest", ControlLevel.NORMAL, "all strategies are registered")
    return accounts


async def replay(
    running: Platform,
    accounts: set[str],
    *,
    progress: Callable[[RunResult], None] = lambda _: None,
    listen: Callable[[Event], None] = lambda _: None,
) -> RunResult:
    """Watch until the replay is over; ``listen`` is told of every message that counts.

    Raises ServiceDiedError if a service or a server ends by itself, UnhandledRecordError at a dead letter.
    """
    watcher = RunWatcher(running.bus, running.codec, accounts, listen, without_letters=True)

    def look(result: RunResult) -> None:
        running.check()
        progress(result)

    return await watcher.until_over(look)
