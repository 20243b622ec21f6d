"""The log store in Postgres: by trace, order, strategy, account, symbol, kind and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import asyncpg

from tradewire.ports.telemetry import LogPage, LogQuery, LogStorePort, TelemetryEntry, cursor, position
from tradewire.runtime.stores.postgres import Database, PostgresSettings
from tradewire.telemetry.adapters.payloads import decoded, encoded

SCHEMA = "telemetry"
MIGRATIONS = Path(__file__).parent.parent / "migrations"
FORGOTTEN_AT_ONCE = 5_000
"""Entries deleted per transaction: short locks, and little lost when one is cut short."""

_NAMES = tuple(field.name for field in fields(TelemetryEntry))
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
# The names in these statements are those of the entry; values always travel as parameters.
_ARRIVALS = "CREATE TEMP TABLE IF NOT EXISTS arrivals (LIKE entries) ON COMMIT DELETE ROWS"
_TAKE = f"""
    INSERT INTO entries ({_COLUMNS}) SELECT {_COLUMNS} FROM arrivals ORDER BY event_id ON CONFLICT (event_id) DO NOTHING
"""  # noqa: S608
_FORGET = """
    DELETE FROM entries WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM entries WHERE recorded_at_us < $1 ORDER BY recorded_at_us LIMIT $2
    ))
"""


class PostgresLogStore(LogStorePort):
    """Entries arrive by COPY into a temporary table, and those that are new move on from there."""

    def __init__(self, dsn: str, *, settings: PostgresSettings | None = None) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS, settings=settings)

    async def open(self) -> None:
        await self._database.open()

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        if not entries:
            return
        # First seen wins; in one order everywhere, so that two writers of the same entries can't deadlock.
        first = {entry.event_id: entry for entry in reversed(entries)}
        rows = [_row(entry) for entry in first.values()]
        async with self._database.transaction("recording telemetry") as connection:
            await connection.execute(_ARRIVALS)
            await connection.copy_records_to_table("arrivals", records=rows, columns=_NAMES)
            await connection.execute(_TAKE)

    async def query(self, query: LogQuery) -> LogPage:
        conditions: list[tuple[str, object]] = [(f"{name} =", value) for name, value in query.matches.items()]
        conditions += [("event_time_us >=", query.from_us)] if query.from_us is not None else []
        conditions += [("event_time_us <", query.to_us)] if query.to_us is not None else []
        values: list[object] = [_askable(value) for _, value in conditions]
        where = [f"{condition} ${number}" for number, (condition, _) in enumerate(conditions, 1)]
        if query.after is not None:
            where.append(f"(event_time_us, event_id) > (${len(values) + 1}, ${len(values) + 2})")
            values += map(_askable, position(query.after))
        sql = (
            f"SELECT {_COLUMNS} FROM entries WHERE {' AND '.join(where) or 'true'} "  # noqa: S608
            f"ORDER BY event_time_us, event_id LIMIT ${len(values) + 1}"
        )
        async with self._database.connection("querying the log store") as connection:
            found = [_entry(row) for row in await connection.fetch(sql, *values, query.limit + 1)]
        page = found[: query.limit]
        return LogPage(page, cursor(page[-1]) if len(found) > len(page) else None)

    async def forget(self, recorded_before_us: int) -> int:
        forgotten = 0
        while True:
            async with self._database.connection("forgetting old telemetry") as connection:
                done = await connection.execute(_FORGET, recorded_before_us, FORGOTTEN_AT_ONCE)
            count = int(done.rsplit(" ", 1)[-1])
            forgotten += count
            if count < FORGOTTEN_AT_ONCE:
                return forgotten


def _row(entry: TelemetryEntry) -> tuple[object, ...]:
    values = (getattr(entry, name) for name in _NAMES[:-1])
    return *(_storable(value) for value in values), encoded(entry.payload)


def _storable(value: object) -> object:
    """Postgres has no text with NUL; whoever sent one must not stop everyone's telemetry."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) and "\0" in value else value


def _askable(value: object) -> object:
    """As it would be stored; a time beyond 64 bits is the furthest that there is."""
    return max(-(2**63), min(value, 2**63 - 1)) if isinstance(value, int) else _storable(value)


def _entry(row: asyncpg.Record) -> TelemetryEntry:
    found = dict(row)
    return TelemetryEntry(**found | {"payload": decoded(found["payload"])})
