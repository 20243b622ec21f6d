"""One service's hop, alone: ``python -m benchmarks.hop SERVICE …`` runs its worker on topics that are full already.

The service is the one that its process runs, with its store and its settings. Its group and the topic that its
records go to are the benchmark's own, so that a hop can be measured several times on the same input.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import importlib
import logging
import pstats
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from benchmarks.floor import SINK
from benchmarks.measure import CpuSlope, say_result
from tradewire.ports.bus import Ack, Outgoing, Place
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.garbage import rare_collections
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings

LOOK_SECONDS = 0.02


class SinkBus(KafkaBus):
    """Writes everything to one topic, and to ingest looks as if nothing had been published yet."""

    blank = False

    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        return await super().publish([Outgoing(SINK, r.key, r.value, r.headers) for r in records])

    async def begin_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        return await (super().end_offsets(places) if self.blank else super().begin_offsets(places))


def service_of(name: str, **given: Any) -> Service:
    """The service as its own process builds it."""
    settings = importlib.import_module(f"tradewire.{name}.settings").Settings(**given)
    built: Service = importlib.import_module(f"tradewire.{name}.wiring").build(settings)
    return built


async def measured(name: str, servers: str, group: str, count: int, given: dict[str, Any]) -> CpuSlope:
    """Run the service until it handled (ingest: published) ``count`` records."""
    bus = SinkBus(servers, client_id=group)
    bus.blank = name == "ingest"
    worker = Worker(
        replace(service_of(name, **given), name=group if name != "ingest" else name),
        bus,
        Codec(SchemaIds.static()),
        clock=SystemClock(),
        tracing=Tracing(name, "bench"),
        metrics=Metrics(CollectorRegistry()),
        settings=RuntimeSettings(bus_url=f"kafka://{servers}"),
        version="bench",
    )
    await bus.start()
    stop, slope = asyncio.Event(), CpuSlope()
    running = asyncio.create_task(worker.run(stop))
    try:
        done = 0
        while done < count:
            await asyncio.wait([running], timeout=LOOK_SECONDS)
            if running.done():
                await running
            done = worker.progress.published if name == "ingest" else worker.progress.handled
            slope.note(min(done, count))
        return slope
    finally:
        stop.set()
        await running
        await bus.close()


def main() -> None:
    """Measure one hop and print its result as a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("--servers", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--dsn")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    given: dict[str, Any] = {"bus_url": f"kafka://{asked.servers}"}
    if asked.service == "ingest":
        given |= {"market_path": asked.file.parent, "market_files": (asked.file.name,)}
    if asked.dsn:
        given[f"{asked.service}_dsn"] = asked.dsn
    profile = cProfile.Profile()
    if asked.profile:
        profile.enable()
    with rare_collections():  # as in the service's process
        slope = uvloop.run(measured(asked.service, asked.servers, asked.group, asked.count, given))
    if asked.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    say_result({"cpu_us": slope.cpu_us(), "wall_us": slope.wall_us(), "events": slope.samples[-1][0]})


if __name__ == "__main__":
    main()
