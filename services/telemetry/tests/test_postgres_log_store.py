"""The Postgres log store keeps the log store's contract on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tradewire.ports.errors import RetryableError
from tradewire.ports.telemetry import LogQuery, LogStorePort
from tradewire.runtime.stores.postgres import migrate
from tradewire.telemetry.adapters import postgres_log_store
from tradewire.telemetry.adapters.postgres_log_store import MIGRATIONS, SCHEMA, PostgresLogStore
from tradewire.testkit.log_store_suite import LogStoreSuite, seen

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]


@pytest.fixture(scope="module")
def dsn(postgres: PostgresServer) -> str:
    """A database of this module's own."""
    return postgres.new_database()


class TestPostgresLogStore(LogStoreSuite):
    """In a database."""

    @pytest.fixture(autouse=True)
    async def _database(self, dsn: str) -> AsyncIterator[None]:
        self.dsn, self.stores = dsn, list[PostgresLogStore]()
        await migrate(dsn, schema=SCHEMA, migrations=MIGRATIONS)
        connection = await asyncpg.connect(dsn)
        await connection.execute("TRUNCATE telemetry.entries")
        await connection.close()
        yield
        for store in self.stores:
            await store.close()

    async def opened(self) -> LogStorePort:
        store = PostgresLogStore(self.dsn)
        self.stores.append(store)
        await store.open()
        return store

    async def test_record_when_text_has_a_nul_then_the_entry_is_kept_with_a_mark_in_its_place(
        self, store: LogStorePort
    ) -> None:
        await store.record([seen(1, symbol="A\0B", payload={"raw": "\0"}), seen(2)])
        found = (await store.query(LogQuery())).entries
        assert [entry.symbol for entry in found] == ["A\ufffdB", "BTCUSDT"]
        assert found[0].payload == {"raw": "\0"}

    async def test_query_when_no_entry_could_fit_then_none_rather_than_an_error(self, store: LogStorePort) -> None:
        await store.record([seen(1)])
        assert (await store.query(LogQuery(symbol="A\0B", after="1:\0"))).entries == []
        assert (await store.query(LogQuery(from_us=10**30))).entries == []
        assert len((await store.query(LogQuery(from_us=-(10**30), to_us=10**30))).entries) == 1

    async def test_record_when_two_instances_record_the_same_then_kept_once(self, store: LogStorePort) -> None:
        entries = [seen(number) for number in range(2_000)]
        other = await self.opened()
        await asyncio.gather(store.record(entries), other.record(list(reversed(entries))))
        await store.record(entries)
        assert list((await store.query(LogQuery(limit=1_000))).entries) == entries[:1_000]
        assert await store.forget(2**60) == 2_000

    async def test_forget_when_more_than_a_batch_is_old_then_all_go(
        self, store: LogStorePort, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_log_store, "FORGOTTEN_AT_ONCE", 3)
        await store.record([seen(number) for number in range(10)])
        assert await store.forget(5_000_009) == 9
        assert list((await store.query(LogQuery())).entries) == [seen(9)]

    async def test_record_when_server_was_killed_then_retryable_and_done_once_it_serves_again(
        self, postgres: PostgresServer, store: LogStorePort
    ) -> None:
        await store.record([seen(1)])
        await asyncio.to_thread(postgres.kill)
        try:
            with pytest.raises(RetryableError):
                await store.record([seen(2)])
        finally:
            await asyncio.to_thread(postgres.start)
        await store.record([seen(2)])
        assert list((await store.query(LogQuery())).entries) == [seen(1), seen(2)]
