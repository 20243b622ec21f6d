"""A run whose services write a dead letter is not the run that was asked for: it ends with the reason."""

from __future__ import annotations

import pytest

from tradewire.app.operating.monolith import memory_topics
from tradewire.app.operating.watch import RunWatcher, UnhandledRecordError
from tradewire.ports.bus import Record
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.dead_letters.letters import dead_letter


@pytest.mark.parametrize("service", sorted(DEAD_LETTERS))
async def test_letter_of_any_service_ends_the_watch_with_its_place_and_error(service: str) -> None:
    bus = MemoryBus(memory_topics())
    record = Record("market.candle.v1", 3, 812, b"sim:BTCUSDT", b"value", (), 0)
    error = ZeroDivisionError("float division by zero")
    await bus.publish([dead_letter(record, service=service, version="1", stage="handle", error=error)])
    watcher = RunWatcher(bus, Codec(SchemaIds.static()), {"alpha"}, without_letters=True)

    wanted = f"^{service} could not handle market.candle.v1/3 offset 812: ZeroDivisionError: float division by zero$"
    with pytest.raises(UnhandledRecordError, match=wanted):
        await watcher.until_over()
