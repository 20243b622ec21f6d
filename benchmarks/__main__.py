"""``make bench [QUICK=1]``: measure everything and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.hops import HopCost, hop_costs
from benchmarks.measure import child, machine, medians
from benchmarks.recovery import section_in
from benchmarks.replays import Latency, Replay, replayed
from benchmarks.report import written
from benchmarks.scenarios import ALWAYS, ONE_STRATEGY, ROOT, SELDOM, THREE_STRATEGIES, sample, synthetic
from tradewire.embedded import Stack, StackPaths

RESULT = ROOT / "docs/benchmarks.md"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. ``latency``: (symbols, moments per second, moments)."""

    repeats: int
    hop_bars: int
    replay_bars: int
    lock_step_bars: int
    trips: int
    memory_bars: int
    monolith_bars: int
    symbol_bars: int
    latency: tuple[tuple[int, float, int], ...]


FULL = Sizes(3, 20_000, 20_000, 3_000, 3_000, 24_000, 10_000, 20_000, ((1, 20, 2400), (100, 0.5, 60), (1000, 0.02, 6)))
QUICK = Sizes(1, 3_000, 4_000, 800, 800, 24_000, 4_000, 6_000, ((1, 20, 500), (100, 0.5, 20), (1000, 0.03, 3)))
MEMORY_SYMBOLS = 10
SYMBOL_COUNTS = (1, 10, 100, 1000)
MONOLITHS = {"one strategy, one symbol": "synthetic", "three sample strategies, one symbol": "sample"}
WIDE_POLLS = {"TRADEWIRE_POLL_RECORDS_MAX": "5000"}
"""All instruments in one poll: the strategy service refuses a strategy whose instruments it has not read yet."""


@dataclass
class Findings:
    """All figures of one run."""

    quick: bool
    machine: dict[str, str]
    hops: list[HopCost] = field(default_factory=list)
    replay: Replay | None = None
    lock_step: Replay | None = None
    memory: Replay | None = None
    monolith: dict[str, dict[str, float]] = field(default_factory=dict)
    symbols: dict[int, dict[str, float]] = field(default_factory=dict)
    latencies: list[Latency] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    minutes: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    async def part(self, name: str, work: Awaitable[None]) -> None:
        """Measure one part; what fails is said in the document and does not cost the other parts."""
        say(name)
        try:
            await work
        except Exception as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            self.failed.append(f"{name}: {reason[0][:200]}")
            say(f"{name} FAILED: {str(error)[-2000:]}")
        self.minutes = (time.monotonic() - self.began_s) / 60
        kept = section_in(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else ""
        RESULT.write_text(f"{written(self)}{kept}", encoding="utf-8")  # after each part: a run cut short still tells


def say(line: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{line}\n")


async def hops(found: Findings, folder: Path, sizes: Sizes) -> None:
    """Each service's hop beside its floor."""
    stack = Stack(StackPaths.under(folder / "hops"), registry=False)
    try:
        await asyncio.to_thread(stack.start)
        scenario = sample(folder, bars=sizes.hop_bars, strategies=ONE_STRATEGY)
        found.hops = await hop_costs(stack, scenario, repeats=sizes.repeats, say=say)
    finally:
        await asyncio.to_thread(stack.stop)


async def monolith(found: Findings, folder: Path, sizes: Sizes, name: str, kind: str) -> None:
    """Bars per second in one process."""
    given = (kind, "--bars", sizes.monolith_bars, "--folder", folder)
    found.monolith[name] = medians([await child("benchmarks.monoliths", *given) for _ in range(sizes.repeats)])


async def symbols(found: Findings, folder: Path, sizes: Sizes, count: int) -> None:
    """The cost of a message at a number of symbols."""
    given = ("synthetic", "--bars", max(10, sizes.symbol_bars // count), "--symbols", count, "--folder", folder)
    results = [await child("benchmarks.monoliths", *given, environment=WIDE_POLLS) for _ in range(sizes.repeats)]
    found.symbols[count] = medians(results)


async def replay_sample(found: Findings, folder: Path, sizes: Sizes) -> None:
    """The sample scenario over six processes."""
    scenario = sample(folder, bars=sizes.replay_bars, strategies=THREE_STRATEGIES)
    found.replay = await replayed(folder, scenario, say=say)


async def lock_step(found: Findings, folder: Path, sizes: Sizes) -> None:
    """Six processes with a signal on every bar, and the floor's round trip on the same broker."""
    scenario = synthetic(folder, symbols=1, bars=sizes.lock_step_bars, template=ALWAYS)
    found.lock_step = await replayed(folder, scenario, say=say, trips=sizes.trips)


async def memory(found: Findings, folder: Path, sizes: Sizes) -> None:
    """A long replay over six processes."""
    scenario = synthetic(folder, symbols=MEMORY_SYMBOLS, bars=sizes.memory_bars, template=SELDOM)
    found.memory = await replayed(folder, scenario, say=say)


async def latency(found: Findings, folder: Path, count: int, pace: float, moments: int) -> None:
    """From candle to order at a pace."""
    scenario = synthetic(folder, symbols=count, bars=moments, template=ALWAYS)
    run = await replayed(folder, scenario, say=say, bars_per_second=pace, environment=WIDE_POLLS)
    found.latencies.append(Latency.of(count, pace, run.latencies_ms))


async def measured(folder: Path, *, quick: bool) -> Findings:
    """Measure everything."""
    sizes = QUICK if quick else FULL
    found = Findings(quick, machine())
    await found.part("hops", hops(found, folder, sizes))
    for name, kind in MONOLITHS.items():
        await found.part(f"monolith, {name}", monolith(found, folder, sizes, name, kind))
    await found.part("replay of the sample", replay_sample(found, folder, sizes))
    await found.part("lock-step", lock_step(found, folder, sizes))
    for count, pace, moments in sizes.latency:
        await found.part(f"latency at {count} symbols", latency(found, folder, count, pace, moments))
    for count in SYMBOL_COUNTS:
        await found.part(f"monolith at {count} symbols", symbols(found, folder, sizes, count))
    await found.part("memory", memory(found, folder, sizes))
    return found


def main() -> None:
    """Measure, write the document, and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one run each: minutes instead of an hour")
    parser.add_argument("--folder", type=Path, help="where servers and data live meanwhile; default: a temporary one")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="tradewire-bench-"))
    try:
        asyncio.run(measured(folder, quick=asked.quick))
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps({"written": str(RESULT.relative_to(ROOT))}) + "\n")


if __name__ == "__main__":
    main()
