"""What a topic ends with, found from its end backwards, so that it takes no longer where more is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter, itemgetter

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.headers import decode_headers
from tradewire.runtime.codec.messages import text_key
from tradewire.runtime.loop.event_times import AHEAD_SECONDS_MAX
from tradewire.runtime.loop.heartbeat_records import is_heartbeat

Read = Callable[[Record], Awaitable[Event]]
"""The message of a record. Raises ContractViolationError, RetryableError."""
Enough = Callable[[Sequence[Event]], bool]
"""Do the newest messages of a key, oldest first, say what is looked for?"""
NEWEST_RECORDS = 1_000
"""Records at the end of a partition that are read first; then eight times as many before them, and so on."""
RECORDS_MAX = 73 * NEWEST_RECORDS
"""Of a partition, where what is looked for may not be there: of heartbeats alone, some two weeks."""


async def newest(
    bus: EventBusPort,
    clock: ClockPort,
    places: Iterable[Place],
    enough: Callable[[Place], bool],
    *,
    before: Mapping[Place, int] | None = None,
    records_max: int | None = None,
) -> AsyncIterator[tuple[Record, int | None]]:
    """Records at the ends of partitions with their event times, further and further back until it is ``enough``.

    Of one step back they come in order, those of the next step are older. No heartbeats: their time is a clock's and no
    bar's. The time is None where there is none that can be. ``before``: offsets to look back from, instead of the ends;
    ``records_max``: most of a partition, heartbeats too. Raises RetryableError.
    """
    latest_us, places, count = clock.now_us() + round(AHEAD_SECONDS_MAX * 1e6), sorted(places), NEWEST_RECORDS
    begins, ends = dict(await bus.begin_offsets(places)), dict(before or await bus.end_offsets(places))
    if records_max is not None:
        begins = {place: max(begins[place], ends[place] - records_max) for place in places}
    while places:
        starts = {place: max(begins[place], ends[place] - count) for place in places}
        async for record in read_between(bus, starts, ends):
            if not is_heartbeat(record):
                time_us = _event_time_us(record)
                yield record, time_us if time_us is not None and time_us <= latest_us else None
        # Where a bar is a day, nothing but heartbeats may be that near to the end.
        places = [place for place in places if starts[place] > begins[place] and not enough(place)]
        ends, count = starts, 8 * count


async def last_messages(
    bus: EventBusPort,
    clock: ClockPort,
    places: Iterable[Place],
    count: int,
    *,
    before: Mapping[Place, int] | None = None,
) -> list[Record]:
    """The last ``count`` messages of each partition, as far as they are among its last ``RECORDS_MAX`` records.

    In the order of their offsets; parameters as of ``newest``. Raises RetryableError.
    """
    found: dict[Place, list[Record]] = defaultdict(list)
    looked = newest(bus, clock, places, lambda p: len(found[p]) >= count, before=before, records_max=RECORDS_MAX)
    async for record, _ in looked:
        found[record.place].append(record)
    return [record for place in sorted(found) for record in sorted(found[place], key=attrgetter("offset"))[-count:]]


def _event_time_us(record: Record) -> int | None:
    """None for what no service of the platform wrote."""
    if not any(name == "event_time_us" and value for name, value in record.headers):
        return None
    try:
        return decode_headers(record).event_time_us
    except ContractViolationError:
        return None


async def last_published(
    bus: EventBusPort, clock: ClockPort, read: Read, topic: str, keys: Collection[str], enough: Enough
) -> dict[str, list[Event]]:
    """Newest messages of each key in a topic, oldest first, as far back as they are not ``enough`` of a key.

    Not further than the last ``RECORDS_MAX`` records of a partition: what a key without a message among them has
    published before is published again, under the same ids, and dropped by who has it
    (docs/adr/0043-what-a-start-reads.md). What can't be read is no message. Raises RetryableError.
    """
    count = await bus.partitions(topic)
    missing: dict[Place, set[str]] = {}
    for key in keys:
        missing.setdefault(Place(topic, partition_of(key.encode(), count)), set()).add(key)
    found: dict[str, list[tuple[int, Event]]] = defaultdict(list)

    def all_found(place: Place) -> bool:
        missing[place] = {key for key in missing[place] if not found[key] or not enough(_in_order(found[key]))}
        return not missing[place]

    looked = newest(bus, clock, missing, all_found, records_max=RECORDS_MAX)
    async for record, time_us in looked:
        if time_us is None or record.value is None or _key(record) not in missing[record.place]:
            continue
        with suppress(ContractViolationError):
            found[_key(record)].append((record.offset, await read(record)))
    return {key: _in_order(messages) for key, messages in found.items() if messages}


def _in_order(messages: Iterable[tuple[int, Event]]) -> list[Event]:
    return [event for _, event in sorted(messages, key=itemgetter(0))]


def _key(record: Record) -> str:
    try:
        return text_key(record)
    except ContractViolationError:
        return ""
