"""Services in one process bring their schemas up at the same time, each its own."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import asyncpg

from tradewire.embedded import Stack
from tradewire.embedded.external import DATABASES
from tradewire.runtime.stores.postgres import migrate

pytest_plugins = ["tradewire.embedded.fixtures"]


def migrations_of(service: str) -> Path:
    """The folder of a service's revisions."""
    package = importlib.import_module(f"tradewire.{service}")
    return Path(str(package.__file__)).parent / "migrations"


async def test_migrations_of_all_services_when_run_at_once_in_one_process_then_each_makes_its_own(stack: Stack) -> None:
    dsns = {name: stack.postgres_dsn(f"together_{name}") for name in DATABASES}
    together = (migrate(dsn, schema=name, migrations=migrations_of(name)) for name, dsn in dsns.items())
    await asyncio.gather(*together)
    for name, dsn in dsns.items():
        connection = await asyncpg.connect(dsn)
        found = await connection.fetch("SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname !~ '^(pg_|info)'")
        assert [row["schemaname"] for row in found] == [name]
        await connection.close()
