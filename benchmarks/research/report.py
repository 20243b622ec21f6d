"""docs/benchmarks-research.md: each figure beside its peer's and its aim, misses included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.report import table, verdict
from benchmarks.research.cases import Duel, Sizes

STREAM_AIM_US = 1.0
FIRST_CALL_AIM_S = 1.0
LINEAR_AIM = 1.5
PARALLEL_AIM = 1.8


@dataclass(frozen=True, slots=True)
class Measured:
    """One case of one program: seconds of the first call and of a warm one (wall and CPU), memory, fingerprint."""

    first_s: float
    warm_s: float
    cpu_s: float
    before_mib: float
    peak_mib: float
    fingerprint: str

    @property
    def grown_mib(self) -> float:
        """What the calls added to the memory of imports and data."""
        return max(self.peak_mib - self.before_mib, 0.1)


@dataclass
class Findings:
    """All figures of one run."""

    quick: bool
    machine: dict[str, str]
    sizes: Sizes
    duels: list[tuple[Duel, Measured, Measured]] = field(default_factory=list)
    first_calls: list[dict[str, Any]] = field(default_factory=list)
    parallel: list[Measured] = field(default_factory=list)
    slope: list[tuple[int, int, Measured]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    minutes: float = 0.0


def written(found: Findings) -> str:
    """The whole document."""
    command = "make bench-research QUICK=1" if found.quick else "make bench-research"
    parts = [
        "# Benchmarks: research\n",
        f"Written by `{command}` in {found.minutes:.0f} minutes; run it again to replace this file. Every program runs "
        "in its own environment and every case in a process of its own, one after the other, on the same seeded random "
        "walk. Warm figures are medians of the calls after the first, "
        f"at least {found.sizes.repeats} and a second of them; ratios are of wall times, and "
        "CPU ratios beside them bear other load on the machine better. A figure counts only because all calls of a "
        "case gave the same fingerprint (SHA-256 over what came out).\n",
        table(("machine", ""), found.machine.items()),
        _speeds(found),
        _memory(found),
        _first_calls(found),
        _parallel(found),
        _slope(found),
        _notes(),
        "".join(f"Not measured: {failure}\n\n" for failure in found.failed),
    ]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _speeds(found: Findings) -> str:
    head = ("operation", "size", "ours", "peer", "peer's", "ratio (CPU)", "aim", "", "our fingerprint", "the peer's")
    return "## Speed\n\n" + table(head, (_speed(*duel) for duel in found.duels))


def _speed(duel: Duel, ours: Measured, theirs: Measured) -> tuple[object, ...]:
    ratio = (theirs.warm_s / duel.theirs_size) / (ours.warm_s / duel.size)
    cpu = (theirs.cpu_s / duel.theirs_size) / (ours.cpu_s / duel.size)
    return (
        duel.title,
        f"{duel.size:,}",
        _cost(duel, ours, duel.size),
        duel.peer,
        _cost(duel, theirs, duel.theirs_size),
        f"{ratio:.2f} ({cpu:.2f})",
        f"≥ {duel.aim:.3g}",
        verdict(ratio, duel.aim, at_most=False),
        f"`{ours.fingerprint}`",
        f"`{theirs.fingerprint}`",
    )


def _cost(duel: Duel, measured: Measured, size: int) -> str:
    if duel.title.startswith("B2"):
        micros = measured.warm_s / size * 1e6
        return f"{micros:.2f} µs"
    if duel.title.startswith("B4"):
        return f"{size / measured.warm_s:,.0f} bars/s"
    return f"{measured.warm_s * 1e3:,.1f} ms"


def _memory(found: Findings) -> str:
    rows = []
    for duel, ours, theirs in found.duels:
        if duel.title.startswith(("B1", "B2")):
            continue
        ratio = theirs.peak_mib / ours.peak_mib
        aim = duel.memory_aim
        rows.append(
            (
                duel.title,
                duel.peer,
                f"{ours.peak_mib:,.0f} ({ours.grown_mib:,.0f})",
                f"{theirs.peak_mib:,.0f} ({theirs.grown_mib:,.0f})",
                f"{ratio:.1f} ({theirs.grown_mib / ours.grown_mib:.1f})",
                "" if aim is None else f"≥ {aim:g}: {verdict(ratio, aim, at_most=False)}",
            )
        )
    head = ("operation", "peer", "ours, MiB", "peer's, MiB", "ratio", "aim")
    say = "Peak resident memory of the whole process; in brackets what the calls added to imports and data.\n\n"
    return "## Memory\n\n" + say + table(head, rows)


def _first_calls(found: Findings) -> str:
    rows: list[tuple[object, ...]] = []
    if found.first_calls:
        first = median(call["first_s"] for call in found.first_calls)
        imports = median(call["import_s"] for call in found.first_calls)
        aim = f"≤ {FIRST_CALL_AIM_S:g} s: {verdict(first, FIRST_CALL_AIM_S)}"
        say = "vectorized engine, a new process"
        rows.append((say, f"{first:.2f} s", f"imports {imports:.2f} s before it", aim))
    rows += [
        (duel.title, f"{ours.first_s:.2f} s", f"{duel.peer}: {theirs.first_s:.2f} s", "")
        for duel, ours, theirs in found.duels
        if not duel.title.startswith(("B1", "B2"))
    ]
    head = ("first call", "ours", "", "aim")
    return "## First calls\n\nWith the machine code that an earlier process left on disk.\n\n" + table(head, rows)


def _parallel(found: Findings) -> str:
    if not found.parallel:
        return ""
    one, two = found.parallel
    ratio = one.warm_s / two.warm_s
    same = "equal" if one.fingerprint == two.fingerprint else "**different**"
    return (
        "## Two processes\n\n"
        f"A sweep of 4,851 sets over {found.sizes.parallel:,} bars takes {one.warm_s:.2f} s in one process and "
        f"{two.warm_s:.2f} s in two that run already, {ratio:.2f} times as fast (aim {PARALLEL_AIM:g}: "
        f"{verdict(ratio, PARALLEL_AIM, at_most=False)}). Fingerprints are {same}: `{one.fingerprint}`.\n"
    )


def _slope(found: Findings) -> str:
    if not found.slope:
        return ""
    costs = [(bars, sets, one.warm_s / (bars * sets) * 1e9, one) for bars, sets, one in found.slope]
    rows = (
        (f"{bars:,}", f"{sets:,}", f"{bars * sets:,}", f"{one.warm_s:.2f} s", f"{nanos:.1f} ns", f"{one.peak_mib:,.0f}")
        for bars, sets, nanos, one in costs
    )
    large = [nanos for bars, sets, nanos, _ in costs if bars * sets >= 1_000_000]
    spread = max(large) / min(large) if large else 1.0
    head = ("bars", "sets", "bar-evaluations", "time", "each", "peak MiB")
    return (
        "## Cost of a bar-evaluation\n\nOne bar under one parameter set: rules, account, statistics; windows "
        "from 2 to 100, no fee. Linear means that "
        f"the dearest is at most {LINEAR_AIM:g} times the cheapest: {spread:.2f}, {verdict(spread, LINEAR_AIM)}.\n\n"
        + table(head, rows)
    )


def _notes() -> str:
    return "## What is compared\n\n" + "\n".join(_note_lines()) + "\n"


def _note_lines() -> Iterator[str]:
    yield "- B1: an indicator over arrays, through the port and its checks; TA-Lib's C code."
    yield f"- B2: an update of the incremental form in the interpreter; the aim of the port is {STREAM_AIM_US:g} µs."
    yield "- B3: 1000 columns of 1000 rows with a signal in every cell, a million orders; both sides keep every order."
    yield (
        "- B4: fee 4 bp. Ours: integers of 1e-8, instrument filters, leverage; the futures engine also margin and "
        "liquidation. Accounts, equity curve and fills are there as columns; order ids, the fingerprint and the "
        "objects of fills and trades are made on access, and timed in the row that says so. backtesting.py: whole "
        "units. NautilusTrader: its example EMA crossing, always in the market, netting margin account, logging off; "
        "making the engine and loading bars are not counted."
    )
    yield "- B5: from prices to the total return and no more, indicators included; ours reads the strategy file, too."
    yield "- B6: fee 10 bp, every pair of windows from 2 to 100. Ours also gives drawdown, Sharpe ratio and block sums."
