"""Checks that no instance wrote state after another had gone on from it: saved states never go back in event time."""

from __future__ import annotations

from tradewire.ports.bus import EventBusPort
from tradewire.ports.events import IndicatorStateSaved, RiskStateSaved
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.testkit.checker import Audit

SAVED = (IndicatorStateSaved, RiskStateSaved)


async def check_saved_states(bus: EventBusPort, codec: Codec, report: Audit) -> None:
    """Compare each saved state with the one before it under its key. The ledger fences earlier writers itself."""
    for kind in SAVED:
        newest_us: dict[str, int] = {}
        async for record in read_to_end(bus, BY_EVENT[kind].name):
            if record.value is None:
                continue
            event = codec.decode(record.topic, record.value)
            assert isinstance(event, SAVED), "the topic carries saved states"
            key = (record.key or b"").decode()
            before_us = newest_us.get(key, event.event_time_us)
            if event.event_time_us < before_us:
                report.note("zombie", f"{kind.__name__} of {key} went back from {before_us} to {event.event_time_us}")
            newest_us[key] = event.event_time_us
