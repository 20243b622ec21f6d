"""What stands against the instances that reported themselves."""

from __future__ import annotations

import asyncio

import pytest

from tradewire.app.inspecting.status import cluster_status
from tradewire.app.operating.monolith import memory_topics
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.instance_status import (
    FORGOTTEN_SECONDS,
    LOST_SECONDS,
    InstanceStatus,
    problems,
    seen_instances,
)
from tradewire.testkit.builders import instance_report
from tradewire.testkit.manual_clock import ManualClock

NOW_US = 1_700_000_000_000_000
CODEC = Codec(SchemaIds.static())


def report(
    service: str,
    *,
    member: int = 0,
    ready: bool = True,
    unready: tuple[str, ...] = (),
    phase: str = "running",
    ago_s: float = 1.0,
) -> InstanceReported:
    """A report, so long ago."""
    at_us, told = NOW_US - round(ago_s * 1e6), {"ready": ready, "unready": unready, "waits_for": unready}
    return instance_report(at_us, service, instance_id=f"{service}-{member}", phase=phase, **told)


def seen(*reports: InstanceReported) -> tuple[MemoryBus, list[InstanceStatus]]:
    """A bus with reports, and what is seen on it."""
    bus = MemoryBus(memory_topics())
    topic = BY_EVENT[InstanceReported].name
    asyncio.run(bus.publish([Outgoing(topic, one.instance_id.encode(), CODEC.encode(one)) for one in reports]))
    return bus, asyncio.run(seen_instances(bus, CODEC, ManualClock(NOW_US)))


@pytest.mark.parametrize(
    ("one", "state", "said"),
    [
        (report("risk"), "ready", ""),
        (report("risk", ready=False, unready=("lag: x",)), "not ready", "risk-0 is not ready: lag: x"),
        (report("risk", ready=False, phase="restoring"), "not ready", "risk-0 is not ready: starting: restoring"),
        (report("risk", ago_s=LOST_SECONDS + 1), "lost", "risk-0 is lost: not heard of for 21 s"),
        (report("risk", ready=False, phase="stopped"), "stopped", ""),
    ],
)
def test_instance_is_ready_not_ready_lost_or_stopped(one: InstanceReported, state: str, said: str) -> None:
    _, (status,) = seen(one)
    assert status.state == state
    assert problems([status], ()) == ([said] if said else [])


def test_second_instance_that_is_not_ready_is_told_although_the_first_works() -> None:
    _, both = seen(report("risk"), report("risk", member=1, ready=False, unready=("parked_key: main",)))
    assert problems(both, ("risk",)) == ["risk-1 is not ready: parked_key: main"]


def test_lost_instance_is_forgotten_once_another_does_its_work() -> None:
    _, found = seen(report("risk"), report("risk", member=1, ago_s=FORGOTTEN_SECONDS + 1))
    assert problems(found, ("risk",)) == []
    _, alone = seen(report("risk", member=1, ago_s=FORGOTTEN_SECONDS + 1))
    assert len(problems(alone, ("risk",))) == 2


def test_service_that_nobody_ever_heard_of_is_never_healthy() -> None:
    bus, _ = seen(report("risk"))
    status = asyncio.run(cluster_status(bus, CODEC, ManualClock(NOW_US), "memory:"))
    assert not status.healthy
    assert "execution: no instance is ready" in status.problems
    empty = asyncio.run(cluster_status(MemoryBus(memory_topics()), CODEC, ManualClock(NOW_US), "memory:"))
    assert (empty.healthy, empty.phase, len(empty.problems)) == (False, "unknown", 6)


def test_instance_that_said_why_it_ended_is_a_problem_with_its_reason() -> None:
    ended = report("risk", phase="ended", ready=False).model_copy(update={"last_error": "KeyError: 'engine'"})
    _, found = seen(ended)
    assert problems(found, ()) == ["risk-0 is lost: it ended: KeyError: 'engine'"]
