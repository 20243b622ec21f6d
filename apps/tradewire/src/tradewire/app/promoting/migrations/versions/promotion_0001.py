"""Decisions about stages, and approvals. Times are µs since the epoch."""

from alembic import op

revision = "promotion_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE decisions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        stage text NOT NULL,
        verdict text NOT NULL,
        revision text NOT NULL,
        who text NOT NULL,
        why text NOT NULL,
        decided_at_us bigint NOT NULL,
        gates json NOT NULL,
        images json NOT NULL
    )
    """,
    """
    CREATE TABLE approvals (
        stage text NOT NULL,
        revision text NOT NULL,
        who text NOT NULL,
        why text NOT NULL,
        approved_at_us bigint NOT NULL,
        PRIMARY KEY (stage, revision, who, approved_at_us)
    )
    """,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
