"""Whether the consumer group of the views is ahead of what is on their disk."""

from __future__ import annotations

import logging

from tradewire.ports.bus import EventBusPort
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.watching import places_of
from tradewire.telemetry.adapters.views.worker import GROUP

log = logging.getLogger(__name__)


async def begin_again_if_ahead(bus: EventBusPort, rows: Rows) -> bool:
    """Let the topics be read from their beginning when records that are not on disk are committed; were there any?

    That happens when the machine dies before the disk has what the process wrote, when the folder is an older copy, and
    when faust commits what it has thrown away while partitions moved. Raises RetryableError.
    """
    places = await places_of(bus)
    committed = await bus.committed(GROUP.format(generation=rows.generation), places)
    written, begins = rows.positions(), await bus.begin_offsets(places)
    behind = {
        place: max(at, begins[place])
        for place in places
        if (at := written.get(place, 0)) < (committed[place] or 0) and begins[place] < (committed[place] or 0)
    }
    # Compaction and deletion leave offsets without a record, which nobody misses.
    found = await bus.next_offsets(behind) if behind else {}
    ahead = [place for place, offset in found.items() if offset < (committed[place] or 0)]
    if ahead:
        what = ", ".join(f"{p.topic}/{p.partition} {behind[p]} of {committed[p]}" for p in ahead)
        log.warning("views behind their group, reading again: %s", what, extra={"event": "views_behind"})
        rows.begin_again()
    return bool(ahead)
