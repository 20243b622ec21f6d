"""The Postgres registry keeps the registry's contract on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tradewire.ports.errors import RetryableError
from tradewire.ports.strategy_registry import StrategyRegistryPort, VersionConflict
from tradewire.runtime.stores.postgres import migrate
from tradewire.strategy.adapters.postgres_registry import MIGRATIONS, SCHEMA, PostgresRegistry
from tradewire.testkit.registry_suite import RegistrySuite, stored

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]


@pytest.fixture(scope="module")
def dsn(postgres: PostgresServer) -> str:
    """A database of this module's own."""
    return postgres.new_database()


class TestPostgresRegistry(RegistrySuite):
    """Registries share a database."""

    @pytest.fixture(autouse=True)
    async def _database(self, dsn: str) -> AsyncIterator[None]:
        self.dsn, self.registries = dsn, list[PostgresRegistry]()
        await migrate(dsn, schema=SCHEMA, migrations=MIGRATIONS)
        connection = await asyncpg.connect(dsn)
        await connection.execute("TRUNCATE strategy.versions")
        await connection.close()
        yield
        for registry in self.registries:
            await registry.close()

    async def opened(self) -> StrategyRegistryPort:
        registry = PostgresRegistry(self.dsn)
        self.registries.append(registry)
        await registry.open()
        return registry

    async def test_save_when_two_race_with_other_content_then_one_is_stored_and_the_other_told(
        self, registry: StrategyRegistryPort
    ) -> None:
        other = await self.opened()
        answers = await asyncio.gather(
            registry.save(stored(digest="a" * 64)), other.save(stored(digest="b" * 64)), registry.save(stored())
        )
        assert sum(isinstance(answer, VersionConflict) for answer in answers) == 2

    async def test_save_when_server_was_killed_then_retryable_and_done_once_it_serves_again(
        self, postgres: PostgresServer, registry: StrategyRegistryPort
    ) -> None:
        await asyncio.to_thread(postgres.kill)
        try:
            with pytest.raises(RetryableError):
                await registry.save(stored())
        finally:
            await asyncio.to_thread(postgres.start)
        assert await registry.save(stored()) is None
        assert await registry.get("ema-cross", 1) == stored()
