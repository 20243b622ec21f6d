"""Measuring: CPU and wall time per event, children that measure themselves, and what this machine is."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

WARM_UP_SHARE = 0.1
MARK = "result: "
CHILD_SECONDS = 300.0


@dataclass
class CpuSlope:
    """CPU and wall time per event of this process, start-up and the first tenth of the events left out."""

    samples: list[tuple[int, float, float]] = field(default_factory=list)

    def note(self, done: int) -> None:
        """So many events are done now."""
        if not self.samples or done > self.samples[-1][0]:
            self.samples.append((done, time.process_time(), time.perf_counter()))

    def cpu_us(self) -> float:
        """CPU µs per event."""
        return self._slope(1)

    def wall_us(self) -> float:
        """Wall µs per event."""
        return self._slope(2)

    def _slope(self, column: int) -> float:
        last = self.samples[-1]
        first = next(sample for sample in self.samples if sample[0] >= WARM_UP_SHARE * last[0])
        if first is last:
            raise ValueError(f"{len(self.samples)} samples tell no slope; measure more events")
        return (last[column] - first[column]) / (last[0] - first[0]) * 1e6


def say_result(result: Mapping[str, object]) -> None:
    """What a measuring child answers with."""
    sys.stdout.write(MARK + json.dumps(result) + "\n")
    sys.stdout.flush()


class ChildFailedError(Exception):
    """A measuring process ended without a result."""


async def child(module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run ``python -m module arguments`` and return its result. Raises ChildFailedError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *map(str, arguments),
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(CHILD_SECONDS):
            out, err = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    results = [line for line in out.decode().splitlines() if line.startswith(MARK)]
    if process.returncode or not results:
        raise ChildFailedError(f"{module} {arguments} ended with {process.returncode}:\n{err.decode()[-3000:]}")
    found: dict[str, float] = json.loads(results[-1].removeprefix(MARK))
    return found


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over several runs."""
    results = list(runs)
    return {name: statistics.median(run[name] for run in results) for name in results[0]}


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of ``values`` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used: CPU seconds and resident MiB."""

    cpu_s: float
    rss_mib: float


def usage(pid: int) -> Usage:
    """Of a running process, its threads included."""
    process = psutil.Process(pid)
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
    return Usage(times.user + times.system, memory.rss / 2**20)


def machine() -> dict[str, str]:
    """Facts that every figure depends on."""
    model = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return {
        "CPU": f"{model}, {os.cpu_count()} logical cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load average at start (1, 5, 15 min)": load,
    }
