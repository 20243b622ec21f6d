"""Postgres for the adapters that need it: connections that survive its restarts, errors told apart, migrations.

Each service keeps its tables in a schema of its own name, so that several may share a database.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

import asyncpg

from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError, TradewireError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy
    from sqlalchemy import Connection as SqlConnection

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
RETRYABLE_CLASSES = frozenset({"08", "40", "53"})
"""SQLSTATE classes: connection exception; transaction rollback; insufficient resources (disk, memory, connections)."""
RETRYABLE_STATES = frozenset({"25006", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "58000", "58030"})
"""Read-only (a failover), lock not available, cancelled, the server stopping or starting, idle session, I/O errors.

Source: PostgreSQL 18 documentation, appendix A.
"""

VALUE_CLASSES = frozenset({"22", "54"})
"""SQLSTATE classes of a value that no table takes: data exception (a NUL, too large a number); program limit."""


_upgrading: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """Bounds of a pool. ``command_s``: longest a statement may take, after which its connection is given up."""

    connect_s: float = 5.0
    command_s: float = 30.0
    close_s: float = 5.0
    connections_max: int = 4


class Database:
    """One service's schema: migrated when opened, reached through a small pool.

    Connections that a dead server left behind are replaced when they are next asked for: whoever tries again after a
    RetryableError needs to do nothing else.

    Parameters: dsn: as asyncpg takes it; schema: name of the service; migrations: alembic's folder, with ``env.py``.
    """

    def __init__(self, dsn: str, *, schema: str, migrations: Path, settings: PostgresSettings | None = None) -> None:
        assert schema.isidentifier(), f"{schema!r} must be a plain name: it is part of SQL text"
        self._dsn, self._schema, self._migrations = dsn, schema, migrations
        self._settings = settings or PostgresSettings()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Migrate and connect; harmless when open. Raises RetryableError; FatalError, e.g. for wrong credentials."""
        if self._pool is not None:
            return
        await migrate(self._dsn, schema=self._schema, migrations=self._migrations, settings=self._settings)
        with translated(f"connecting to the {self._schema} database"):
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=self._settings.connections_max,
                timeout=self._settings.connect_s,
                command_timeout=self._settings.command_s,
                server_settings=_session(self._schema),
                reset=_keep_session,
            )

    async def close(self) -> None:
        """Disconnect; in bounded time, also from a server that is gone."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), self._settings.close_s)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            pool.terminate()

    async def ping(self) -> None:
        """Ask for nothing. Raises RetryableError, FatalError; also before ``open``."""
        if self._pool is None:
            raise RetryableError(f"the {self._schema} database is not connected")
        async with self.connection(f"asking the {self._schema} database") as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def connection(self, doing: str) -> AsyncIterator[Connection]:
        """A connection outside any transaction. ``doing`` is named in errors. Raises RetryableError, FatalError."""
        if self._pool is None:
            await self.open()
        assert self._pool is not None, "open makes the pool or raises"
        with translated(doing):
            async with self._pool.acquire(timeout=self._settings.connect_s) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self, doing: str) -> AsyncIterator[Connection]:
        """A connection within a transaction (READ COMMITTED): all or nothing.

        After a RetryableError the outcome is unknown when the error came with the commit: what is written must be
        harmless to write again.
        """
        async with self.connection(doing) as connection, connection.transaction():
            yield connection


async def _keep_session(_: asyncpg.Connection[Any]) -> None:
    """Give a connection back as it is; an open transaction is ended by the pool, whose own way costs a round trip.

    So nobody may change the session: no SET, no LISTEN, no advisory lock beyond a transaction.
    """


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise the project's errors instead of asyncpg's, SQLAlchemy's and the operating system's."""
    try:
        yield
    except _vendor_errors() as error:
        raise translation(error, doing) from error


def translation(error: BaseException, doing: str) -> TradewireError:
    """RetryableError for what may pass (a server that is away, a conflict, a full disk); ContractViolationError for a
    value that can't be stored; FatalError for the rest.
    """
    cause = _vendor_error(error)
    state = getattr(cause, "sqlstate", None) or ""
    detail = f"{doing}: {type(cause).__name__} {cause}".rstrip()
    if isinstance(cause, asyncpg.PostgresError):
        if state[:2] in RETRYABLE_CLASSES or state in RETRYABLE_STATES:
            return RetryableError(detail)
        detail = f"{detail} (SQLSTATE {state})"
        return ContractViolationError(detail, stage="persist") if state[:2] in VALUE_CLASSES else FatalError(detail)
    # The driver's own errors: a value that it can't encode can't ever be written. The others, InternalClientError too,
    # come from connections that the server ended in between; the pool replaces them.
    if isinstance(cause, asyncpg.DataError):
        return ContractViolationError(detail, stage="persist")
    return FatalError(detail) if isinstance(cause, _sqlalchemys()) else RetryableError(detail)


def _vendor_errors() -> tuple[type[BaseException], ...]:
    driver = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return (*driver, OSError, TimeoutError, *_sqlalchemys())


def _sqlalchemys() -> tuple[type[BaseException], ...]:
    """Errors of SQLAlchemy's own; none before a migration has loaded it."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return () if loaded is None else (loaded.SQLAlchemyError,)


def _vendor_error(error: BaseException) -> BaseException:
    """What the driver raised, under the layers that SQLAlchemy puts around it."""
    while isinstance(error, _sqlalchemys()) or type(error).__module__.startswith("sqlalchemy."):
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error


def _session(schema: str) -> dict[str, str]:
    return {"search_path": schema, "application_name": f"tradewire-{schema}", "timezone": "UTC"}


async def migrate(dsn: str, *, schema: str, migrations: Path, settings: PostgresSettings | None = None) -> None:
    """Bring a schema, made when missing, to its newest revision.

    Under an advisory lock and in one transaction: of several instances that start at once one does it, and a crash
    leaves nothing half done. A schema that is there already costs one question, and loads neither SQLAlchemy nor
    alembic: half a second of a restart. Raises RetryableError, FatalError.
    """
    bounds = settings or PostgresSettings()

    async def connect() -> Any:
        return await asyncpg.connect(
            dsn, timeout=bounds.connect_s, command_timeout=bounds.command_s, server_settings=_session(schema)
        )

    with translated(f"connecting to the {schema} database"):
        asked = await connect()
        try:
            if await _revision(asked, schema) == _newest(migrations):
                return
        finally:
            await asked.close(timeout=bounds.close_s)
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        with translated(f"migrating the {schema} database"):
            async with engine.begin() as connection:
                lock = {"name": f"tradewire.migrations.{schema}"}
                await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), lock)
                await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
                # alembic keeps what it works on in the module: of services in one process one migrates at a time.
                async with _upgrading.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
                    await connection.run_sync(_upgrade, schema, migrations)
    except ContractViolationError as error:  # no record is behind what a revision does: it can't be left out
        raise FatalError(str(error)) from error
    finally:
        await engine.dispose()


async def _revision(connection: asyncpg.Connection[Any], schema: str) -> str | None:
    """Which revision a schema is at; None for one that was never migrated."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.alembic_version") is None:
        return None
    found: str | None = await connection.fetchval(f"SELECT version_num FROM {schema}.alembic_version")  # noqa: S608
    return found


def _newest(migrations: Path) -> str:
    """The last revision of a folder: their files are called as they are, and numbered."""
    return max((path.stem for path in (migrations / "versions").glob("*.py")), default="")


def _upgrade(connection: SqlConnection, schema: str, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "schema": schema})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    command.upgrade(config, "head")


def run_revisions() -> None:
    """Body of every ``migrations/env.py``: run the revisions over the connection that ``migrate`` holds."""
    from alembic import context

    attributes = context.config.attributes
    context.configure(connection=attributes["connection"], version_table_schema=attributes["schema"])
    context.run_migrations()
