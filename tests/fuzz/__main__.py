"""Hostile records to every topic of every service: ``python -m tests.fuzz --records 100000``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.fuzz.changelogs import CHANGELOGS, fuzz_changelog
from tests.fuzz.runs import Report, built, fuzz, memory_bus, topics_of

from tradewire.embedded import Stack, StackPaths
from tradewire.embedded.external import DATABASES
from tradewire.ports.topics import BY_EVENT, SERVICES
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.loop.garbage import rare_collections


def main() -> int:
    """Run what was asked for; returns 0, or 1 when a service crashed or dropped a record in silence."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, epilog="example: python -m tests.fuzz --service risk --seed 7"
    )
    parser.add_argument("--records", type=int, default=100_000, help="records for each topic of each service")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same records")
    parser.add_argument("--service", choices=SERVICES, help="only this one")
    parser.add_argument("--topic", help="only this one")
    parser.add_argument("--servers", action="store_true", help="over a real Kafka and PostgreSQL, started for this")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="tradewire-fuzz-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with rare_collections(), servers(folder) if asked.servers else nullcontext() as stack:
            for service in [asked.service] if asked.service else SERVICES:
                for topic in topics_of(service, folder):
                    if asked.topic in (None, topic):
                        reports.append(asyncio.run(_one(service, topic, folder, asked.records, asked.seed, stack)))
                        print(reports[-1], flush=True)
            for service, state in CHANGELOGS.items():
                if not asked.servers and asked.service in (None, service):
                    topic = BY_EVENT[state].name
                    if asked.topic in (None, topic):
                        reports.append(asyncio.run(fuzz_changelog(service, folder, asked.records, asked.seed)))
                        print(reports[-1], flush=True)
    bad = [report for report in reports if report.faults]
    print(f"{sum(report.records for report in reports):,} records, {len(bad)} of {len(reports)} runs with a fault")
    return 1 if bad else 0


async def _one(service: str, topic: str, folder: Path, records: int, seed: int, stack: Stack | None) -> Report:
    if stack is None:
        made = built(service, folder, {"bus_url": "memory:"})
        return await fuzz(made, topic, records, bus=memory_bus(), seed=seed)
    common = {"bus_url": f"kafka://{stack.bootstrap_servers}"}
    if service in DATABASES:
        common[f"{service}_dsn"] = await asyncio.to_thread(stack.postgres_dsn, service)
    bus = connect(common["bus_url"], client_id="fuzz")
    await bus.start()
    try:
        return await fuzz(built(service, folder, common), topic, records, bus=bus, seed=seed)
    finally:
        await bus.close()


@contextmanager
def servers(folder: Path) -> Iterator[Stack]:
    """Kafka with every topic, and PostgreSQL."""
    with Stack(StackPaths.under(folder / "servers"), registry=False) as stack:
        stack.start()
        asyncio.run(_topics(stack.bootstrap_servers))
        yield stack


async def _topics(bootstrap_servers: str) -> None:
    plan = await topic_admin.plan(bootstrap_servers, partitions={"S": 2, "A": 2}, replication=1)
    await topic_admin.apply(bootstrap_servers, plan)


if __name__ == "__main__":
    sys.exit(main())
