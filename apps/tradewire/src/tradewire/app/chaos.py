"""A replay under fire: services killed, the broker and Postgres restarted, at seeded moments of the run."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tradewire.app.platform import Platform
from tradewire.app.watch import RunResult, RunWatcher

Say = Callable[[str], None]
TRADERS = ("ingest", "indicator", "strategy", "risk", "execution")


@dataclass(frozen=True, slots=True)
class Blow:
    """What is hit once the run has come so far. ``after_bars``: account steps seen by then."""

    after_bars: int
    target: str
    kind: str


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """The blows of a run: the same for the same seed."""

    seed: int
    blows: tuple[Blow, ...]

    @classmethod
    def drawn(cls, *, seed: int, bars: int, kills: int, brokers: int = 2, databases: int = 1) -> ChaosPlan:
        """Kills spread at random over a run of ``bars`` account steps; every trading service is hit in turn.

        A service that has nothing left to do (ingest, early) is killed and comes back all the same.
        """
        rng = random.Random(seed)  # noqa: S311 (a drill, no secret)
        order = [TRADERS[i % len(TRADERS)] for i in range(kills)]
        rng.shuffle(order)
        blows = [Blow(rng.randrange(1, bars), name, "kill") for name in order]
        blows += [Blow(rng.randrange(1, bars), "kafka", "restart") for _ in range(brokers)]
        blows += [Blow(rng.randrange(1, bars), "postgres", "kill") for _ in range(databases)]
        return cls(seed, tuple(sorted(blows, key=lambda blow: (blow.after_bars, blow.target))))


@dataclass
class ChaosLog:
    """What was done."""

    blows: Counter[str] = field(default_factory=Counter)
    revived: Counter[str] = field(default_factory=Counter)


async def replay_under_fire(
    running: Platform,
    accounts: set[str],
    plan: ChaosPlan,
    *,
    progress: Callable[[RunResult], None] = lambda _: None,
    say: Say = lambda _: None,
) -> tuple[RunResult, ChaosLog]:
    """Replay to the end while the plan's blows fall; whatever dies is started again at once."""
    log, moved = ChaosLog(), asyncio.Event()
    watcher = RunWatcher(running.bus, running.codec, accounts)

    def look(result: RunResult) -> None:
        moved.set()
        progress(result)

    async def strike() -> None:
        for blow in plan.blows:
            while watcher.result.bars < blow.after_bars:
                moved.clear()
                await moved.wait()
            say(f"{blow.kind} {blow.target} at bar {watcher.result.bars}")
            await asyncio.to_thread(_hit, running, blow)
            log.blows[f"{blow.kind} {blow.target}"] += 1

    async def revive() -> None:
        while True:
            for name, service in running.services.items():
                if service.starts and not service.running:
                    log.revived[name] += 1
                    service.start()
            await asyncio.sleep(0.1)  # how often a supervisor looks; nothing waits for it

    striking, reviving = asyncio.create_task(strike()), asyncio.create_task(revive())
    try:
        watching = asyncio.create_task(watcher.until_over(look))
        await asyncio.wait({watching, striking}, return_when=asyncio.FIRST_EXCEPTION)
        if striking.done():
            striking.result()
        return await watching, log
    finally:
        for task in (striking, reviving):
            task.cancel()
        await asyncio.gather(striking, reviving, return_exceptions=True)


def _hit(running: Platform, blow: Blow) -> None:
    if blow.target in running.services:
        running.services[blow.target].kill()
    elif blow.kind == "kill":
        running.stack.kill(blow.target)
        running.stack.restart(blow.target)
    else:
        running.stack.restart(blow.target)
