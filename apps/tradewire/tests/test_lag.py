"""How far a group is behind, also one that never committed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tradewire.app.cli import lag as command
from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.inspecting.lag import PartitionLag, by_topic, partition_lags
from tradewire.app.operating.monolith import memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.testkit.builders import instance_report
from tradewire.testkit.manual_clock import ManualClock

SNAPSHOTS = "indicator.snapshot.v1"
NOW_US = 1_700_000_000_000_000


def instance(*, ago_s: float = 1.0, **other: Any) -> InstanceReported:
    """A report of risk."""
    return instance_report(NOW_US - round(ago_s * 1e6), **{"ready": False} | other)


def behind(bus: MemoryBus, clock: ManualClock, group: str = "strategy") -> list[PartitionLag]:
    """Partitions on which a group is behind."""
    return [lag for lag in asyncio.run(partition_lags(bus, clock)) if lag.group == group and lag.records]


def bus_with(clock: ManualClock, count: int, *, bounded: int | None = None) -> MemoryBus:
    """A bus with snapshots of one symbol, a second apart."""
    bus = MemoryBus(memory_topics(), clock=clock, bounded=bounded)
    for _ in range(count):
        asyncio.run(bus.publish([Outgoing(SNAPSHOTS, b"x", b"y", (), 3)]))
        clock.advance(seconds=1)
    return bus


def test_group_that_never_committed_is_behind_from_the_first_record_kept() -> None:
    clock = ManualClock()
    (lag,) = behind(bus_with(clock, 1000), clock)
    assert (lag.records, lag.committed, lag.seconds) == (1000, None, 1000.0)
    (kept,) = behind(bus_with(clock, 1000, bounded=400), clock)
    assert 400 <= kept.records == kept.end - kept.begin < 1000
    assert kept.seconds == kept.records


def test_group_that_committed_is_behind_from_there() -> None:
    clock = ManualClock()
    bus = bus_with(clock, 10)

    async def commit() -> None:
        async def nothing(_: object) -> None:
            return None

        member = await bus.subscribe([SNAPSHOTS], "strategy", on_assigned=nothing, on_revoked=nothing)
        while len(member.assignment()) < await bus.partitions(SNAPSHOTS):
            await asyncio.sleep(0)
        await member.commit({Place(SNAPSHOTS, 3): 6})
        await member.close()

    asyncio.run(commit())
    (lag,) = behind(bus, clock)
    assert (lag.records, lag.committed, lag.seconds) == (4, 6, 4.0)


def test_topic_without_a_commit_and_without_a_record_says_that_nothing_was_ever_committed() -> None:
    clock = ManualClock()
    topics = {(lag.group, lag.topic): lag for lag in by_topic(asyncio.run(partition_lags(bus_with(clock, 0), clock)))}
    snapshots = topics["strategy", SNAPSHOTS]
    assert (snapshots.records, snapshots.seconds, snapshots.never_committed) == (0, 0.0, snapshots.partitions)


def test_two_groups_at_different_offsets_of_one_partition_have_ages_of_their_own() -> None:
    clock = ManualClock()
    bus = bus_with(clock, 3)
    assert behind(bus, clock, "telemetry")[0].seconds == behind(bus, clock)[0].seconds == 3.0


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (instance(ready=True), Exit.DONE, ""),
        (instance(ready=True, waits_for=("alpha: evaluations of trend",)), Exit.DONE, "risk-0 waits for alpha: evalu"),
        (
            instance(unready=("unreachable: store: no answer for 17 s",)),
            Exit.REFUSED,
            "risk-0 is not ready: unreachable",
        ),
        (instance(ready=True, ago_s=60), Exit.REFUSED, "risk-0 is lost: not heard of for 60 s"),
    ],
)
def test_lag_says_for_what_an_instance_waits_and_fails_when_one_does_not_work(
    report: InstanceReported,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bus, codec = MemoryBus(memory_topics()), Codec(SchemaIds.static())
    record = Outgoing(BY_EVENT[InstanceReported].name, report.instance_id.encode(), codec.encode(report))

    @asynccontextmanager
    async def here(*_: object) -> AsyncIterator[Operator]:
        yield Operator(bus, codec, ManualClock(NOW_US), "a test")

    asyncio.run(bus.publish([record]))
    monkeypatch.setattr(command, "reached", here)
    monkeypatch.setattr(command, "SystemClock", lambda: ManualClock(NOW_US))
    assert main(["lag"]) == code
    assert said in " ".join(capsys.readouterr().out.split())
    assert main(["lag", "--json"]) == code
    (found,) = json.loads(capsys.readouterr().out)["instances"]
    assert found["waits_for"] == list(report.waits_for)
