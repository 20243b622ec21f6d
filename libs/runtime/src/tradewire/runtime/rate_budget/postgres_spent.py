"""What all processes took of each limit, in Postgres: one round trip a request, by the server's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tradewire.runtime.rate_budget.budget import Charge, SpentPort, Taken
from tradewire.runtime.stores.postgres import Connection, Database, PostgresSettings

SCHEMA = "rate_budget"
MIGRATIONS = Path(__file__).parent / "migrations"
BOUNDS = PostgresSettings(connect_s=2.0, command_s=2.0)
"""Short: a request that waits for the budget may be a cancel."""


class PostgresSpent(SpentPort):
    """The functions of the schema do each step under a lock of the key, and are over with its transaction."""

    def __init__(self, dsn: str, *, settings: PostgresSettings = BOUNDS) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS, settings=settings)
        self._opening = asyncio.Lock()

    async def take(self, key: str, charge: Charge, most: int) -> Taken:
        async with self._connection("asking the rate budget") as connection:
            row = await connection.fetchrow(
                "SELECT wait_s, used, recent FROM take($1, $2, $3, $4)", key, charge.amount, most, charge.window_s
            )
        assert row is not None, "the function gives one row"
        return Taken(row["wait_s"], row["used"], row["recent"])

    async def told(self, key: str, charge: Charge, used: int) -> None:
        async with self._connection("telling the rate budget what the venue counts") as connection:
            await connection.execute("SELECT told($1, $2, $3)", key, used, charge.window_s)

    async def stop(self, key: str, seconds: float) -> None:
        async with self._connection("telling the rate budget to wait") as connection:
            await connection.execute("SELECT stop($1, $2)", key, seconds)

    async def close(self) -> None:
        await self._database.close()

    @asynccontextmanager
    async def _connection(self, doing: str) -> AsyncIterator[Connection]:
        """A connection; the first who asks opens the pool, and the others wait for that."""
        async with self._opening:
            await self._database.open()
        async with self._database.connection(doing) as connection:
            yield connection
