"""Limits in Postgres: in force at once, written with their history, there again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import InstrumentChanged, RiskLimitsChanged, RuleOutcome
from tradewire.ports.risk import Entry, RiskPort
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.runtime.stores.postgres import Database, PostgresSettings

SCHEMA = "risk"
MIGRATIONS = Path(__file__).parent.parent / "migrations"
QUEUED_MAX = 10_000
"""Unwritten changes that are kept: people and their scripts make a few a day."""

_FIELDS = tuple(RiskLimitsChanged.model_fields)
_COLUMNS = ", ".join(_FIELDS)
_PARAMETERS = ", ".join(f"${number}" for number in range(1, len(_FIELDS) + 1))
# The names in these statements are those of the model; values always travel as parameters.
_LOCK = "LOCK TABLE limits IN SHARE ROW EXCLUSIVE MODE"
_INSERT = f"INSERT INTO limits ({_COLUMNS}) VALUES ({_PARAMETERS})"  # noqa: S608
_NEWEST = f"""
    SELECT {_COLUMNS} FROM limits WHERE account_id = $1 AND version = $2 ORDER BY id DESC LIMIT 1
"""  # noqa: S608
_IN_FORCE = f"""
    SELECT DISTINCT ON (account_id) {_COLUMNS} FROM limits ORDER BY account_id, version DESC, id DESC
"""  # noqa: S608
_HISTORY = f"SELECT {_COLUMNS} FROM limits WHERE account_id = $1 ORDER BY id"  # noqa: S608


class PostgresRules(RiskPort):
    """Judges by what it holds in memory; ``flush`` writes what ``change`` took since."""

    def __init__(self, dsn: str, *, settings: PostgresSettings | None = None) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS, settings=settings)
        self._rules = MemoryRules()
        self._queued: list[RiskLimitsChanged] = []
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Connect, migrate and load the limits of all accounts. Raises RetryableError."""
        await self._database.open()
        async with self._database.connection("loading risk limits") as connection:
            for row in await connection.fetch(_IN_FORCE):
                self._rules.change(RiskLimitsChanged(**row))

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        """Write what is queued, as far as the server is there (the topic holds it too), and disconnect."""
        with suppress(RetryableError):
            await self.flush()
        await self._database.close()

    def validate_trade(self, entry: Entry, instrument: InstrumentChanged) -> tuple[RuleOutcome, ...]:
        return self._rules.validate_trade(entry, instrument)

    def change(self, limits: RiskLimitsChanged) -> None:
        """As the port says; what the topic repeats at each start is not queued again. Raises FatalError when full."""
        before = self._rules.limits(limits.account_id)
        self._rules.change(limits)
        if self._rules.limits(limits.account_id) == before:
            return
        if len(self._queued) >= QUEUED_MAX:
            raise FatalError(f"{len(self._queued)} changes of risk limits wait to be written; allowed: {QUEUED_MAX}")
        self._queued.append(limits)

    def every(self) -> Sequence[RiskLimitsChanged]:
        return self._rules.every()

    def limits(self, account_id: str) -> RiskLimitsChanged:
        return self._rules.limits(account_id)

    async def flush(self) -> None:
        """Write the queued changes in order, all or nothing; cheap when there are none. Raises RetryableError."""
        async with self._writing:
            queued = tuple(self._queued)
            if not queued:
                return
            async with self._database.transaction("writing risk limits") as connection:
                await connection.execute(_LOCK)
                for limits in queued:
                    newest = await connection.fetchrow(_NEWEST, limits.account_id, limits.version)
                    # Equal: written by a try whose answer was lost, or by another instance that read the same topic.
                    if newest is None or RiskLimitsChanged(**newest) != limits:
                        await connection.execute(_INSERT, *(getattr(limits, name) for name in _FIELDS))
            del self._queued[: len(queued)]

    async def history(self, account_id: str) -> Sequence[RiskLimitsChanged]:
        """Every version of an account's limits, in the order in which they came. Raises RetryableError."""
        async with self._database.connection("reading risk limits") as connection:
            return [RiskLimitsChanged(**row) for row in await connection.fetch(_HISTORY, account_id)]
