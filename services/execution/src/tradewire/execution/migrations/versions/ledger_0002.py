"""Candle positions by account partition instead of by account."""

from __future__ import annotations

from alembic import op

revision = "ledger_0002"
down_revision = "ledger_0001"
branch_labels = None
depends_on = None

STEPS = (
    "ALTER TABLE partitions ADD COLUMN candle_offsets json, ADD COLUMN status_offset bigint NOT NULL DEFAULT 0",
    # A partition's position is its lowest account's; an account that never read a candle partition is at its beginning.
    """
    UPDATE partitions SET candle_offsets = (
        SELECT json_object_agg(number, CASE WHEN accounts_here = accounts_all THEN lowest ELSE 0 END)
        FROM (
            SELECT read.key AS number, min(read.value::bigint) AS lowest, count(*) AS accounts_here,
                (SELECT count(*) FROM accounts AS others WHERE others.partition = partitions.partition) AS accounts_all
            FROM accounts, json_each_text(accounts.candle_offsets) AS read
            WHERE accounts.partition = partitions.partition GROUP BY read.key
        ) AS found
    )
    """,
    "ALTER TABLE accounts DROP COLUMN candle_offsets",
)


def upgrade() -> None:
    """Move them."""
    for statement in STEPS:
        op.execute(statement)
