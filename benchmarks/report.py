"""docs/benchmarks.md: each figure beside its aim, misses included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from benchmarks.replays import resident, step_ms

if TYPE_CHECKING:
    from benchmarks.__main__ import Findings

RATIO_AIM = 2.5
LOCK_STEP_AIM = 2.0
MONOLITH_AIM = 3000.0
FLAT_AIM = 0.20
GROWTH_AIM = 0.05
RUNS = {
    True: "one run of each, so no medians",
    False: "medians of three runs for hops and monolith, one run of everything over six processes",
}
WIDE_POLL_NOTE = (
    "Polls are widened to 5,000 records (default 500): with the default, strategies on 1,000 symbols are refused when "
    "they are asked for before the strategy service has read all instruments."
)
MEMORY_MESSAGES_AIM = 1_000_000


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def verdict(value: float, aim: float, *, at_most: bool = True) -> str:
    """Met, or missed and by how much."""
    met = value <= aim if at_most else value >= aim
    if met:
        return "met"
    factor = value / aim if at_most else aim / value
    return f"**missed by a factor of {factor:.2f}**"


def written(found: Findings) -> str:
    """The whole document."""
    command = "make bench QUICK=1" if found.quick else "make bench"
    parts = [
        "# Benchmarks\n",
        f"Written by `{command}` in {found.minutes:.0f} minutes; run it again to replace this file. Floor and product "
        f"are measured in the same run on the same machine, {RUNS[found.quick]}. CPU figures are user + system time of "
        "the measured process; they bear other load better than wall times do, and are not free of it. "
        "Research, beside its peers: [benchmarks-research.md](benchmarks-research.md). From one symbol to 3,000, and "
        "what an account writes: [benchmarks-sizes.md](benchmarks-sizes.md).\n",
        table(("machine", ""), found.machine.items()),
        _hops(found),
        _replay(found),
        _lock_step(found),
        _monolith(found),
        _latency(found),
        _symbols(found),
        _memory(found),
        "".join(f"Not measured — {failure}\n" for failure in found.failed),
    ]
    return "\n".join(part for part in parts if part)


def _hops(found: Findings) -> str:
    rows = (
        (
            cost.label,
            f"{cost.cpu_us:.0f}",
            f"{cost.floor_cpu_us:.0f}",
            f"{cost.ratio:.2f}",
            verdict(cost.ratio, RATIO_AIM),
            f"{cost.wall_us:.0f} / {cost.floor_wall_us:.0f}",
        )
        for cost in found.hops
    )
    return (
        "## 1. CPU per event of each hop\n\n"
        "Each service's worker runs alone on topics that are full already; the floor reads the same records with "
        "raw aiokafka, decodes them with fastavro and the same schemas, encodes the same answers and sends them "
        "(idempotent, acks=all, manual commits). Per event read; for ingest, per event written. fastavro converts the "
        "floor's decimals itself, as it does for anyone who uses it bare.\n\n"
        + table(("hop", "CPU µs", "floor µs", "ratio", f"aim ≤ {RATIO_AIM}", "wall µs (ours / floor)"), rows)
    )


def _replay(found: Findings) -> str:
    if found.replay is None:
        return ""
    replay, costs = found.replay, found.replay.cpu_us_per_message()
    cpu = ", ".join(f"{name} {value:.0f} µs" for name, value in costs.items())
    return (
        "## 2. Replay over six processes\n\n"
        f"Sample scenario, three strategies, {replay.candles:,} bars: **{replay.bars_per_second():.0f} bars/s** "
        f"({replay.messages:,} messages; telemetry and the benchmark itself read along on the same cores). CPU of each "
        f"process ÷ messages on all topics: {cpu}.\n"
    )


def _lock_step(found: Findings) -> str:
    if found.lock_step is None:
        return ""
    run = found.lock_step
    ratio = step_ms(run) / run.trip_ms
    rows = (
        ("one lock-step bar, six processes", f"{step_ms(run):.2f}"),
        ("two-hop round trip of the floor, median", f"{run.trip_ms:.2f}"),
        (f"ratio, aim ≤ {LOCK_STEP_AIM:.0f}", f"{ratio:.2f} — {verdict(ratio, LOCK_STEP_AIM)}"),
    )
    return (
        f"A signal on every bar ({run.candles:,} bars) makes risk wait for each account state and execution for each "
        "assessment: two hops per bar. The round trip of the floor decodes and encodes one account state per hop, in "
        "two processes.\n\n" + table(("", "wall ms"), rows)
    )


def _monolith(found: Findings) -> str:
    rows = (
        (
            name,
            f"{run['bars_per_second']:.0f}",
            f"{run['bars_per_cpu_second']:.0f}",
            verdict(run["bars_per_second"], MONOLITH_AIM, at_most=False),
        )
        for name, run in found.monolith.items()
    )
    if not found.monolith:
        return ""
    return (
        "## 3. Monolith, every message through the codec\n\n"
        "Marginal rate between a short and a long run; the process that counts the results is the same one, and "
        "decodes every answer once more.\n\n"
        + table(("scenario", "bars/s", "bars per CPU second", f"aim ≥ {MONOLITH_AIM:.0f} bars/s"), rows)
    )


def _latency(found: Findings) -> str:
    rows = (
        (
            run.symbols,
            f"{run.moments_per_second:g}",
            run.orders,
            f"{run.p50_ms:.0f}",
            f"{run.p99_ms:.0f}",
            f"{run.p999_ms:.0f}",
        )
        for run in found.latencies
    )
    return (
        "## 4. From candle to order\n\n"
        "Six processes over Kafka, paced; the bars of all symbols close at once, so that at 1,000 symbols the last "
        "order waits behind 999 others. "
        f"{WIDE_POLL_NOTE} From the timestamp of the candle's record to that of its order's, ms. "
        "A p50 of seconds at one symbol means that the pace was not sustained: it is waiting, not work.\n\n"
        + table(("symbols", "closes per second", "orders", "p50", "p99", "p99.9"), rows)
    )


def _symbols(found: Findings) -> str:
    if 1 not in found.symbols:
        return ""
    base = found.symbols[1]["cpu_us_per_message"]
    rows = []
    for count, run in found.symbols.items():
        change = run["cpu_us_per_message"] / base - 1
        rows.append((count, f"{run['cpu_us_per_message']:.0f}", f"{change:+.0%}", verdict(1 + change, 1 + FLAT_AIM)))
    return (
        "## 5. Cost per message as symbols grow\n\n"
        "Monolith, CPU per message on any topic, about the same number of bars in all; ten symbols share a strategy "
        f"and an account. {WIDE_POLL_NOTE}\n\n"
        + table(("symbols", "CPU µs per message", "against 1 symbol", f"aim ≤ +{FLAT_AIM:.0%}"), rows)
    )


def _memory(found: Findings) -> str:
    if found.memory is None:
        return ""
    rows = []
    for name, (quarter, half, end) in resident(found.memory).items():
        growth = end / quarter - 1
        flat = "flat" if growth <= GROWTH_AIM else f"**grew {growth:.0%}**"
        rows.append((name, f"{quarter:.0f}", f"{half:.0f}", f"{end:.0f}", flat))
    return (
        f"## 6. Resident memory over {found.memory.messages:,} messages\n\n"
        f"Six processes, ten symbols, {found.memory.candles:,} bars, {found.memory.bars_per_second():.0f} bars/s. "
        f"{_memory_note(found.memory.messages)}MiB after a quarter, after half and at the end; flat = at most "
        f"{GROWTH_AIM:.0%} more at the end than after a "
        "quarter.\n\n" + table(("process", "25 %", "50 %", "100 %", ""), rows)
    )


def _memory_note(messages: int) -> str:
    if messages >= MEMORY_MESSAGES_AIM:
        return ""
    return f"**The aim speaks of {MEMORY_MESSAGES_AIM:,} events; this run is shorter and does not show it.** "
