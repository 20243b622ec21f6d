"""Live means that the event loop turns: each service stays live for longer than a stalled loop would."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tradewire.embedded.service_processes import SERVICES
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.observe.health import LOOP_STALL_SECONDS
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.testkit.manual_clock import ManualClock

SAMPLE = Path(__file__).parents[2] / "data/sample"


@pytest.mark.parametrize("name", SERVICES)
async def test_service_stays_live_for_longer_than_the_bound_of_a_stalled_loop(name: str, tmp_path: Path) -> None:
    port, clock, stop = tmp_path / "port", ManualClock(1), asyncio.Event()
    settings = importlib.import_module(f"tradewire.{name}.settings").Settings(
        bus_url="memory:", market_path=SAMPLE, http_port=0, http_port_file=port
    )
    service = replace(importlib.import_module(f"tradewire.{name}.wiring").build(settings), source=None)
    bus = MemoryBus(dict.fromkeys([*TOPICS, *DEAD_LETTERS.values()], 1))
    await bus.start()
    serving = asyncio.create_task(
        serve([service], bus, settings, stop=stop, clock=clock, metrics=Metrics(CollectorRegistry()))
    )
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while not port.exists() or not port.read_text():
            await asyncio.sleep(0.01)  # between two looks
        clock.advance(seconds=LOOP_STALL_SECONDS + 1)
        while (await client.get(f"http://127.0.0.1:{port.read_text()}/health/live")).status_code != 200:
            assert not serving.done()
            await asyncio.sleep(0.01)  # until the loop has come round
        stop.set()
        await serving
    await bus.close()
