"""Where a source resumes: what it published last."""

from __future__ import annotations

from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.runtime.loop.answering import AHEAD_SECONDS_MAX, text_key


async def last_published(bus: EventBusPort, codec: Codec, clock: ClockPort, topic: str) -> dict[str, int]:
    """Newest event time per key of a topic."""
    last: dict[str, int] = {}
    now_us = clock.now_us() + round(AHEAD_SECONDS_MAX * 1e6)
    async for record in read_to_end(bus, topic):
        if record.value is None:
            continue  # a heartbeat
        try:
            key, envelope = text_key(record), codec.decode_headers(record)
        except ContractViolationError:
            continue  # not written by this service; its readers keep it as a dead letter
        if envelope.event_time_us <= now_us:
            last[key] = max(last.get(key, 0), envelope.event_time_us)
    return last
