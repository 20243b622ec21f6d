"""``make bench-sizes``: what a message costs from one symbol to thousands, and what an account writes.

CPU per message is marginal, as in ``benchmarks.monoliths``. The floor beside it decodes, encodes and publishes the very
messages of the same run on the same bus, and does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.measure import child, machine, say_result
from benchmarks.monoliths import SHORT_SHARE, CountingBus
from benchmarks.scenarios import ROOT, SELDOM, synthetic
from tradewire.app.operating.monolith import memory_topics, run_monolith
from tradewire.ports.bus import Outgoing
from tradewire.ports.topics import TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.testkit.builders import assessment, candle, instrument, intent
from tradewire.testkit.execution_desk import desk_with, say, told

RESULT = ROOT / "docs/benchmarks-sizes.md"
SYMBOLS = (1, 10, 100, 1000, 3000)
INSTRUMENTS = (1, 100, 10_000)
BARS, BARS_MIN = 6_000, 12
AIM = 1.2


async def _run(folder: Path, symbols: int, bars: int) -> tuple[float, CountingBus]:
    """CPU s of one run, and its bus."""
    scenario, bus = synthetic(folder, symbols=symbols, bars=bars, template=SELDOM), CountingBus()
    started_s = time.process_time()
    await run_monolith(scenario, bus=bus)
    return time.process_time() - started_s, bus


async def _floor(bus: MemoryBus) -> float:
    """CPU s to decode, encode and publish every message of a bus again."""
    codec, other = Codec(SchemaIds.static()), MemoryBus(memory_topics())
    started_s = time.process_time()
    for topic in TOPICS:
        async for record in read_to_end(bus, topic):
            if record.value is not None:
                event = codec.decode(topic, record.value)
                headers = codec.encode_headers(codec.decode_headers(record))
                await other.publish([Outgoing(topic, record.key, codec.encode(event), headers)])
    return time.process_time() - started_s


async def _cost(folder: Path, symbols: int) -> dict[str, float]:
    """CPU µs per message, of the product and of the floor."""
    bars = max(BARS_MIN, BARS // symbols)
    before_s, short = await _run(folder, symbols, max(1, bars // SHORT_SHARE))
    after_s, long = await _run(folder, symbols, bars)
    messages = long.messages - short.messages
    floor_s = await _floor(long) - await _floor(short)
    return {"cpu_us": (after_s - before_s) / messages * 1e6, "floor_us": floor_s / messages * 1e6, "messages": messages}


def account_bytes(instruments: int) -> int:
    """What an account that trades one symbol writes, when there are so many."""
    desk = desk_with()
    for number in range(instruments - 1):
        say(desk, instrument(f"X{number}USDT"))
    for bar in (0, 1):
        told(desk, candle(bar), assessment(bar, intent(f"order-{bar}", qty=1)))
    (account,) = desk.changed()
    return len(account.saved())


def written(costs: dict[int, dict[str, float]]) -> str:
    """The document."""
    first = costs[SYMBOLS[0]]["cpu_us"]
    lines = ["# Sizes", "", "Written by `make bench-sizes`; run it again to replace this file.", ""]
    lines += ["| machine |  |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine().items()), ""]
    lines += ["## CPU per message as symbols grow", ""]
    lines += [
        "Monolith without telemetry, default settings, ten symbols a strategy and account, about as many bars in all;"
    ]
    lines += [
        "marginal. The floor decodes, encodes and publishes the same messages in the same run; what else the machine"
    ]
    lines += ["did moved the figures as it moved the floor.", ""]
    lines += ["| symbols | CPU µs | floor µs | ratio | against 1 symbol | aim ≤ +20% |", "|---|---|---|---|---|---|"]
    for symbols, cost in costs.items():
        ratio, growth = cost["cpu_us"] / cost["floor_us"], cost["cpu_us"] / first
        met = "met" if growth <= AIM else f"**missed by a factor of {growth / AIM:.2f}**"
        lines.append(
            f"| {symbols:,} | {cost['cpu_us']:.0f} | {cost['floor_us']:.0f} | {ratio:.2f} | {growth - 1:+.0%} | {met} |"
        )
    lines += [
        "",
        "## What an account writes",
        "",
        "An account that trades one symbol, by the instruments there are.",
        "",
    ]
    lines += ["| instruments | bytes a write |", "|---|---|"]
    lines += [f"| {count:,} | {account_bytes(count):,} |" for count in INSTRUMENTS]
    return "\n".join(lines) + "\n"


async def _measured(folder: Path) -> dict[int, dict[str, float]]:
    """Each number of symbols in a process of its own."""
    return {n: await child("benchmarks.sizes", "--symbols", n, "--folder", folder) for n in SYMBOLS}


def main() -> None:
    """Without ``--symbols``: measure everything and write the document; with: one row, as a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes")
    parser.add_argument("--symbols", type=int)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="tradewire-sizes-"))
    try:
        if asked.symbols is not None:
            say_result(asyncio.run(_cost(folder, asked.symbols)))
            return
        RESULT.write_text(written(asyncio.run(_measured(folder))), encoding="utf-8")
        print(json.dumps({"written": str(RESULT.relative_to(ROOT))}))
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
