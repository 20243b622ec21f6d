"""Rows of the Postgres ledger as what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterable

import asyncpg

from tradewire.ports.bus import Outgoing
from tradewire.ports.ledger import AccountRow, ReadPosition


def account_of(row: asyncpg.Record) -> AccountRow:
    """From the table of accounts."""
    return AccountRow(row["account_id"], row["partition"], row["event_time_us"], row["state"])


def position_of(row: asyncpg.Record) -> ReadPosition:
    """From the table of partitions."""
    candles = {int(number): offset for number, offset in json.loads(row["candle_offsets"]).items()}
    return ReadPosition(candles, row["status_offset"])


def outgoing_of(row: asyncpg.Record) -> Outgoing:
    """From the outbox."""
    headers: Iterable[tuple[str, bytes]] = zip(row["header_names"], row["header_values"], strict=True)
    return Outgoing(row["topic"], row["key"], row["value"], tuple(headers), row["partition"])
