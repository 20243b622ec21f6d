"""Bars of a drill without a pace come when all is quiet, and instances that report themselves are no noise."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from tradewire.app.operating.monolith import memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.platform import Platform
from tradewire.embedded import Stack
from tradewire.embedded.service_processes import ServiceProcess
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.testkit.chaos.conductor import QUIET_SECONDS, Conductor
from tradewire.testkit.chaos.market import PacedMarket
from tradewire.testkit.chaos.plan import Amounts, ChaosPlan
from tradewire.testkit.chaos.recovery import Recovery
from tradewire.testkit.chaos.striker import Striker

NOTHING = Amounts(kills=0, restarts=0, broker_restarts=0, database_kills=0)


async def test_bars_when_instances_report_themselves_all_the_time_then_come_all_the_same(tmp_path: Path) -> None:
    bus, codec, clock = MemoryBus(memory_topics()), Codec(SchemaIds.static()), SystemClock()
    running = Platform(cast(Stack, None), bus, codec, Operator(bus, codec, clock), services={})
    market = PacedMarket(tmp_path / "until", (1, 2))
    plan = ChaosPlan.drawn(seed=1, bars=2, amounts=NOTHING, instances={}, session_s=1.0)
    striker = Striker(running, Recovery(bus, clock), lambda _: None)
    conductor = Conductor(market, (), plan, striker, running=running, bars_per_second=0.0, clock=clock)

    async def report() -> None:
        while True:
            await bus.publish([Outgoing(BY_EVENT[InstanceReported].name, b"risk-0", b"a report")])
            await asyncio.sleep(QUIET_SECONDS / 5)  # how often instances report

    reporting = asyncio.create_task(report())
    async with asyncio.timeout(60.0):
        await conductor.run(lambda _: None)
    reporting.cancel()
    assert market.bars == 2


class _Instance:
    """An instance that answers /health with one reason why it is not ready."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def health(self, _: object) -> dict[str, object]:
        waits = [{"reason": self.reason, "what": "told"}] if self.reason else []
        return {"status": "degraded", "services": {"risk": {"phase": "running", "unready": waits}}}


async def test_bars_when_an_instance_was_killed_often_then_wait_for_its_work_but_not_for_its_minute(
    tmp_path: Path,
) -> None:
    bus, codec, clock = MemoryBus(memory_topics()), Codec(SchemaIds.static()), SystemClock()
    instance = _Instance("restoring")
    running = Platform(
        cast(Stack, None), bus, codec, Operator(bus, codec, clock), services={"risk": cast(ServiceProcess, instance)}
    )
    market = PacedMarket(tmp_path / "until", (1, 2))
    plan = ChaosPlan.drawn(seed=1, bars=2, amounts=NOTHING, instances={}, session_s=1.0)
    striker = Striker(running, Recovery(bus, clock), lambda _: None)
    conductor = Conductor(market, (), plan, striker, running=running, bars_per_second=0.0, clock=clock)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2 * QUIET_SECONDS):
            await conductor.run(lambda _: None)
    assert market.bars == 0
    instance.reason = "crash_loop"
    async with asyncio.timeout(60.0):
        await conductor.run(lambda _: None)
    assert market.bars == 2
