"""Every instance reports itself on a topic: found by whoever asks, also after its end and in a crash loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Ack, Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import InstanceReported
from tradewire.ports.message import WaitReason
from tradewire.runtime.observe.health import Health
from tradewire.runtime.observe.instance_reports import TOPIC, newest_reports
from tradewire.runtime.observe.instances import (
    LOOP_STARTS,
    STEADY_SECONDS,
    WAITS_MAX,
    Instances,
)
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import serve
from tradewire.runtime.service import Store
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.watched import WatchedBus
from tradewire.testkit.worker_rig import WorkerRig


async def reports(rig: WorkerRig) -> dict[str, InstanceReported]:
    """What is found."""
    return await newest_reports(rig.bus, rig.codec)


async def test_instance_is_found_while_it_serves_and_says_its_end(rig: WorkerRig) -> None:
    rig.settings = rig.settings.model_copy(update={"member": "indicator-7"})
    stop, metrics = asyncio.Event(), Metrics(CollectorRegistry())
    await rig.say(candle(0))
    serving = asyncio.create_task(serve([rig.summing()], rig.bus, rig.settings, stop=stop, metrics=metrics))
    await rig.until(lambda: rig.count(TOPIC) > 0, serving)
    found = await reports(rig)
    assert set(found) == {"indicator-7"}
    assert (found["indicator-7"].service, len(found["indicator-7"].started_us)) == ("indicator", 1)
    stop.set()
    await serving
    last = (await reports(rig))["indicator-7"]
    assert (last.phase, last.ready) == ("stopped", False)


def instances(rig: WorkerRig) -> tuple[Instances, Health]:
    """The reports of one worker that has not begun: one life of a member."""
    settings = rig.settings.model_copy(update={"member": "indicator-0"})
    worker = rig.worker(rig.summing())
    health = Health([worker], rig.clock)
    made = Instances([worker], rig.bus, rig.codec, health, settings, rig.clock)
    health.own_waits = made.waits
    return made, health


async def test_lives_that_end_without_a_stop_become_a_crash_loop_until_one_lasts() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    rig = WorkerRig(clock=clock)
    for life in range(LOOP_STARTS):
        made, health = instances(rig)
        await made._read_back()
        await made.once()
        told = [wait.reason for wait in health.unready("indicator")]
        assert ("crash_loop" in told) == (life == LOOP_STARTS - 1)
        clock.advance(seconds=5)
    assert len((await reports(rig))["indicator-0"].started_us) == LOOP_STARTS
    clock.advance(seconds=STEADY_SECONDS)
    assert "crash_loop" not in [wait.reason for wait in health.unready("indicator")]


async def test_orderly_stops_are_no_crash_loop() -> None:
    clock = ManualClock(1_700_000_000_000_000)
    rig = WorkerRig(clock=clock)
    for _ in range(LOOP_STARTS + 1):
        made, health = instances(rig)
        await made._read_back()
        await made.once()
        assert "crash_loop" not in [wait.reason for wait in health.unready("indicator")]
        await made.once(phase="stopped")
        clock.advance(seconds=5)


async def test_bus_that_is_away_ends_no_instance(rig: WorkerRig) -> None:
    class Away(WatchedBus):
        async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
            raise RetryableError("away")

    rig.bus = Away({TOPIC: 1}, rig.journal)
    made, _ = instances(rig)
    await made.once()
    await made.once()
    assert await reports(rig) == {}


async def test_report_when_a_service_waits_for_very_much_then_still_published_with_how_much(rig: WorkerRig) -> None:
    waits = [WaitReason("evaluation", f"account-{number}: " + "x" * 5_000) for number in range(2_000)]
    rig.settings = rig.settings.model_copy(update={"member": "indicator-0"})
    worker = rig.worker(replace(rig.summing(), waits=lambda: waits))
    worker.progress.phase = "running"
    health = Health([worker], rig.clock, wait_s=0.0)
    await Instances([worker], rig.bus, rig.codec, health, rig.settings, rig.clock).once()
    (record,) = await rig.read(TOPIC)
    told = (await reports(rig))["indicator-0"].waits_for
    assert (len(told), told[-1], len(record.value or b"") < 100_000) == (WAITS_MAX + 1, "and 1950 more", True)


async def test_record_that_is_no_report_is_left_out(rig: WorkerRig) -> None:
    await rig.put(Outgoing(TOPIC, b"x", b"\x00nothing"), Outgoing(TOPIC, b"y", None))
    made, _ = instances(rig)
    await made.once()
    assert set(await reports(rig)) == {"indicator-0"}


async def test_instance_that_ends_by_an_error_says_so_last(rig: WorkerRig) -> None:
    class Broken(Store):
        async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
            raise KeyError("engine")

    rig.settings = rig.settings.model_copy(update={"member": "indicator-7"})
    service = replace(rig.summing(), store=Broken())
    with pytest.raises(ExceptionGroup):
        await serve([service], rig.bus, rig.settings, stop=asyncio.Event(), metrics=Metrics(CollectorRegistry()))
    last = (await reports(rig))["indicator-7"]
    assert (last.phase, last.ready) == ("ended", False)
    assert "KeyError('engine')" in (last.last_error or "")
