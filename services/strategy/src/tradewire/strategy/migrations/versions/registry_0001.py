"""The strategy registry."""

from alembic import op

revision = "registry_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE versions (
        strategy_id text NOT NULL,
        version integer NOT NULL,
        digest text NOT NULL,
        document text NOT NULL,
        account_id text NOT NULL,
        venue text NOT NULL,
        symbols text[] NOT NULL,
        interval text NOT NULL,
        author text NOT NULL,
        mode text NOT NULL,
        status text NOT NULL,
        reasons json NOT NULL,
        published_at_us bigint NOT NULL,
        answered_at_us bigint NOT NULL,
        evidence json NOT NULL,
        PRIMARY KEY (strategy_id, version)
    )
    """,
    "COMMENT ON TABLE versions IS 'Immutable but for status and answered_at_us, which a retirement sets once'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
