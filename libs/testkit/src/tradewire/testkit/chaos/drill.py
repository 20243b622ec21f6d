"""One drill: a scenario undisturbed in one process, the same on real servers under fire, and what the audit finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tradewire.app.operating.monolith import begun, beside, build_services, memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.platform import Platform, RunOptions, begin, platform
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.chaos.conductor import Conductor, undisturbed, unpaced
from tradewire.testkit.chaos.differences import AccountStory
from tradewire.testkit.chaos.market import PacedMarket
from tradewire.testkit.chaos.plan import SEVERAL, Amounts, ChaosPlan
from tradewire.testkit.chaos.recovery import Recovery
from tradewire.testkit.chaos.scenario import Drilled
from tradewire.testkit.chaos.striker import Striker
from tradewire.testkit.chaos.versions import check_versions
from tradewire.testkit.chaos.zombies import check_saved_states
from tradewire.testkit.checker import Audited, audit, read_ledger, read_topics

UNTIL_SETTING = "TRADEWIRE_REPLAY_UNTIL_FILE"
PATIENCE_SECONDS = 90.0
"""A run in which nothing has happened for so long, with no fault under way, has stopped for good."""
SAY_SECONDS = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DrillQuestion:
    """What a drill tries. ``pace``: bars per second, 0 for each bar behind a quiet stretch, None for full speed."""

    drilled: Drilled
    seed: int
    amounts: Amounts = field(default_factory=Amounts)
    pace: float | None = None
    instances: int = 1
    session_s: float = 6.0
    patience_s: float = PATIENCE_SECONDS

    @property
    def plan(self) -> ChaosPlan:
        """The faults: the same for the same question."""
        return ChaosPlan.drawn(
            seed=self.seed,
            bars=len(self.drilled.times_us),
            amounts=self.amounts,
            instances=dict.fromkeys(SEVERAL, self.instances),
            session_s=self.session_s,
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """An undisturbed run: what it came to, and what happened to its accounts."""

    result: RunResult
    story: AccountStory


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill came to, beside the undisturbed run of the same scenario."""

    question: DrillQuestion
    reference: Reference
    result: RunResult
    audit: Audited
    faults: Mapping[str, int] = field(default_factory=dict)
    revived: Mapping[str, int] = field(default_factory=dict)
    recovery: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    differences: Sequence[str] = ()
    stopped: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """It came to its end with the same fingerprint, nothing lost, nothing doubled."""
        same = self.result.fingerprint == self.reference.result.fingerprint
        return same and not self.stopped and not self.audit.findings


async def reference_of(drilled: Drilled, folder: Path) -> Reference:
    """The scenario in one process, with its versions published at the same bars."""
    until = folder / "until-undisturbed"
    market = PacedMarket(until, drilled.times_us)
    bus, codec = MemoryBus(memory_topics()), Codec(SchemaIds.static())
    operator = Operator(bus, codec, SystemClock(), author="drill")
    common = {"bus_url": "memory:", "replay_until_file": until}
    story = AccountStory()
    watcher = RunWatcher(bus, codec, await begun(drilled.scenario, bus, operator, common), story.take)

    async def replayed() -> RunResult:
        result, _ = await asyncio.gather(watcher.until_over(), undisturbed(market, drilled.publications, operator))
        return result

    services = [service for service in build_services(drilled.scenario, common) if service.name != "telemetry"]
    return Reference(await beside(services, bus, RuntimeSettings(bus_url="memory:"), replayed), story)


async def drill(
    question: DrillQuestion,
    root: Path,
    *,
    reference: Reference | None = None,
    registry: bool = False,
    say: Say = lambda _: None,
) -> Drill:
    """Run the scenario undisturbed, then under fire on servers below ``root``, an absolute path, and audit the rest."""
    drilled, clock = question.drilled, SystemClock()
    if reference is None:
        say(f"running {len(drilled.times_us):,} bars undisturbed, in one process")
        reference = await reference_of(drilled, root)
    until = root / "until"
    market = PacedMarket(until, drilled.times_us)
    options = _options(question, root, until, registry=registry)
    started_s = clock.monotonic_s()
    async with platform(drilled.scenario, options, say=say) as running:
        accounts = await begin(running, drilled.scenario, say=say)
        fire = UnderFire(question, running, accounts, market, clock, say)
        stopped = await fire.run()
        said = await read_topics(running.stack.bootstrap_servers)
        found = audit(said, await read_ledger(running.stack.postgres_dsn("execution")))
        check_versions(drilled, said, found)
        await check_saved_states(running.bus, running.codec, found)
    return Drill(
        question,
        reference,
        fire.watcher.result,
        found,
        dict(fire.striker.counts),
        dict(fire.striker.revived),
        fire.recovery.report(),
        fire.story.differences(reference.story),
        stopped,
        clock.monotonic_s() - started_s,
    )


def _options(question: DrillQuestion, root: Path, until: Path, *, registry: bool) -> RunOptions:
    """Servers below ``root``, sessions as asked, and a market that goes as far as the file says."""
    return RunOptions(
        root=root / "run",
        registry=registry,
        instances=dict.fromkeys(SEVERAL, question.instances),
        bus_bounds={"session_s": question.session_s, "heartbeat_s": question.session_s / 6},
        environment={UNTIL_SETTING: str(until)},
    )


class UnderFire:
    """A run on real servers while the plan's faults come."""

    def __init__(
        self,
        question: DrillQuestion,
        running: Platform,
        accounts: set[str],
        market: PacedMarket,
        clock: ClockPort,
        say: Say,
    ) -> None:
        self._question, self._running, self._market, self._clock, self._say = question, running, market, clock, say
        self.story = AccountStory()
        self.watcher = RunWatcher(running.bus, running.codec, accounts, self.story.take)
        self.recovery = Recovery(running.bus, clock)
        self.striker = Striker(running, self.recovery, self._say_fault)
        self._moved = asyncio.Event()
        self._moved_s = clock.monotonic_s()
        self._said_s = 0.0
        self._count = -1

    async def run(self) -> str:
        """To the end; returns why it stopped before, empty when it did not."""
        stopped = ""
        async with self._beside():
            work = asyncio.create_task(self._watched())
            watch = asyncio.create_task(self._until_stopped())
            try:
                await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
                stopped = "" if work.done() else watch.result()
                if work.done():
                    work.result()
            except* TradewireError as group:
                stopped = str(group.exceptions[0])
            finally:
                for task in (work, watch):
                    task.cancel()
                await asyncio.gather(work, watch, return_exceptions=True)
        return stopped

    async def _watched(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watcher.until_over(self._look))
            group.create_task(self._conducted())

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.striker.revive()), asyncio.create_task(self.recovery.watch())]
        try:
            yield
        finally:
            await self.striker.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _conducted(self) -> None:
        question, market = self._question, self._market
        publications, plan = question.drilled.publications, question.plan
        if question.pace is None:
            await unpaced(
                market,
                publications,
                plan,
                self.striker,
                operator=self._running.operator,
                until_bars=self._until_bars,
            )
            return
        conductor = Conductor(
            market,
            publications,
            plan,
            self.striker,
            running=self._running,
            bars_per_second=question.pace,
            clock=self._clock,
        )
        await conductor.run(lambda _: self._alive())

    # ---- progress ----

    @property
    def _bars(self) -> int:
        """How many bars have happened to the account that is furthest."""
        return max((account.states for account in self.watcher.result.accounts.values()), default=0)

    def _alive(self) -> None:
        self._moved_s = self._clock.monotonic_s()

    def _look(self, result: RunResult) -> None:
        count = result.evaluations + result.fills + result.bars + result.orders + sum(result.decisions.values())
        if count != self._count:
            self._count = count
            self._alive()
            self._moved.set()
        if self._clock.monotonic_s() - self._said_s >= SAY_SECONDS:
            self._said_s = self._clock.monotonic_s()
            done, total = sum(self.striker.counts.values()), self._question.amounts.total
            self._say(f"bar {self._bars:,} of {self._market.total:,}, {done} of {total} faults, {result.fills:,} fills")

    def _say_fault(self, text: str) -> None:
        self._say(f"  {text} at bar {self._market.bars if self._question.pace is not None else self._bars}")

    async def _until_bars(self, bars: int) -> None:
        while self._bars < bars:
            self._moved.clear()
            await self._moved.wait()

    async def _until_stopped(self) -> str:
        """Why nothing happens any more, once it does not."""
        while True:
            await asyncio.sleep(1.0)  # how often is looked
            if self.striker.busy:
                self._alive()
            if self._clock.monotonic_s() - self._moved_s > self._question.patience_s:
                return f"nothing happened for {self._question.patience_s:.0f} s: {await self._waits()}"

    async def _waits(self) -> str:
        """What the services say that they wait for."""
        found = []
        async with httpx.AsyncClient() as client:
            for name, service in self._running.services.items():
                report = await service.health(client)
                services = report.get("services") if report is not None else None
                if not isinstance(services, dict):
                    found.append(f"{name} does not answer")
                    continue
                for state in services.values():
                    waiting = [*state.get("waits_for", ()), *state.get("unready", ())]
                    found += [f"{name} waits for {what}" for what in dict.fromkeys(each["what"] for each in waiting)]
        return "; ".join(found) or "no service says that it waits for anything"
