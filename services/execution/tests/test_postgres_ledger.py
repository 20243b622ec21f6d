"""The Postgres ledger keeps the ledger's contract on a real server, and outlives the server's death."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tradewire.execution.adapters import postgres_ledger
from tradewire.execution.adapters.postgres_ledger import MIGRATIONS, SCHEMA, PostgresLedger
from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import Changes, LedgerPort
from tradewire.runtime.stores.postgres import migrate
from tradewire.testkit.ledger_suite import LedgerSuite, account, fill, message, transition

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
TABLES = "partitions, accounts, orders, order_transitions, fills, outbox"


@pytest.fixture(scope="module")
def dsn(postgres: PostgresServer) -> str:
    """A database of this module's own."""
    return postgres.new_database()


async def rows(dsn: str, query: str) -> list[asyncpg.Record]:
    """What a query finds in the ledger's schema."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": SCHEMA})
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


class TestPostgresLedger(LedgerSuite):
    """Writers share a database."""

    @pytest.fixture(autouse=True)
    async def _database(self, dsn: str) -> AsyncIterator[None]:
        self.dsn, self.writers = dsn, list[PostgresLedger]()
        await migrate(dsn, schema=SCHEMA, migrations=MIGRATIONS)
        await rows(dsn, f"TRUNCATE {TABLES}")
        yield
        for writer in self.writers:
            await writer.close()

    async def writer(self) -> LedgerPort:
        ledger = PostgresLedger(self.dsn)
        self.writers.append(ledger)
        await ledger.open()
        return ledger

    async def stored(self) -> tuple[Sequence[OrderChanged], Sequence[OrderFilled]]:
        orders = await rows(self.dsn, "SELECT * FROM orders ORDER BY client_order_id")
        fills = await rows(self.dsn, "SELECT * FROM fills ORDER BY venue_trade_id")
        return [OrderChanged(**row) for row in orders], [OrderFilled(**row) for row in fills]

    async def test_commit_when_server_was_killed_then_retryable_and_done_once_it_serves_again(
        self, postgres: PostgresServer, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes([account()], [transition(1)], [], [message(1)]))
        await ledger.published()
        changes = Changes([account(time_us=2_000)], [transition(2)], [fill(3)], [message(2)])
        await asyncio.to_thread(postgres.kill)
        try:
            for _ in range(2):
                with pytest.raises(RetryableError):
                    await ledger.commit(changes)
        finally:
            await asyncio.to_thread(postgres.start)
        await ledger.commit(changes)
        assert await self.stored() == ([transition(2)], [fill(3)])
        recovered = await (await self.writer()).acquire([0])
        assert (list(recovered.accounts), list(recovered.unpublished)) == ([account(time_us=2_000)], [message(2)])

    async def test_open_when_server_is_away_then_retryable_and_the_next_open_works(
        self, postgres: PostgresServer
    ) -> None:
        ledger = PostgresLedger(self.dsn)
        self.writers.append(ledger)
        await asyncio.to_thread(postgres.kill)
        try:
            with pytest.raises(RetryableError):
                await ledger.open()
        finally:
            await asyncio.to_thread(postgres.start)
        await ledger.open()
        await ledger.acquire([0])

    async def test_commit_when_its_answer_was_lost_and_it_is_repeated_then_outbox_holds_it_once(
        self, ledger: LedgerPort, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await ledger.commit(Changes([account()], outbox=[message(1)]))
        changes = Changes([account(time_us=2_000)], [transition(1)], [fill(2)], [message(2), message(3)])
        commit = asyncpg.transaction.Transaction._Transaction__commit  # type: ignore[attr-defined]

        async def lost(transaction: object) -> None:
            await commit(transaction)
            raise ConnectionResetError("lost")

        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", lost)
            with pytest.raises(RetryableError, match="lost"):
                await ledger.commit(changes)
        assert len(await rows(self.dsn, "SELECT FROM outbox")) == 3
        await ledger.commit(changes)
        recovered = await (await self.writer()).acquire([0])
        assert list(recovered.unpublished) == [message(1), message(2), message(3)]

    async def test_commit_when_connection_is_terminated_then_retryable_and_next_works(self, ledger: LedgerPort) -> None:
        await rows(
            self.dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        for _ in range(2):
            try:
                await ledger.commit(Changes([account()]))
            except RetryableError:
                continue
        assert len(await rows(self.dsn, "SELECT FROM accounts")) == 1

    async def test_commit_when_two_writers_race_then_exactly_the_newest_wins(self, ledger: LedgerPort) -> None:
        other = await self.writer()
        results = await asyncio.gather(
            *(ledger.commit(Changes([account(time_us=time_us)])) for time_us in range(1, 20)),
            other.acquire([0]),
            return_exceptions=True,
        )
        recovered = results[-1]
        assert not isinstance(recovered, BaseException)
        written = [number for number, result in enumerate(results[:-1], 1) if result is None]
        seen = [row.event_time_us for row in recovered.accounts]  # type: ignore[union-attr]
        assert seen == written[-1:], "a commit after the takeover got through"

    async def test_published_when_called_then_asks_the_server_nothing(
        self, postgres: PostgresServer, ledger: LedgerPort
    ) -> None:
        await ledger.commit(Changes([account()], outbox=[message(1)]))
        await asyncio.to_thread(postgres.kill)
        try:
            await ledger.published()
        finally:
            await asyncio.to_thread(postgres.start)

    async def test_commit_when_value_can_never_be_written_then_refused(self, ledger: LedgerPort) -> None:
        with pytest.raises(ContractViolationError, match="committing"):
            await ledger.commit(Changes([account()], [transition(1, reason="a\0b")]))


async def test_open_when_two_start_at_once_on_an_empty_database_then_both_serve(postgres: PostgresServer) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    ledgers = [PostgresLedger(dsn) for _ in range(4)]
    await asyncio.gather(*(ledger.open() for ledger in ledgers))
    for ledger in ledgers:
        await ledger.close()
    assert [row["version_num"] for row in await rows(dsn, "SELECT * FROM alembic_version")] == ["ledger_0002"]


async def test_open_when_database_is_missing_then_fatal(postgres: PostgresServer, dsn: str) -> None:
    missing = dsn.rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(FatalError, match="nowhere"):
        await PostgresLedger(missing).open()


def test_migrations_are_beside_the_adapters() -> None:
    assert (postgres_ledger.MIGRATIONS / "env.py").is_file()
