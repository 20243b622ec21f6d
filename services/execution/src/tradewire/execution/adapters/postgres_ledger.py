"""The ledger in Postgres: one transaction a commit, fenced by the epoch of each account partition."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tradewire.execution.adapters.ledger_rows import account_of, outgoing_of, position_of
from tradewire.execution.adapters.ledger_rules import (
    IDENTITY,
    check_epochs,
    fill_key,
    home_of,
    latest,
    touched,
    transition_key,
    unwritten,
)
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import Changes, LedgerPort, ReadPosition, Recovered
from tradewire.runtime.stores.postgres import Connection, Database, PostgresSettings

SCHEMA = "execution"
ID_MAX = 2**63 - 1
MIGRATIONS = Path(__file__).parent.parent / "migrations"

_TEXTS, _NUMBERS, _INTEGERS = "text", "numeric", "bigint"
_IDENTITY = {name: _NUMBERS if name == "qty" else _TEXTS for name in IDENTITY}
_MUTABLE = {
    "status": _TEXTS,
    "filled_qty": _NUMBERS,
    "price": _NUMBERS,
    "stop_price": _NUMBERS,
    "reason": _TEXTS,
    "venue_order_id": _TEXTS,
    "sequence": _INTEGERS,
    "event_time_us": _INTEGERS,
}
_ORDER = {"account_id": _TEXTS, "client_order_id": _TEXTS, **_IDENTITY, **_MUTABLE}
_FILL = {
    **dict.fromkeys(("account_id", "client_order_id", "strategy_id", "venue", "symbol"), _TEXTS),
    **dict.fromkeys(("event_time_us", "sequence"), _INTEGERS),
    **dict.fromkeys(("venue_trade_id", "side", "liquidity", "leg", "evaluation_id"), _TEXTS),
    **dict.fromkeys(("qty", "price", "fee", "realized_pnl", "position_after"), _NUMBERS),
}


def _columns(types: Mapping[str, str]) -> str:
    return ", ".join(types)


def _rows(types: Mapping[str, str], first: int = 1) -> str:
    """A set of rows given as one array a column, from parameter ``first`` on: one statement for any number of rows."""
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types.values(), first))
    return f"SELECT * FROM unnest({arrays})"  # noqa: S608


def _arrays(types: Mapping[str, str], events: Sequence[Any]) -> list[list[Any]]:
    return [[getattr(event, name) for event in events] for name in types]


# The names in these statements are constants of this module; values always travel as parameters.
_ACQUIRE = """
    INSERT INTO partitions (partition, epoch) SELECT wanted, 1 FROM unnest($1::int[]) AS wanted
    ON CONFLICT (partition) DO UPDATE SET epoch = partitions.epoch + 1
    RETURNING partition, epoch, candle_offsets, status_offset
"""
_ACCOUNTS = """
    SELECT account_id, partition, event_time_us, state FROM accounts
    WHERE partition = ANY($1::int[]) ORDER BY account_id COLLATE "C"
"""
_TAKE_OUTBOX = """
    UPDATE outbox SET writer = $2 WHERE account_partition = ANY($1::int[]) OR account_partition IS NULL
    RETURNING id, topic, key, value, header_names, header_values, partition
"""
_MOVE = """
    UPDATE partitions SET candle_offsets = moved.candles, status_offset = moved.statuses
    FROM unnest($1::int[], $2::json[], $3::bigint[]) AS moved (partition, candles, statuses)
    WHERE partitions.partition = moved.partition
"""
_DROP = "DELETE FROM outbox WHERE writer = $1 AND id BETWEEN $2 AND $3"
# Epochs of the partitions touched, locked until the end: whoever finds that one is not its own takes all of it back.
_BEGIN = """
    WITH locked AS MATERIALIZED (
        SELECT partition, epoch FROM partitions WHERE partition = ANY($1::int[]) ORDER BY partition FOR NO KEY UPDATE
    ), dropped AS (
        DELETE FROM outbox WHERE writer = $2 AND id BETWEEN $3 AND $4
    ), written AS (
        INSERT INTO accounts (account_id, partition, event_time_us, state)
        SELECT * FROM unnest($5::text[], $6::int[], $7::bigint[], $8::bytea[])
        ON CONFLICT (account_id) DO UPDATE
        SET partition = excluded.partition, event_time_us = excluded.event_time_us, state = excluded.state
    )
    SELECT ARRAY(SELECT partition FROM locked) AS partitions, ARRAY(SELECT epoch FROM locked) AS epochs,
        ARRAY(SELECT nextval('outbox_id_seq') FROM generate_series(1, $9::int)) AS ids
"""
_SAME_ORDER = " AND ".join(f"orders.{name} IS NOT DISTINCT FROM excluded.{name}" for name in _IDENTITY)
_WRITE_HISTORY = f"""
    WITH written AS (
        INSERT INTO order_transitions ({_columns(_ORDER)}) {_rows(_ORDER)}
        ON CONFLICT (account_id, sequence) DO NOTHING RETURNING *
    ), newest AS (
        SELECT DISTINCT ON (account_id, client_order_id) {_columns(_ORDER)} FROM written
        ORDER BY account_id, client_order_id, sequence DESC
    ), updated AS (
        INSERT INTO orders ({_columns(_ORDER)}) SELECT * FROM newest
        ON CONFLICT (account_id, client_order_id)
        DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _MUTABLE)}
        WHERE {_SAME_ORDER} AND orders.sequence < excluded.sequence RETURNING 1
    ), filled AS (
        INSERT INTO fills ({_columns(_FILL)}) {_rows(_FILL, len(_ORDER) + 1)}
        ON CONFLICT (account_id, venue_trade_id) DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM newest) AS newest,
        (SELECT count(*) FROM updated) AS updated, (SELECT count(*) FROM filled) AS filled
"""  # noqa: S608
_READ_TRANSITIONS = f"""
    SELECT {_columns(_ORDER)} FROM order_transitions
    WHERE (account_id, sequence) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))
"""  # noqa: S608
_READ_ORDERS = f"""
    SELECT {_columns(_ORDER)} FROM orders
    WHERE (account_id, client_order_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""  # noqa: S608
_READ_FILLS = f"""
    SELECT {_columns(_FILL)} FROM fills
    WHERE (account_id, venue_trade_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""  # noqa: S608
_OUTBOX = ("id", "writer", "account_partition", "topic", "key", "value", "header_names", "header_values", "partition")


class PostgresLedger(LedgerPort):
    """Outbox rows belong to the writer that committed them or took them over, and go in a later commit of its own.

    A commit may succeed although its answer was lost. When the same changes are then committed again, the outbox rows
    of the first try are replaced; everything else is equal and so left alone.
    """

    def __init__(self, dsn: str, *, settings: PostgresSettings | None = None) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS, settings=settings)
        self._lock = asyncio.Lock()
        self._writer: int | None = None
        self._epochs: dict[int, int] = {}
        self._homes: dict[str, int] = {}
        self._highest = 0  # highest outbox id known to be committed
        self._published = 0  # highest outbox id known to be published and not yet deleted
        self._lowest = 0  # no row of this writer is below: spares the search the dead rows of a busy queue
        self._in_doubt: Changes | None = None

    async def open(self) -> None:
        await self._database.open()

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        """Disconnect. Published rows that can't be deleted now are published once more by the next writer: harmless."""
        async with self._lock:
            if self._published:
                with suppress(RetryableError):
                    async with self._database.transaction("emptying the outbox") as connection:
                        await self._drop_published(connection)
            self._published = 0
            await self._database.close()

    async def acquire(self, partitions: Sequence[int]) -> Recovered:
        wanted = sorted(set(partitions))
        async with self._lock:
            async with self._database.transaction(f"acquiring account partitions {wanted}") as connection:
                # Rows are taken over whatever their id: those published before must be gone first.
                await self._drop_published(connection)
                epochs = await connection.fetch(_ACQUIRE, wanted)
                accounts = [account_of(row) for row in await connection.fetch(_ACCOUNTS, wanted)]
                taken = await connection.fetch(_TAKE_OUTBOX, wanted, await self._writer_id(connection))
            rows = sorted(taken, key=lambda row: row["id"])
            self._lowest = min([max(self._lowest, self._published + 1), *(row["id"] for row in rows[:1])])
            self._published = 0
            self._highest = max([self._highest, *(row["id"] for row in rows[-1:])])
            self._epochs |= {row["partition"]: row["epoch"] for row in epochs}
            self._homes |= {account.account_id: account.partition for account in accounts}
            positions = {row["partition"]: position_of(row) for row in epochs if row["candle_offsets"] is not None}
            return Recovered(tuple(accounts), tuple(outgoing_of(row) for row in rows), positions)

    async def commit(self, changes: Changes) -> None:
        homes = self._homes | {row.account_id: row.partition for row in changes.accounts}
        partitions = touched(changes, homes)
        latest(changes.orders, {})
        async with self._lock:
            again = self._in_doubt is changes
            self._in_doubt = changes
            async with self._database.transaction("committing to the ledger") as connection:
                ids = await self._begin(connection, partitions, changes)
                if again:
                    await self._drop_in_doubt(connection, before=ids)
                await _write_positions(connection, changes.positions)
                await _write_history(connection, changes.orders, changes.fills)
                await self._write_outbox(connection, ids, changes.outbox, homes)
            highest = max([self._highest, *ids])
            self._lowest = max(self._lowest, self._published + 1)
            self._in_doubt, self._highest, self._published, self._homes = None, highest, 0, homes

    async def published(self) -> None:
        self._published = self._highest

    async def _writer_id(self, connection: Connection) -> int:
        if self._writer is None:
            self._writer = await connection.fetchval("SELECT nextval('writers')")
        assert self._writer is not None, "a sequence always has a next value"
        return self._writer

    async def _drop_published(self, connection: Connection) -> None:
        if self._published:
            await connection.execute(_DROP, self._writer, self._lowest, self._published)

    async def _begin(self, connection: Connection, partitions: list[int], changes: Changes) -> list[int]:
        """Write accounts and drop what was published; returns the ids that the outbox rows shall have.

        Raises FencedError.
        """
        newest = list({row.account_id: row for row in changes.accounts}.values())
        row = await connection.fetchrow(
            _BEGIN,
            partitions,
            await self._writer_id(connection) if changes.outbox else self._writer,
            self._lowest,
            self._published,
            [row.account_id for row in newest],
            [row.partition for row in newest],
            [row.event_time_us for row in newest],
            [row.state for row in newest],
            len(changes.outbox),
        )
        assert row is not None, "a query of arrays has one row"
        check_epochs(partitions, held=self._epochs, newest=dict(zip(row["partitions"], row["epochs"], strict=True)))
        ids: list[int] = row["ids"]
        return ids

    async def _drop_in_doubt(self, connection: Connection, *, before: Sequence[int]) -> None:
        """Drop what an earlier try of the same commit may have written: it is about to be written again."""
        await connection.execute(_DROP, self._writer, self._highest + 1, min(before, default=ID_MAX) - 1)

    async def _write_outbox(
        self, connection: Connection, ids: Sequence[int], records: Sequence[Outgoing], homes: Mapping[str, int]
    ) -> None:
        if not records:
            return
        rows = [
            (
                number,
                self._writer,
                home_of(record, homes),
                record.topic,
                record.key,
                record.value,
                [name for name, _ in record.headers],
                [value for _, value in record.headers],
                record.partition,
            )
            for number, record in zip(ids, records, strict=True)
        ]
        await connection.copy_records_to_table("outbox", records=rows, columns=_OUTBOX, schema_name=SCHEMA)


async def _write_positions(connection: Connection, positions: Mapping[int, ReadPosition]) -> None:
    if positions:
        candles = [json.dumps({str(n): offset for n, offset in at.candles.items()}) for at in positions.values()]
        await connection.execute(_MOVE, list(positions), candles, [at.statuses for at in positions.values()])


async def _write_history(connection: Connection, orders: Sequence[OrderChanged], fills: Sequence[OrderFilled]) -> None:
    """Raises FatalError, naming both, when a transition or a fill is there and differs; OrderIdReusedError."""
    if not orders and not fills:
        return
    counts = await connection.fetchrow(_WRITE_HISTORY, *_arrays(_ORDER, orders), *_arrays(_FILL, fills))
    assert counts is not None, "an aggregate has one row"
    if counts["written"] != len(orders):
        keys = list(zip(*map(transition_key, orders), strict=True))
        rows = [OrderChanged(**row) for row in await connection.fetch(_READ_TRANSITIONS, *keys)]
        unwritten(orders, transition_key, {transition_key(event): event for event in rows})
    if counts["updated"] != counts["newest"]:
        ids = [event.account_id for event in orders], [event.client_order_id for event in orders]
        known = [OrderChanged(**row) for row in await connection.fetch(_READ_ORDERS, *ids)]
        latest(orders, {(event.account_id, event.client_order_id): event for event in known})
        raise AssertionError(f"{counts['newest']} orders changed, {counts['updated']} were updated, none conflicts")
    if counts["filled"] != len(fills):
        keys = list(zip(*map(fill_key, fills), strict=True))
        stored = [OrderFilled(**row) for row in await connection.fetch(_READ_FILLS, *keys)]
        unwritten(fills, fill_key, {fill_key(event): event for event in stored})
