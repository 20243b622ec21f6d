"""What a ledger of an earlier revision holds is there after an upgrade, and a writer goes on from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tradewire.execution.adapters.postgres_ledger import MIGRATIONS, SCHEMA, PostgresLedger
from tradewire.ports.ledger import ReadPosition
from tradewire.runtime.stores.postgres import migrate

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
ACCOUNTS = [
    ("alpha", 0, {"0": 10, "1": 7}),
    ("beta", 0, {"0": 4, "1": 9}),
    ("gamma", 1, {"0": 5, "1": 6}),
    ("delta", 1, {"0": 8}),
    ("epsilon", 2, {}),
]
"""Account, its partition, and its position in each candle partition that it has read."""


@pytest.fixture
def first_revision(tmp_path: Path) -> Path:
    """The migrations of a platform that had the first one only."""
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    shutil.copy(MIGRATIONS / "versions" / "ledger_0001.py", tmp_path / "versions")
    return tmp_path


async def test_upgrade_when_accounts_had_candle_positions_then_their_partition_is_at_its_lowest(
    postgres: PostgresServer, first_revision: Path
) -> None:
    dsn = postgres.new_database()
    await migrate(dsn, schema=SCHEMA, migrations=first_revision)
    connection = await asyncpg.connect(dsn, server_settings={"search_path": SCHEMA})
    await connection.executemany("INSERT INTO partitions VALUES ($1, 3)", [(number,) for number in range(4)])
    rows = [(account, partition, 5, account.encode(), json.dumps(read)) for account, partition, read in ACCOUNTS]
    await connection.executemany("INSERT INTO accounts VALUES ($1, $2, $3, $4, $5)", rows)
    ledger = PostgresLedger(dsn)
    await ledger.open()
    taken = await ledger.acquire([0, 1, 2, 3])
    await ledger.close()
    await connection.close()
    assert {account.account_id: account.state for account in taken.accounts} == {a: a.encode() for a, _, _ in ACCOUNTS}
    assert taken.positions == {0: ReadPosition({0: 4, 1: 7}, 0), 1: ReadPosition({0: 5, 1: 0}, 0)}
