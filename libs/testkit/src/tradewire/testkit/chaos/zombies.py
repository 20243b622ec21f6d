"""Checks that no instance's state counts after another had gone on from it: states never go back in event time."""

from __future__ import annotations

from tradewire.ports.bus import EventBusPort, Record
from tradewire.ports.events import IndicatorStateSaved, RiskStateSaved
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.testkit.checker import Audited

SAVED = (IndicatorStateSaved, RiskStateSaved)


async def check_saved_states(bus: EventBusPort, codec: Codec, report: Audited) -> None:
    """Compare each saved state with the one that counted before it. The ledger fences earlier writers itself.

    A state counts unless one of its key with a higher claim is there: that is what a stopped instance wrote late.
    """
    for kind in SAVED:
        spec = BY_EVENT[kind]
        counts: dict[str, tuple[int, int]] = {}
        async for record in read_to_end(bus, spec.name):
            if record.value is None:
                continue
            event = codec.decode(record.topic, record.value)
            assert isinstance(event, SAVED), "the topic carries saved states"
            key, claim = spec.key_of(event), _claim(record)
            before, before_us = counts.get(key, (claim, event.event_time_us))
            if claim < before:
                continue
            if event.event_time_us < before_us:
                report.note("zombie", f"{kind.__name__} of {key} went back from {before_us} to {event.event_time_us}")
            counts[key] = claim, event.event_time_us


def _claim(record: Record) -> int:
    return int(dict(record.headers)["claim"])
