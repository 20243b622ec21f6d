"""``make bench-research [QUICK=1]``: measure ourselves and our peers in one run; writes docs/benchmarks-research.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import machine
from benchmarks.research.cases import FULL, MODULES, OURS, QUICK, Duel, Sizes, duels
from benchmarks.research.commands import HEADING
from benchmarks.research.report import Findings, Measured, written
from benchmarks.research.timing import MARK

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs/benchmarks-research.md"
CASE_SECONDS = 900.0


class CaseFailedError(Exception):
    """A measuring process ended without a result."""


def answer(environment: str, case: str, size: int, repeats: int) -> dict[str, Any]:
    """Run one case in a process of its own.

    Raises: CaseFailedError when the environment is not there or the process says no result.
    """
    python = ROOT / environment / "bin/python"
    command = [str(python), "-m", f"benchmarks.research.{MODULES[environment]}", case, str(size), str(repeats)]
    if not python.exists():
        raise CaseFailedError(f"{environment} is not there; `make {environment}/.installed` makes it")
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=CASE_SECONDS, check=False)  # noqa: S603 - a command of our own
    except subprocess.TimeoutExpired as error:
        raise CaseFailedError(f"{case} took more than {CASE_SECONDS:.0f} s") from error
    for line in done.stdout.splitlines():
        _, found, rest = line.partition(MARK)
        if found:
            result: dict[str, Any] = json.loads(rest)
            return result
    last = done.stderr.strip().splitlines()[-1:] or ["no output"]
    raise CaseFailedError(f"{environment} {case}: {last[0]}")


def measured(environment: str, case: str, size: int, repeats: int) -> Measured:
    """One case: first call, median of the warm ones, memory, fingerprint."""
    found = answer(environment, case, size, repeats)
    return Measured(
        first_s=found["first_s"],
        warm_s=median(found["warm_s"]),
        cpu_s=median(found["warm_cpu_s"]),
        before_mib=found["before_mib"],
        peak_mib=found["peak_mib"],
        fingerprint=found["fingerprint"],
    )


def measure(sizes: Sizes, *, quick: bool) -> Findings:
    """Everything, one process after the other."""
    started = time.monotonic()
    found = Findings(quick=quick, machine=machine(), sizes=sizes)
    known: dict[tuple[str, str, int], Measured] = {}

    def once(environment: str, case: str, size: int) -> Measured:
        key = (environment, case, size)
        if key not in known:
            known[key] = measured(environment, case, size, sizes.repeats)
        return known[key]

    def duel_of(duel: Duel) -> None:
        ours = once(OURS, duel.ours, duel.size)
        found.duels.append((duel, ours, once(duel.environment, duel.theirs, duel.theirs_size)))

    answer(OURS, "first", sizes.sweep, 1)  # puts the machine code on disk
    found.first_calls = [answer(OURS, "first", sizes.sweep, 1) for _ in range(sizes.repeats)]
    for duel in duels(sizes):
        sys.stderr.write(f"{duel.title} beside {duel.peer}\n")
        try:
            duel_of(duel)
        except CaseFailedError as error:
            found.failed.append(f"{duel.title} beside {duel.peer}: {error}")
    try:
        found.parallel = [once(OURS, f"J-{jobs}", sizes.parallel) for jobs in (1, 2)]
    except CaseFailedError as error:
        found.failed.append(f"a sweep in processes: {error}")
    for bars, sets in sizes.slope:
        try:
            found.slope.append((bars, sets, measured(OURS, f"S-{sets}", bars, 1)))
        except CaseFailedError as error:
            found.failed.append(f"{sets} sets of {bars} bars: {error}")
    found.minutes = (time.monotonic() - started) / 60
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.research", epilog="example: make bench-research QUICK=1"
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes: 2 minutes instead of 4")
    quick = parser.parse_args().quick
    _, heading, commands = RESULT.read_text(encoding="utf-8").partition(HEADING)  # its section stays
    RESULT.write_text(
        f"{written(measure(QUICK if quick else FULL, quick=quick))}\n{heading}{commands}", encoding="utf-8"
    )
    sys.stderr.write(f"written to {RESULT.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
