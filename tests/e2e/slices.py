"""Replays of a sample: a slice of it beside which something is done, and one that is kept at a pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.monolith import Scenario, sample_scenarios
from tradewire.app.operating.platform import Platform
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.embedded import StackPaths, fetch
from tradewire.testkit.chaos.scenario import cut

ROOT = Path(__file__).parents[2]
BARS = 1200
HOURLY = sample_scenarios(ROOT)["btc-hourly"]


def first_weeks(folder: Path) -> Scenario:
    """The first weeks of the hourly sample, with its files in ``folder``."""
    return cut(HOURLY, folder, BARS).scenario


@contextmanager
def kept_replay(root: Path, *, bars_per_second: int) -> Iterator[Path]:
    """``tradewire up`` on the hourly sample at a pace, with its servers in ``root``; ``down`` at the end."""
    fetch(StackPaths.under(root))
    up = ["up", "--market", "replay", "--bars-per-second", str(bars_per_second), "--root", str(root)]
    with chdir(ROOT):
        try:
            assert main(up) == Exit.DONE
            yield root
        finally:
            main(["down", "--root", str(root)])


async def replay_with(
    running: Platform, accounts: set[str], at_bar: int, work: Callable[[], Awaitable[None]]
) -> RunResult:
    """Replay; do ``work`` beside it from the moment when a number of bars has happened. Raises if a service died."""
    reached = asyncio.Event()

    def look(result: RunResult) -> None:
        if result.bars >= at_bar:
            reached.set()
        for service in running.services.values():
            service.check()

    async def worked() -> None:
        await reached.wait()
        await work()

    watcher = RunWatcher(running.bus, running.codec, accounts)
    result, _ = await asyncio.gather(watcher.until_over(look), worked())
    return result
