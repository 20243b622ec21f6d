"""Hostile records to every topic of every service: ``python -m tests.fuzz --records 100000``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.fuzz.runs import SERVICES, Report, built, fuzz, memory_bus, topics_of


def main() -> int:
    """Run what was asked for; returns 0, or 1 when a service crashed or dropped a record in silence."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, epilog="example: python -m tests.fuzz --service risk --seed 7"
    )
    parser.add_argument("--records", type=int, default=100_000, help="records for each topic of each service")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same records")
    parser.add_argument("--service", choices=SERVICES, help="only this one")
    parser.add_argument("--topic", help="only this one")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    reports = []
    with tempfile.TemporaryDirectory(prefix="tradewire-fuzz-") as folder:
        for service in [asked.service] if asked.service else SERVICES:
            for topic in topics_of(service, Path(folder)):
                if asked.topic in (None, topic):
                    reports.append(asyncio.run(_one(service, topic, Path(folder), asked.records, asked.seed)))
                    print(reports[-1], flush=True)
    bad = [report for report in reports if report.faults]
    print(f"{sum(report.records for report in reports):,} records, {len(bad)} of {len(reports)} runs with a fault")
    return 1 if bad else 0


async def _one(service: str, topic: str, folder: Path, records: int, seed: int) -> Report:
    made = built(service, folder, {"bus_url": "memory:"})
    return await fuzz(made, topic, records, bus=memory_bus(), seed=seed)


if __name__ == "__main__":
    sys.exit(main())
