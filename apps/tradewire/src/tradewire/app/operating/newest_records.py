"""The newest record of each key of a topic, found from the ends of its partitions.

Commands that stop trading use it, so it loads nothing of the services, which look back by ``runtime.loop.resuming``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.messages import text_key

FIRST_RECORDS, RECORDS_MAX = 1_000, 73_000
"""Records at the end of a partition that are read first, then eight times as many before them; and most of all."""


async def newest_of_keys(
    bus: EventBusPort, wanted: Mapping[Place, Collection[str]]
) -> tuple[dict[str, Record], set[str]]:
    """The newest record by key, of other keys too where they were come across; and the wanted keys that were not found
    although more is kept than was looked at. ``wanted``: keys by the partition that has them. Raises RetryableError.
    """
    found: dict[str, Record] = {}
    begins, last = await bus.begin_offsets(list(wanted)), await bus.end_offsets(list(wanted))
    lowest = {place: max(begins[place], last[place] - RECORDS_MAX) for place in wanted}
    places, ends, count = list(wanted), dict(last), FIRST_RECORDS
    while places:
        starts = {place: max(lowest[place], ends[place] - count) for place in places}
        async for record in read_between(bus, starts, ends):
            with suppress(ContractViolationError):  # a key that is no text is no service's
                key = text_key(record)
                if record.value is not None and (key not in found or found[key].offset < record.offset):
                    found[key] = record  # without a value it is a heartbeat
        places = [p for p in places if starts[p] > lowest[p] and not all(key in found for key in wanted[p])]
        ends, count = starts, 8 * count
    cut = (keys for place, keys in wanted.items() if lowest[place] > begins[place])
    return found, {key for keys in cut for key in keys if key not in found}
