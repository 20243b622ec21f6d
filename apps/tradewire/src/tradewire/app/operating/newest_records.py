"""The newest record of each key of a topic, found from the ends of its partitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.runtime.codec.messages import text_key


async def newest_of_keys(
    bus: EventBusPort, clock: ClockPort, wanted: Mapping[Place, Collection[str]]
) -> tuple[dict[str, Record], set[str]]:
    """The newest record by key, of other keys too where they were come across; and the wanted keys that were not found
    although more is kept than was looked at. ``wanted``: keys by the partition that has them. Raises RetryableError.
    """
    from tradewire.runtime.loop.resuming import RECORDS_MAX, newest  # loads what services need: not before it is asked

    found: dict[str, Record] = {}
    begins, ends = await bus.begin_offsets(list(wanted)), await bus.end_offsets(list(wanted))
    looked = newest(
        bus,
        clock,
        wanted,
        lambda place: all(key in found for key in wanted[place]),
        before=ends,
        records_max=RECORDS_MAX,
    )
    async for record, _ in looked:
        key = text_key(record)
        if key not in found or found[key].offset < record.offset:
            found[key] = record
    cut = (keys for place, keys in wanted.items() if ends[place] - begins[place] > RECORDS_MAX)
    return found, {key for keys in cut for key in keys if key not in found}
