"""The strategy registry in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncpg
import orjson

from tradewire.ports.events import ConfigStatus, RefusalReason, TradingMode
from tradewire.ports.strategy_registry import StoredVersion, StrategyRegistryPort, VersionConflict, conflict
from tradewire.runtime.stores.postgres import Database, PostgresSettings

SCHEMA = "strategy"
MIGRATIONS = Path(__file__).parent.parent / "migrations"

_INSERT = """
    INSERT INTO versions (strategy_id, version, digest, document, account_id, venue, symbols, interval, author, mode,
        status, reasons, published_at_us, answered_at_us, evidence)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT (strategy_id, version) DO NOTHING
"""
_GET = "SELECT * FROM versions WHERE strategy_id = $1 AND version = $2"
_OF_STRATEGY = "SELECT * FROM versions WHERE strategy_id = $1 ORDER BY version"
_LATEST = """
    SELECT DISTINCT ON (strategy_id COLLATE "C") * FROM versions ORDER BY strategy_id COLLATE "C", version DESC
"""
_RETIRE = "UPDATE versions SET status = $3, answered_at_us = $2 WHERE strategy_id = $1 AND status = $4"


class PostgresRegistry(StrategyRegistryPort):
    """Any number of processes may use the registry at once: of two that save the same version one is first."""

    def __init__(self, dsn: str, *, settings: PostgresSettings | None = None) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS, settings=settings)

    async def open(self) -> None:
        await self._database.open()

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()

    async def save(self, version: StoredVersion) -> VersionConflict | None:
        key = version.strategy_id, version.version
        async with self._database.transaction(f"saving strategy {key}") as connection:
            await connection.execute(
                _INSERT,
                *key,
                version.digest,
                version.document,
                version.account_id,
                version.venue,
                list(version.symbols),
                version.interval,
                version.author,
                version.mode,
                version.status,
                orjson.dumps([reason.model_dump() for reason in version.reasons]).decode(),
                version.published_at_us,
                version.answered_at_us,
                orjson.dumps(dict(version.evidence)).decode(),
            )
            row = await connection.fetchrow(_GET, *key)
        assert row is not None, "versions are never deleted"
        return conflict(_version(row), version)

    async def get(self, strategy_id: str, version: int) -> StoredVersion | None:
        async with self._database.connection("reading the registry") as connection:
            row = await connection.fetchrow(_GET, strategy_id, version)
        return None if row is None else _version(row)

    async def versions(self, strategy_id: str) -> Sequence[StoredVersion]:
        async with self._database.connection("reading the registry") as connection:
            return [_version(row) for row in await connection.fetch(_OF_STRATEGY, strategy_id)]

    async def latest(self) -> Sequence[StoredVersion]:
        async with self._database.connection("reading the registry") as connection:
            return [_version(row) for row in await connection.fetch(_LATEST)]

    async def retire(self, strategy_id: str, at_us: int) -> None:
        async with self._database.connection(f"retiring strategy {strategy_id}") as connection:
            await connection.execute(_RETIRE, strategy_id, at_us, ConfigStatus.RETIRED, ConfigStatus.ACCEPTED)


def _version(row: asyncpg.Record) -> StoredVersion:
    fields = dict(row)
    return StoredVersion(
        **fields
        | {
            "symbols": tuple(fields["symbols"]),
            "mode": TradingMode(fields["mode"]),
            "status": ConfigStatus(fields["status"]),
            "reasons": tuple(RefusalReason(**reason) for reason in orjson.loads(fields["reasons"])),
            "evidence": orjson.loads(fields["evidence"]),
        }
    )
