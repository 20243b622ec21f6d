"""A platform that is kept: servers and services supervised until told to stop."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tradewire.app.operating.market import Market
from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.app.operating.platform import Platform, RunOptions, platform
from tradewire.embedded import Progress, quiet
from tradewire.embedded.external import External
from tradewire.embedded.platform_state import (
    PlatformPhase,
    PlatformState,
    read_platform,
    state_file,
    write_platform,
)
from tradewire.embedded.process_mark import ProcessMark
from tradewire.embedded.service_processes import MONOLITH, SERVICES, VIEWS, WEB
from tradewire.embedded.supervisor import Say, Supervisor
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import ControlLevel, StrategyStatusChanged
from tradewire.runtime.clock import SystemClock
from tradewire.trading.language import parse_strategy

QUIET_SECONDS = 120.0
"""Longest time for which services that start may do nothing."""
ANSWER_SECONDS, ANSWER_TRIES = 30.0, 20


@dataclass(frozen=True, slots=True)
class KeptOptions:
    """What to keep. ``services``: those to start; ``lean``: with static schema ids in place of a registry, and
    without the windowed views, which otherwise go with the telemetry service; ``external``: the user's own servers;
    ``monolith``: all six services in one process; ``web``: the dashboard too."""

    root: Path
    market: Market
    services: tuple[str, ...] = SERVICES
    lean: bool = False
    otlp_url: str | None = None
    external: External = field(default_factory=External)
    monolith: bool = False
    web: bool = False

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of what is to run."""
        kafka = self.external.bus_url is None or self.external.bus_url.startswith("kafka:")  # what the views run on
        views = "telemetry" in self.services and not self.lean and kafka
        services = (MONOLITH,) if self.monolith else self.services
        return (*services, *([VIEWS] if views else []), *([WEB] if self.web else []))

    @property
    def run(self) -> RunOptions:
        """How it is run."""
        return RunOptions(
            root=self.root,
            fresh=False,
            registry=not self.lean,
            views=VIEWS in self.processes,
            monolith=self.monolith,
            web=self.web,
            external=self.external,
            otlp_url=self.otlp_url,
            environment=self.market.environment,
        )


@dataclass
class KeptPlatform:
    """One platform that is kept."""

    options: KeptOptions
    running: Platform
    say: Say
    clock: ClockPort = field(default_factory=SystemClock)
    phase: PlatformPhase = PlatformPhase.STARTING
    _written: PlatformState | None = None

    @cached_property
    def supervisor(self) -> Supervisor:
        """Keeps the wanted services and their servers running."""
        services = [service for name, service in self.running.services.items() if name in self.options.processes]
        return Supervisor(services, self.running.stack, self.clock, self.say)

    async def keep(self) -> None:
        """Start what is wanted, register what the market starts with, then supervise until cancelled."""
        self.supervisor.start()
        self.write()
        supervising = asyncio.create_task(self.supervisor.supervise(self.write))
        try:
            await self._open()
            self.phase = PlatformPhase.RUNNING
            self.write()
            self.say(f"up: {self.options.market.name}")
            await supervising
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)
            self.phase = PlatformPhase.STOPPING
            self.write()

    def write(self) -> None:
        """Tell other processes how things are, when that changed."""
        owner, services = ProcessMark.of(os.getpid()), self.supervisor.states()
        state = PlatformState(owner, self.phase, self.options.market.name, services)
        if state != self._written:
            write_platform(self.options.root, state)
            self._written = state

    async def _open(self) -> None:
        """Hold the market back until its strategies are in force, as far as the services for that are here."""
        names = self.options.services
        registers = "strategy" in names and "ingest" in names
        operator = self.running.operator
        if registers:
            await operator.control("service:ingest", ControlLevel.PAUSED, "strategies are being registered")
        try:
            late = await self.supervisor.until_ready(QUIET_SECONDS)
            if late:
                self.say(f"not ready, and waits for something: {', '.join(late)}; see `tradewire status`")
            if registers:
                await self._register(operator)
        finally:
            if registers:
                await operator.control("service:ingest", ControlLevel.NORMAL, "all strategies are registered")

    async def _register(self, operator: Operator) -> None:
        """Publish those of the market's strategies that this platform has never answered."""
        known = await operator.latest(StrategyStatusChanged)
        named = {parse_strategy(text).id: text for text in self.options.market.documents}
        new = [text for strategy_id, text in named.items() if strategy_id not in known]
        for strategy_id in sorted(named.keys() & known.keys()):
            self.say(f"strategy {strategy_id}: known here already; `tradewire strategy publish` takes a changed file")
        try:
            versions = {}
            for document in new:
                config = await operator.publish_strategy(document)
                versions[config.strategy_id] = config.version
            answers = await self._answers(versions)
        except TradewireError as error:
            self.say(f"strategies could not be registered: {error}")
            return
        for answer in answers.values():
            why = [reason.message for reason in answer.reasons] + [answer.start_reason or ""]
            reasons = "; ".join(filter(None, why))
            self.say(f"strategy {answer.strategy_id}: {answer.status.value}{f' ({reasons})' if reasons else ''}")

    async def _answers(self, versions: dict[str, int]) -> dict[str, StrategyStatusChanged]:
        """What strategy answers, however slow the machine is. Raises NoAnswerError after minutes."""
        for _ in range(ANSWER_TRIES - 1):
            with suppress(NoAnswerError):
                return await self.running.operator.answers(versions, ANSWER_SECONDS)
            self.say(f"waiting for the answers about {', '.join(versions)}")
        return await self.running.operator.answers(versions, ANSWER_SECONDS)


async def keep_platform(options: KeptOptions, *, say: Say, progress: Progress = quiet) -> None:
    """Keep a platform until cancelled; ends all that it started. Raises StackError, TradewireError."""
    try:
        async with platform(options.market.scenario, options.run, progress=progress, say=say) as running:
            await KeptPlatform(options, running, say).keep()
    finally:
        state = read_platform(options.root)
        if state is not None and state.owner.pid == os.getpid():
            state_file(options.root).unlink(missing_ok=True)


def leftovers(state: PlatformState) -> list[ProcessMark]:
    """Service processes that outlived their supervisor: same id, same start time, same command line."""
    marks = [service.mark for service in state.services.values() if service.mark is not None]
    return [mark for mark in marks if mark.process() is not None and ProcessMark.of(mark.pid).command == mark.command]
