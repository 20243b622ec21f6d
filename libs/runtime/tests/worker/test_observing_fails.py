"""What tells of a process goes on when one of its questions fails: probes answer, and liveness is that of the loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from tradewire.ports.message import WaitReason
from tradewire.runtime.observe.failures_logged import FailuresLogged
from tradewire.runtime.observe.health import LOOP_STALL_SECONDS, Booting, Health, health_app
from tradewire.runtime.observe.heartbeat import Heartbeat
from tradewire.runtime.observe.instance_reports import TOPIC, newest_reports
from tradewire.runtime.observe.instances import Instances
from tradewire.runtime.observe.reach import Reach
from tradewire.runtime.service import Service
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig


class Unanswering(Booting):
    """A worker that can't say what it waits for at first."""

    fails = True

    def waits(self) -> list[WaitReason]:
        """Raises while it fails."""
        if self.fails:
            raise LookupError("no consumer yet")
        return []


def broken() -> dict[str, object]:
    """Details that nobody can tell."""
    raise LookupError("no details")


async def asked(health: Health, rig: WorkerRig, path: str) -> httpx.Response:
    """What a probe is answered."""
    transport = httpx.ASGITransport(app=health_app(health, rig.metrics, "test"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_worker_that_can_not_be_asked_is_not_ready_for_a_named_reason_and_the_loop_stays_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig, clock = WorkerRig(), ManualClock()
    worker = Unanswering(Service(name="risk", status=broken))
    worker.progress.phase = "running"
    health = Health([worker], clock)
    with caplog.at_level(logging.ERROR):
        beat = asyncio.create_task(health.beat())
        for _ in range(3):
            clock.advance(seconds=LOOP_STALL_SECONDS + 1)
            await rig.until(lambda: health.live, beat)
            assert (await asked(health, rig, "/health/ready")).status_code == 503
    report: dict[str, Any] = (await asked(health, rig, "/health")).json()["services"]["risk"]
    assert [wait["reason"] for wait in report["unready"]] == ["unknown"]
    assert "LookupError: no consumer yet" in report["waits_for"][0]["what"]
    assert report["details"] == {"error": "LookupError: no details"}
    said = [line for line in caplog.records if line.__dict__["event"] == "observing_failed"]
    texts = [line.getMessage() for line in said]
    again = [line for at, line in enumerate(said) if texts[at] in texts[:at]]
    assert len(set(texts)) == 2
    assert all(line.__dict__["failures"].bit_count() == 1 for line in again), "not once a second"
    worker.fails = False
    assert (await asked(health, rig, "/health/ready")).status_code == 200
    beat.cancel()


@pytest.mark.parametrize("text", ["no consumer yet", "no consumer for {} s"])
def test_what_goes_on_failing_is_logged_again_ever_more_rarely_and_never_not_at_all(
    caplog: pytest.LogCaptureFixture, text: str
) -> None:
    failures, rounds = FailuresLogged("a heartbeat"), 86_400
    with caplog.at_level(logging.ERROR):
        for number in range(rounds):
            with failures:
                raise LookupError(text.format(number))
    counts = [line.__dict__["failures"] for line in caplog.records]
    assert counts[-10:] == list(range(rounds - rounds % 1_000 - 9_000, rounds + 1, 1_000))
    assert len(counts) < 200
    if "{}" not in text:
        assert counts[:12] == [*(2**n for n in range(10)), 1_000, 2_000]


@pytest.mark.parametrize("part", ["heartbeat", "reports", "reach"])
async def test_what_tells_of_the_work_goes_on_after_a_round_that_failed(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (("heartbeat", "BEAT_SECONDS"), ("instances", "REPORT_SECONDS")):
        monkeypatch.setattr(f"tradewire.runtime.observe.{module}.{name}", 0.0)
    rig, failures = WorkerRig(), iter([LookupError("once")])
    worker = rig.worker(rig.summing())
    health = Health([worker], rig.clock)

    def failing(*_: object) -> bool:
        for error in failures:
            raise error
        return False

    async def ask() -> None:
        failing()

    monkeypatch.setattr(health, "is_ready", failing)
    reach = Reach("bus", ask, service="indicator", metrics=rig.metrics, clock=rig.clock, every_s=0.0)
    task: asyncio.Task[None] = asyncio.create_task(
        {
            "heartbeat": Heartbeat([worker], rig.bus, rig.metrics, rig.clock, health).beat,
            "reports": Instances([worker], rig.bus, rig.codec, health, rig.settings, rig.clock).report,
            "reach": reach.watch,
        }[part]()
    )

    def told() -> bool:
        value = rig.metrics.registry.get_sample_value
        match part:
            case "heartbeat":
                return value("tradewire_service_ready", {"service": "indicator"}) is not None
            case "reach":
                labels = {"service": "indicator", "dependency": "bus"}
                return value("tradewire_dependency_reached_timestamp_seconds", labels) is not None
            case _:
                return rig.count(TOPIC) > 0

    await rig.until(told, task)
    task.cancel()
    if part == "reports":
        assert len(await newest_reports(rig.bus, rig.codec)) == 1
