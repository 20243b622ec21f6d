"""Where a source resumes is found from the end of its topic: what is kept before does not count."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.events import CandleClosed
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.loop.resuming import NEWEST_RECORDS, RECORDS_MAX, last_messages, last_published
from tradewire.testkit.builders import candle
from tradewire.testkit.counting_bus import ReadCountingBus

TOPIC, PARTITIONS = BY_EVENT[CandleClosed].name, 2
BAR = candle(0)
KEYS = [f"sim:S{number}" for number in range(10)]


def closed(key: str, time_us: int) -> Outgoing:
    """What tells that a bar closed."""
    return Outgoing(TOPIC, key.encode(), b"bar", (("event_time_us", b"%d" % time_us),))


async def bar_in(record: Record) -> Event:
    """The bar that ``closed`` stands for."""
    time_us = int(dict(record.headers)["event_time_us"])
    return BAR.model_copy(update={"close_time_us": time_us})


def some(events: Sequence[Event]) -> bool:
    """Any message will do."""
    return len(events) > 0


async def newest_us(bus: ReadCountingBus, keys: Collection[str]) -> dict[str, int]:
    """Close of the newest bar of each key."""
    found = await last_published(bus, SystemClock(), bar_in, TOPIC, keys, some)
    return {key: max(bar.close_time_us for bar in bars if isinstance(bar, CandleClosed)) for key, bars in found.items()}


async def bus_with(retained: int) -> ReadCountingBus:
    """A bus that kept so many candles of ten symbols, a bar of each in turn."""
    bus = ReadCountingBus({TOPIC: PARTITIONS})
    await bus.publish([closed(KEYS[number % len(KEYS)], number) for number in range(retained)])
    return bus


@pytest.mark.parametrize("retained", [10_000, 100_000])
async def test_source_when_it_resumes_then_reads_the_same_however_much_is_kept(retained: int) -> None:
    bus = await bus_with(retained)
    found = await newest_us(bus, KEYS)
    assert found == {key: retained - len(KEYS) + number for number, key in enumerate(KEYS)}
    assert bus.read_counts[TOPIC] == PARTITIONS * NEWEST_RECORDS


async def test_source_when_one_symbol_stopped_long_ago_then_found_in_its_partition_alone() -> None:
    bus = ReadCountingBus({TOPIC: PARTITIONS})
    await bus.publish([closed("sim:OLD", 7), *(closed(key, 8 + n) for n in range(3_000) for key in KEYS)])
    found = await newest_us(bus, {*KEYS, "sim:OLD"})
    assert found["sim:OLD"] == 7
    partition = partition_of(b"sim:OLD", PARTITIONS)
    whole = (await bus.end_offsets([Place(TOPIC, partition)]))[Place(TOPIC, partition)]
    assert bus.read_counts[TOPIC] <= whole + 3 * NEWEST_RECORDS, "one block of the other, and some too far"


@pytest.mark.parametrize("more", [20_000, 60_000])
async def test_source_when_a_market_has_no_bar_then_reads_the_same_however_much_is_kept(more: int) -> None:
    bus = ReadCountingBus({TOPIC: 1})
    await bus.publish([closed(KEYS[0], number) for number in range(RECORDS_MAX + more)])
    found = await newest_us(bus, [KEYS[0], "sim:NEW"])
    assert found == {KEYS[0]: RECORDS_MAX + more - 1}
    assert bus.read_counts[TOPIC] == RECORDS_MAX


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
    found = await newest_us(bus, [*KEYS, "sim:NEVER"])
    assert found == {key: number for number, key in enumerate(KEYS)}


@pytest.mark.parametrize("retained", [20_000, 40_000])
async def test_last_messages_when_heartbeats_are_behind_them_then_found_in_order_whatever_is_kept_before(
    retained: int,
) -> None:
    bus, place = await bus_with(retained), Place(TOPIC, 0)
    told = (HEADER, ("event_time_us", b"5"))
    await bus.publish([Outgoing(TOPIC, KEY_PREFIX + b"0", None, told, 0)] * (2 * NEWEST_RECORDS))
    end = (await bus.end_offsets([place]))[place] - 2 * NEWEST_RECORDS
    found = await last_messages(bus, SystemClock(), [place], 500)
    assert [record.offset for record in found] == list(range(end - 500, end))
    assert bus.read_counts[TOPIC] == 9 * NEWEST_RECORDS
    before = await last_messages(bus, SystemClock(), [place], 5, before={place: 100})
    assert [record.offset for record in before] == list(range(95, 100))


async def test_last_messages_when_there_are_none_then_not_all_is_read() -> None:
    bus, told = ReadCountingBus({TOPIC: 1}), (HEADER, ("event_time_us", b"5"))
    await bus.publish([Outgoing(TOPIC, KEY_PREFIX + b"0", None, told, 0)] * (RECORDS_MAX + 20_000))
    assert await last_messages(bus, SystemClock(), [Place(TOPIC, 0)], 1) == []
    assert bus.read_counts[TOPIC] == RECORDS_MAX
