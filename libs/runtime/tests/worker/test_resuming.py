"""Where a source resumes is found from the end of its topic: what is kept before does not count."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tradewire.ports.bus import Outgoing, Place, Record, TailPort
from tradewire.ports.events import CandleClosed
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.memory_log import MemoryReader
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.loop.resuming import NEWEST_RECORDS, last_published

TOPIC, PARTITIONS = BY_EVENT[CandleClosed].name, 2
KEYS = [f"sim:S{number}" for number in range(10)]


class CountingReader(MemoryReader):
    """Counts what it hands out."""

    def __init__(self, bus: CountingBus) -> None:
        super().__init__()
        self._bus = bus

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        records = await super().poll(max_records=max_records, timeout_s=timeout_s)
        self._bus.records_read += len(records)
        return records


class CountingBus(MemoryBus):
    """A memory bus that counts the records that tails read."""

    records_read = 0

    async def tail(self, starts: Mapping[Place, int]) -> TailPort:  # type: ignore[override]  # a reader that counts
        reader = CountingReader(self)
        for place, offset in starts.items():
            reader.open(self._log(place), offset)
        return reader


def closed(key: str, time_us: int) -> Outgoing:
    """What tells that a bar closed."""
    return Outgoing(TOPIC, key.encode(), b"bar", (("event_time_us", b"%d" % time_us),))


async def bus_with(retained: int) -> CountingBus:
    """A bus that kept so many candles of ten symbols, a bar of each in turn."""
    bus = CountingBus({TOPIC: PARTITIONS})
    await bus.publish([closed(KEYS[number % len(KEYS)], number) for number in range(retained)])
    return bus


@pytest.mark.parametrize("retained", [10_000, 100_000])
async def test_source_when_it_resumes_then_reads_the_same_however_much_is_kept(retained: int) -> None:
    bus = await bus_with(retained)
    found = await last_published(bus, SystemClock(), TOPIC, KEYS)
    assert found == {key: retained - len(KEYS) + number for number, key in enumerate(KEYS)}
    assert bus.records_read == PARTITIONS * NEWEST_RECORDS


async def test_source_when_one_symbol_stopped_long_ago_then_found_in_its_partition_alone() -> None:
    bus = CountingBus({TOPIC: PARTITIONS})
    await bus.publish([closed("sim:OLD", 7), *(closed(key, 8 + n) for n in range(3_000) for key in KEYS)])
    found = await last_published(bus, SystemClock(), TOPIC, {*KEYS, "sim:OLD"})
    assert found["sim:OLD"] == 7
    partition = partition_of(b"sim:OLD", PARTITIONS)
    whole = (await bus.end_offsets([Place(TOPIC, partition)]))[Place(TOPIC, partition)]
    assert bus.records_read <= whole + 3 * NEWEST_RECORDS, "one block of the other, and some too far"


async def test_source_when_heartbeats_and_strange_records_are_the_newest_then_resumes_behind_the_bar() -> None:
    bus = await bus_with(len(KEYS))
    told = (HEADER, ("event_time_us", b"%d" % SystemClock().now_us()))
    beats = [Outgoing(TOPIC, KEY_PREFIX + b"0", None, told, p) for p in range(PARTITIONS)]
    strange = [
        Outgoing(TOPIC, KEYS[0].encode(), b"bar", (("event_time_us", b"soon"),)),
        Outgoing(TOPIC, KEYS[0].encode(), b"bar", (("event_time_us", b"9" * 18),)),
        Outgoing(TOPIC, KEYS[0].encode(), b"bar"),
        Outgoing(TOPIC, b"\xff", b"bar", (("event_time_us", b"5"),), 0),
    ]
    await bus.publish([*beats * (NEWEST_RECORDS + 1), *strange])
    found = await last_published(bus, SystemClock(), TOPIC, [*KEYS, "sim:NEVER"])
    assert found == {key: number for number, key in enumerate(KEYS)}
