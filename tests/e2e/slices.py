"""A slice of a sample, and a replay of it beside which something is done."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.drill import ROOT

from tradewire.app.monolith import Scenario, sample_scenarios
from tradewire.app.platform import Platform
from tradewire.app.watch import RunResult, RunWatcher

BARS = 1200
HOURLY = sample_scenarios(ROOT)["btc-hourly"]


def first_weeks(folder: Path) -> Scenario:
    """The first weeks of the hourly sample, with its files in ``folder``."""
    name = HOURLY.files[0]
    lines = (HOURLY.data / name).read_text().splitlines()[: BARS + 1]
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "instruments.yaml").write_text((HOURLY.data / "instruments.yaml").read_text())
    return dataclasses.replace(HOURLY, data=folder)


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
