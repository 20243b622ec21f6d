"""The offsets that a lag names: of the first record that is unread, and of the first that is not answered."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Outgoing, Place
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.observe.lag import LagWatch
from tradewire.runtime.observe.metrics import Metrics
from tradewire.testkit.manual_clock import ManualClock

STATES = Place("execution.account.v1", 0)
RECORDS, READ, HELD = 5, 3, 1


@pytest.mark.parametrize("answers", [(), (STATES.topic,)])
async def test_lag_when_a_record_is_held_then_the_unread_one_is_named_and_a_skip_only_where_it_is_answered(
    answers: tuple[str, ...],
) -> None:
    bus, clock, position = MemoryBus({STATES.topic: 1}), ManualClock(), {STATES: READ}
    await bus.publish([Outgoing(STATES.topic, b"alpha", b"state", partition=0)] * RECORDS)
    metrics = Metrics(CollectorRegistry())
    watch = LagWatch("risk", bus, lambda: position, lambda: {STATES: HELD}, metrics, clock, skips=answers)
    await watch.ask()
    clock.advance(seconds=60)
    assert [wait.what for wait in watch.waits(30)] == ["execution.account.v1/0 offset 3: unread for 60 s"]

    position[STATES] = RECORDS
    await watch.ask()
    (wait,) = watch.waits(30)
    told, _, command = wait.what.partition(" (to go on without it: ")
    assert told == "execution.account.v1/0 offset 1: read and not answered for 60 s"
    assert command == ("tradewire dlq skip execution.account.v1 0 1 risk --reason TEXT)" if answers else "")
