"""What the instances of the services reported last: read without what a service itself needs to report."""

from __future__ import annotations

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_record

TOPIC = BY_EVENT[InstanceReported].name
READ_BACK_MAX = 2_000
"""Newest reports that are read: of six services some half an hour, in a moment."""


async def newest_reports(bus: EventBusPort, codec: Codec) -> dict[str, InstanceReported]:
    """The newest report of each instance by its id. Raises RetryableError; ContractViolationError without the topic."""
    places = [Place(TOPIC, number) for number in range(await bus.partitions(TOPIC))]
    begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
    starts = {place: max(begins[place], ends[place] - READ_BACK_MAX) for place in places}
    found: dict[str, InstanceReported] = {}
    async for record in read_between(bus, starts, ends):
        report = await _read(record, codec)
        if report is not None:
            found[report.instance_id] = report
    return found


async def _read(record: Record, codec: Codec) -> InstanceReported | None:
    """A report; None for what is none, or was written by a newer version that can't be read here, or not now."""
    try:
        event = None if record.value is None else await read_record(codec, record)
    except TradewireError:
        return None
    return event if isinstance(event, InstanceReported) else None
