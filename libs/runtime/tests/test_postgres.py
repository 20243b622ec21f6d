"""Errors are told apart, and a schema is migrated once by many."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError, TradewireError
from tradewire.runtime.stores.postgres import Database, PostgresSettings, migrate, translated

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
PROJECT = Path(__file__).parents[3]
FOLDERS = sorted(PROJECT.glob("*/*/src/tradewire/**/migrations"))

REVISION = """
from alembic import op
revision, down_revision = "{name}", {after!r}
def upgrade():
    op.execute("{sql}")
"""


@pytest.fixture
async def migrations(tmp_path: Path) -> Path:
    """A service's migrations: one table."""
    folder = tmp_path / "50% migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text("from tradewire.runtime.stores.postgres import run_revisions\nrun_revisions()\n")
    add(folder, "first", None, "CREATE TABLE numbers (n integer PRIMARY KEY)")
    return folder


def add(folder: Path, name: str, after: str | None, sql: str) -> None:
    """One more revision."""
    (folder / "versions" / f"{name}.py").write_text(REVISION.format(name=name, after=after, sql=sql))


def fail(error: Exception, *, wrapped: bool) -> None:
    """Raise it as asyncpg does, or as SQLAlchemy passes it on."""
    with translated("doing this"):
        if wrapped:
            raise DBAPIError("SELECT", {}, error) from error
        raise error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), RetryableError),
        (TimeoutError(), RetryableError),
        (asyncpg.ConnectionDoesNotExistError("said so"), RetryableError),
        (asyncpg.CannotConnectNowError("said so"), RetryableError),
        (asyncpg.AdminShutdownError("said so"), RetryableError),
        (asyncpg.CrashShutdownError("said so"), RetryableError),
        (asyncpg.TooManyConnectionsError("said so"), RetryableError),
        (asyncpg.DiskFullError("said so"), RetryableError),
        (asyncpg.SerializationError("said so"), RetryableError),
        (asyncpg.DeadlockDetectedError("said so"), RetryableError),
        (asyncpg.QueryCanceledError("said so"), RetryableError),
        (asyncpg.ReadOnlySQLTransactionError("said so"), RetryableError),
        (asyncpg.InterfaceError("connection is closed"), RetryableError),
        (asyncpg.InvalidPasswordError("said so"), FatalError),
        (asyncpg.InvalidCatalogNameError("said so"), FatalError),
        (asyncpg.UniqueViolationError("said so"), FatalError),
        (asyncpg.UndefinedTableError("said so"), FatalError),
        (asyncpg.DataError("can't encode"), ContractViolationError),
        (asyncpg.CharacterNotInRepertoireError("a NUL"), ContractViolationError),
        (asyncpg.NumericValueOutOfRangeError("said so"), ContractViolationError),
        (asyncpg.ProgramLimitExceededError("said so"), ContractViolationError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_translated_when_vendor_raises_then_kind_by_sqlstate(
    error: Exception, kind: type[TradewireError], wrapped: bool
) -> None:
    with pytest.raises(kind, match=f"doing this: {type(error).__name__}") as raised:
        fail(error, wrapped=wrapped)
    assert raised.value.__cause__ is not None


def test_translated_when_error_is_no_databases_then_passes() -> None:
    with pytest.raises(KeyError), translated("doing this"):
        raise KeyError


async def test_migrate_when_many_start_at_once_and_later_again_then_done_once(
    postgres: PostgresServer, migrations: Path
) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    await asyncio.gather(*(migrate(dsn, schema="first_service", migrations=migrations) for _ in range(4)))
    await migrate(dsn, schema="other_service", migrations=migrations)
    add(migrations, "second", "first", "INSERT INTO numbers VALUES (7)")
    for _ in range(2):
        await migrate(dsn, schema="first_service", migrations=migrations)
    database = Database(dsn, schema="first_service", migrations=migrations)
    async with database.connection("reading") as connection:
        assert await connection.fetchval("SELECT array_agg(n) FROM numbers") == [7]
        assert await connection.fetchval("SELECT count(*) FROM other_service.numbers") == 0
    await database.close()


async def test_migrate_when_a_revision_fails_then_fatal_and_nothing_is_left_of_it(
    postgres: PostgresServer, migrations: Path
) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    add(migrations, "second", "first", "SELECT 1/0")
    with pytest.raises(FatalError, match="DivisionByZeroError"):
        await migrate(dsn, schema="service", migrations=migrations)
    (migrations / "versions" / "second.py").unlink()
    await migrate(dsn, schema="service", migrations=migrations)


MIGRATED = """
import asyncio, sys
from pathlib import Path
import tradewire.runtime.process
from tradewire.runtime.stores.postgres import migrate
asyncio.run(migrate(sys.argv[1], schema="service", migrations=Path(sys.argv[2])))
print(*(name for name in ("sqlalchemy", "alembic") if name in sys.modules))
"""


async def test_migrate_when_the_schema_is_there_already_then_a_restart_loads_no_migrations(
    postgres: PostgresServer, migrations: Path
) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    await migrate(dsn, schema="service", migrations=migrations)
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATED, dsn, migrations, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await ran.communicate()
    assert (ran.returncode, printed.split()) == (0, [])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-2])
def test_revisions_are_called_as_their_files_and_the_newest_stands_last(folder: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder))
    script = ScriptDirectory.from_config(config)
    files = sorted(path.stem for path in (folder / "versions").glob("*.py"))
    assert [step.revision for step in script.walk_revisions()] == files[::-1]


async def test_transaction_when_body_raises_then_nothing_is_written(postgres: PostgresServer, migrations: Path) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    database = Database(dsn, schema="service", migrations=migrations)

    async def write_and_fail() -> None:
        async with database.transaction("writing") as connection:
            await connection.execute("INSERT INTO numbers VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        await write_and_fail()
    async with database.connection("reading") as connection:
        assert await connection.fetchval("SELECT count(*) FROM numbers") == 0
    await database.close()


async def test_connection_when_a_statement_takes_too_long_then_retryable_and_the_next_one_works(
    postgres: PostgresServer, migrations: Path
) -> None:
    dsn = await asyncio.to_thread(postgres.new_database)
    settings = PostgresSettings(command_s=0.5)
    database = Database(dsn, schema="service", migrations=migrations, settings=settings)
    with pytest.raises(RetryableError):
        async with database.transaction("waiting") as connection:
            await connection.execute("SELECT pg_sleep(60)")
    async with database.connection("reading") as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await database.close()
    await database.close()
