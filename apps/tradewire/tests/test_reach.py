"""A command that reaches a bus and not the registry of its messages says so, instead of seeing nobody."""

from __future__ import annotations

import pytest

from tradewire.app.cli.output import CommandError, Exit
from tradewire.app.cli.reach import hold_readable
from tradewire.ports.bus import EventBusPort, Outgoing
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.testkit.builders import instance_report

TOPIC = BY_EVENT[InstanceReported].name
HERE = Codec(SchemaIds.static())
REPORT = instance_report()
FROM_A_REGISTRY = Codec(SchemaIds({name: spec.schema_id + 1_000 for name, spec in TOPICS.items()}, None))


async def bus_with(*writers: Codec) -> EventBusPort:
    """A bus on which an instance has reported itself, once for each."""
    bus = MemoryBus({TOPIC: 1})
    await bus.publish([Outgoing(TOPIC, b"risk-0", writer.encode(REPORT)) for writer in writers])
    return bus


async def test_reach_when_all_reports_have_ids_of_a_registry_then_the_sentence_names_the_option() -> None:
    bus = await bus_with(FROM_A_REGISTRY, FROM_A_REGISTRY)
    with pytest.raises(CommandError, match=f"{TOPIC}: found 2 reports .*--registry-url") as refused:
        await hold_readable(bus, HERE)
    assert refused.value.code == Exit.UNREACHABLE


async def test_reach_when_one_report_can_be_read_or_there_is_none_then_nothing_is_wrong() -> None:
    await hold_readable(await bus_with(FROM_A_REGISTRY, HERE, FROM_A_REGISTRY), HERE)
    await hold_readable(await bus_with(), HERE)
    await hold_readable(MemoryBus({}), HERE)
