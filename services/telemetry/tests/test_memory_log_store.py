"""The memory log store keeps the log store's contract, within its bound."""

from __future__ import annotations

from tradewire.ports.telemetry import LogQuery, LogStorePort
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.testkit.log_store_suite import LogStoreSuite, seen


class TestMemoryLogStore(LogStoreSuite):
    """In this process only."""

    async def opened(self) -> LogStorePort:
        return MemoryLogStore()

    async def test_record_when_full_then_the_first_recorded_make_room(self) -> None:
        store = MemoryLogStore(entries_max=3)
        await store.record([seen(number) for number in range(5)])
        await store.record([seen(9), seen(3)])
        assert list((await store.query(LogQuery())).entries) == [seen(3), seen(4), seen(9)]
