"""What a topic ends with, found from its end backwards, so that it takes no longer where more is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.headers import decode_headers
from tradewire.runtime.codec.messages import text_key
from tradewire.runtime.loop.event_times import AHEAD_SECONDS_MAX
from tradewire.runtime.loop.heartbeat_records import is_heartbeat

NEWEST_RECORDS = 1_000
"""Records at the end of a partition that are read first; then eight times as many before them, and so on."""


async def newest(
    bus: EventBusPort, clock: ClockPort, places: Iterable[Place], enough: Callable[[Place], bool]
) -> AsyncIterator[tuple[Record, int | None]]:
    """Records at the ends of partitions with their event times, further and further back until it is ``enough``.

    No heartbeats: their time is a clock's and no bar's. The time is None where there is none that can be.
    Raises RetryableError.
    """
    latest_us, places, count = clock.now_us() + round(AHEAD_SECONDS_MAX * 1e6), sorted(places), NEWEST_RECORDS
    begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
    while places:
        starts = {place: max(begins[place], ends[place] - count) for place in places}
        async for record in read_between(bus, starts, ends):
            if not is_heartbeat(record):
                time_us = _event_time_us(record)
                yield record, time_us if time_us is not None and time_us <= latest_us else None
        # Where a bar is a day, nothing but heartbeats may be that near to the end.
        places = [place for place in places if starts[place] > begins[place] and not enough(place)]
        ends, count = starts, 8 * count


def _event_time_us(record: Record) -> int | None:
    """None for what no service of the platform wrote."""
    if not any(name == "event_time_us" and value for name, value in record.headers):
        return None
    try:
        return decode_headers(record).event_time_us
    except ContractViolationError:
        return None


async def last_published(bus: EventBusPort, clock: ClockPort, topic: str, keys: Collection[str]) -> dict[str, int]:
    """Newest event time of each key in a topic, as far as it has any. Raises RetryableError.

    Only for a key that the topic does not have all of its partition is read.
    """
    count = await bus.partitions(topic)
    missing: dict[Place, set[str]] = {}
    for key in keys:
        missing.setdefault(Place(topic, partition_of(key.encode(), count)), set()).add(key)
    last: dict[str, int] = {}
    async for record, time_us in newest(bus, clock, missing, lambda place: not missing[place]):
        key = _key(record)
        if time_us is not None and record.value is not None and key in keys:
            last[key] = max(last.get(key, 0), time_us)
            missing[record.place].discard(key)
    return last


def _key(record: Record) -> str:
    try:
        return text_key(record)
    except ContractViolationError:
        return ""
