"""The same services in one process on the memory bus, every message through the codec.

The figures are marginal: a short and a long run in one process, the difference divided by the bars between them, so
that imports, registration and first calls don't count. The watcher that decodes every answer runs in the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import time
from pathlib import Path

from benchmarks.measure import say_result
from benchmarks.scenarios import SELDOM, THREE_STRATEGIES, sample, synthetic
from tradewire.app.operating.monolith import Scenario, memory_topics, run_monolith
from tradewire.ports.bus import Ack, Outgoing
from tradewire.runtime.bus.memory import MemoryBus

SHORT_SHARE = 5
"""The short run has this fraction of the bars."""


class CountingBus(MemoryBus):
    """Counts what is published."""

    def __init__(self) -> None:
        super().__init__(memory_topics())
        self.messages = 0

    async def publish(self, records: list[Outgoing]) -> list[Ack]:  # type: ignore[override]
        self.messages += len(records)
        return await super().publish(records)


def _timed(scenario: Scenario) -> tuple[float, float, int]:
    """CPU s, wall s and messages of one run."""
    bus = CountingBus()
    gc.collect()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    asyncio.run(run_monolith(scenario, bus=bus))
    return time.process_time() - cpu_s, time.perf_counter() - wall_s, bus.messages


def _scenario(kind: str, folder: Path, symbols: int, bars: int, per_account: int) -> Scenario:
    """``bars`` per symbol."""
    if kind == "sample":
        return sample(folder, bars=bars, strategies=THREE_STRATEGIES)
    return synthetic(folder, symbols=symbols, bars=bars, template=SELDOM, per_account=per_account)


def main() -> None:
    """``python -m benchmarks.monoliths``: measure one scenario and print its result as a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["sample", "synthetic"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--bars", type=int, required=True, help="per symbol")
    parser.add_argument("--symbols", type=int, default=1)
    parser.add_argument("--per-account", type=int, default=10)
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    short, long = (
        _timed(_scenario(asked.kind, asked.folder, asked.symbols, bars, asked.per_account))
        for bars in (max(1, asked.bars // SHORT_SHARE), asked.bars)
    )
    bars = (asked.bars - max(1, asked.bars // SHORT_SHARE)) * asked.symbols
    cpu_s, wall_s, messages = (after - before for before, after in zip(short, long, strict=True))
    say_result(
        {
            "bars_per_second": bars / wall_s,
            "bars_per_cpu_second": bars / cpu_s,
            "cpu_us_per_message": cpu_s / messages * 1e6,
            "messages": messages,
        }
    )


if __name__ == "__main__":
    main()
