"""A platform that is kept: servers and services supervised until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tradewire.app.external import External
from tradewire.app.market import Market
from tradewire.app.operator import Operator
from tradewire.app.platform import Platform, RunOptions, platform
from tradewire.app.processes import MONOLITH, SERVICES, VIEWS, ServiceProcess
from tradewire.app.stack import Progress, StackError, quiet
from tradewire.app.stack.processes import ProcessMark
from tradewire.app.station_state import (
    ServiceState,
    StationPhase,
    StationState,
    read_station,
    state_file,
    write_station,
)
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import ControlLevel, StrategyStatusChanged
from tradewire.runtime.clock import SystemClock
from tradewire.trading.language import parse_strategy

LOOK_SECONDS = 0.5
"""How often the supervisor looks; nothing waits for it."""
READY_SECONDS = 120.0
ANSWER_SECONDS = 60.0
PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX = 1.0, 30.0
STEADY_SECONDS = 60.0
LOOP_DEATHS, LOOP_SECONDS = 3, 600.0
"""A service that ran this long begins anew with the shortest pause."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StationOptions:
    """What to keep. ``services``: those to start; ``lean``: with static schema ids in place of a registry, and
    without the windowed views, which otherwise go with the telemetry service; ``external``: the user's own servers;
    ``monolith``: all six services in one process."""

    root: Path
    market: Market
    services: tuple[str, ...] = SERVICES
    lean: bool = False
    otlp_url: str | None = None
    external: External = field(default_factory=External)
    monolith: bool = False

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of what is to run."""
        kafka = self.external.bus_url is None or self.external.bus_url.startswith("kafka:")  # what the views run on
        views = "telemetry" in self.services and not self.lean and kafka
        services = (MONOLITH,) if self.monolith else self.services
        return (*services, VIEWS) if views else services


@dataclass
class Restarts:
    """When a service that died may start again. Times are monotonic seconds."""

    pause_s: float = PAUSE_SECONDS_FIRST
    started_s: float = 0.0
    due_s: float | None = None
    deaths_s: deque[float] = field(default_factory=lambda: deque(maxlen=LOOP_DEATHS))

    def is_loop(self, now_s: float) -> bool:
        """Did it end by itself again and again, the first time not long ago, and has not run for a while since?"""
        deaths = self.deaths_s
        recent = len(deaths) == LOOP_DEATHS and now_s - deaths[0] < LOOP_SECONDS
        steady = self.due_s is None and now_s - self.started_s >= STEADY_SECONDS
        return recent and not steady

    def died(self, now_s: float) -> float:
        """Note a death; returns the pause before the next start, doubled for each death in short order."""
        if now_s - self.started_s >= STEADY_SECONDS:
            self.pause_s = PAUSE_SECONDS_FIRST
        pause_s, self.pause_s = self.pause_s, min(2 * self.pause_s, PAUSE_SECONDS_MAX)
        self.due_s = now_s + pause_s
        self.deaths_s.append(now_s)
        return pause_s

    def started(self, now_s: float) -> None:
        """Note a start."""
        self.started_s, self.due_s = now_s, None


@dataclass
class Station:
    """Supervises one platform."""

    options: StationOptions
    running: Platform
    say: Say
    clock: ClockPort = field(default_factory=SystemClock)
    phase: StationPhase = StationPhase.STARTING
    _restarts: dict[str, Restarts] = field(default_factory=dict)
    _written: StationState | None = None

    @property
    def services(self) -> list[ServiceProcess]:
        """The services to keep."""
        return [service for name, service in self.running.services.items() if name in self.options.processes]

    async def keep(self) -> None:
        """Start what is wanted, register what the market starts with, then supervise until cancelled."""
        for service in self.services:
            self._begin(service)
        self.write()
        supervising = asyncio.create_task(self._supervise())
        try:
            await self._open()
            self.phase = StationPhase.RUNNING
            self.write()
            self.say(f"up: {self.options.market.name}")
            await supervising
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)
            self.phase = StationPhase.STOPPING
            self.write()

    def write(self) -> None:
        """Tell other processes how things are, when that changed."""
        state = StationState(
            owner=ProcessMark.of(os.getpid()),
            phase=self.phase,
            market=self.options.market.name,
            services={service.name: self._state_of(service) for service in self.services},
        )
        if state != self._written:
            write_station(self.options.root, state)
            self._written = state

    def _state_of(self, service: ServiceProcess) -> ServiceState:
        mark = ProcessMark.of(service.pid) if service.pid is not None else None
        restarts = self._restarts.get(service.name)
        loop = restarts is not None and restarts.is_loop(self.clock.monotonic_s())
        return ServiceState(mark, service.url, service.starts, str(service.log_file), loop)

    def _begin(self, service: ServiceProcess) -> None:
        service.start()
        self._restarts.setdefault(service.name, Restarts()).started(self.clock.monotonic_s())

    async def _open(self) -> None:
        """Hold the market back until its strategies are in force, as far as the services for that are here."""
        names = self.options.services
        registers = "strategy" in names and "ingest" in names
        operator = self.running.operator
        if registers:
            await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
        try:
            late = await self._until_ready()
            if late:
                self.say(f"not ready after {READY_SECONDS:.0f} s: {', '.join(late)}; see `tradewire status`")
            if registers:
                await self._register(operator)
        finally:
            if registers:
                await operator.control("service:ingest", ControlLevel.NORMAL, "all strategies are registered")

    async def _register(self, operator: Operator) -> None:
        """Publish those of the market's strategies that this platform has never answered."""
        known = await operator.latest(StrategyStatusChanged)
        new = [text for text in self.options.market.documents if parse_strategy(text).id not in known]
        try:
            versions = {}
            for document in new:
                config = await operator.publish_strategy(document)
                versions[config.strategy_id] = config.version
            answers = await operator.answers(versions, ANSWER_SECONDS) if versions else {}
        except TradewireError as error:
            self.say(f"strategies could not be registered: {error}")
            return
        for answer in answers.values():
            reasons = "; ".join(reason.message for reason in answer.reasons)
            self.say(f"strategy {answer.strategy_id}: {answer.status.value}{f' ({reasons})' if reasons else ''}")

    async def _until_ready(self) -> list[str]:
        """Wait for the services; returns the names of those that are not ready in time."""
        waiting = list(self.services)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
                while waiting:
                    for service in list(waiting):
                        report = await service.health(client)
                        if report is not None and report.get("status") == "ok":
                            waiting.remove(service)
                            self.say(f"{service.name} is ready")
                    if waiting:
                        await asyncio.sleep(LOOK_SECONDS)
        return [service.name for service in waiting]

    # ---- supervision ----

    async def _supervise(self) -> None:
        while True:
            for service in self.services:
                self._look_after(service)
            for part in self.running.stack.dead():
                await self._revive(part)
            self.write()
            await asyncio.sleep(LOOK_SECONDS)

    def _look_after(self, service: ServiceProcess) -> None:
        restarts, now_s = self._restarts[service.name], self.clock.monotonic_s()
        if service.running:
            return
        if restarts.due_s is None:
            pause_s = restarts.died(now_s)
            self.say(f"{service.name} ended (exit code {service.exit_code}); starting it again in {pause_s:.0f} s")
        elif now_s >= restarts.due_s:
            self._begin(service)
            self.say(f"{service.name} started again, for the {service.starts - 1}. time")

    async def _revive(self, part: str) -> None:
        self.say(f"{part} ended; starting it again")
        try:
            await asyncio.to_thread(self.running.stack.restart, part)
        except StackError as error:
            self.say(f"{part} did not come back: {error}")


async def keep_platform(options: StationOptions, *, say: Say, progress: Progress = quiet) -> None:
    """Keep a platform until cancelled; ends all that it started. Raises StackError, TradewireError."""
    run = RunOptions(
        root=options.root,
        fresh=False,
        registry=not options.lean,
        views=VIEWS in options.processes,
        monolith=options.monolith,
        external=options.external,
        otlp_url=options.otlp_url,
        environment=options.market.environment,
    )
    try:
        async with platform(options.market.scenario, run, progress=progress, say=say) as running:
            await Station(options, running, say).keep()
    finally:
        state = read_station(options.root)
        if state is not None and state.owner.pid == os.getpid():
            state_file(options.root).unlink(missing_ok=True)


def leftovers(state: StationState) -> list[ProcessMark]:
    """Service processes that outlived their supervisor: same id, same start time, same command line."""
    marks = [service.mark for service in state.services.values() if service.mark is not None]
    return [mark for mark in marks if mark.process() is not None and ProcessMark.of(mark.pid).command == mark.command]
