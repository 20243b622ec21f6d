"""Measuring one case in a process of its own. Only NumPy is needed: the peers' interpreters run this too."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

MARK = "result: "
ENOUGH_S = 1.0
"""Warm calls go on for so long: short ones need more of them until memory and caches are as they stay."""


def timed(
    run: Callable[[], object], repeats: int, *, prints: Callable[[object], str], enough_s: float = ENOUGH_S
) -> None:
    """Run once cold, then warm at least ``repeats`` times and for ``enough_s``, and say what came out.

    ``prints`` makes the fingerprint of a result; all runs must have the same one.
    """
    before_mib = peak_mib()
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    found: set[str] = set()
    while len(seconds) <= repeats or sum(seconds[1:]) < enough_s:
        started, cpu_started = time.perf_counter(), time.process_time()
        result = run()
        seconds.append(time.perf_counter() - started)
        cpu_seconds.append(time.process_time() - cpu_started)
        found.add(prints(result))
    if len(found) != 1:
        raise ValueError(f"{len(found)} different results of one case: {sorted(found)}")
    say(
        {
            "first_s": seconds[0],
            "warm_s": seconds[1:],
            "warm_cpu_s": cpu_seconds[1:],
            "before_mib": before_mib,
            "peak_mib": peak_mib(),
            "fingerprint": found.pop(),
        }
    )


def say(result: Mapping[str, object]) -> None:
    """What a measuring process answers with."""
    sys.stdout.write(MARK + json.dumps(result) + "\n")
    sys.stdout.flush()


def peak_mib() -> float:
    """Largest resident memory of this program so far, MiB.

    Not getrusage: what it says a child begins with what its parent had.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError("the system does not tell a process's largest memory")


def digest(*arrays: object) -> str:
    """Fingerprint of numbers: the first 16 digits of their SHA-256."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:16]
