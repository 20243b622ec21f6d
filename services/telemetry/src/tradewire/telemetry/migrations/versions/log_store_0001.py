"""The log store.

Each index ends with event time and id, the order of pages, so a page is read from the index without sorting. Most
messages have few of the ids, so indices leave out what has none. `recorded_at_us` only rises: its index grows at one
end and retention cuts the other.
"""

from alembic import op

revision = "log_store_0001"
down_revision = None

FILTERS = ("trace_id", "client_order_id", "strategy_id", "account_id", "symbol", "kind")
TABLES = (
    """
    CREATE TABLE entries (
        event_id text COLLATE "C" PRIMARY KEY,
        topic text NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        event_time_us bigint NOT NULL,
        recorded_at_us bigint NOT NULL,
        kind text COLLATE "C" NOT NULL,
        account_id text COLLATE "C",
        strategy_id text COLLATE "C",
        symbol text COLLATE "C",
        client_order_id text COLLATE "C",
        trace_id text COLLATE "C",
        correlation_id text,
        causation_id text,
        payload json
    )
    """,
    "CREATE INDEX entries_by_time ON entries (event_time_us, event_id)",
    "CREATE INDEX entries_by_recording ON entries (recorded_at_us)",
    *(
        f"CREATE INDEX entries_by_{name} ON entries ({name}, event_time_us, event_id) WHERE {name} IS NOT NULL"
        for name in FILTERS
    ),
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
