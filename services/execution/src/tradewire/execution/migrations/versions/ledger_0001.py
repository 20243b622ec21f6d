"""The execution ledger."""

from alembic import op

revision = "ledger_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE partitions (
        partition integer PRIMARY KEY,
        epoch bigint NOT NULL
    )
    """,
    "COMMENT ON TABLE partitions IS 'Account partitions; a writer whose epoch is not the newest is refused'",
    """
    CREATE TABLE accounts (
        account_id text PRIMARY KEY,
        partition integer NOT NULL,
        event_time_us bigint NOT NULL,
        state bytea NOT NULL,
        candle_offsets json NOT NULL
    )
    """,
    "CREATE INDEX accounts_of_partition ON accounts (partition)",
    """
    CREATE TABLE orders (
        account_id text NOT NULL,
        client_order_id text NOT NULL,
        strategy_id text NOT NULL,
        venue text NOT NULL,
        symbol text NOT NULL,
        side text NOT NULL,
        order_type text NOT NULL,
        leg text NOT NULL,
        evaluation_id text,
        qty numeric NOT NULL,
        status text NOT NULL,
        filled_qty numeric NOT NULL,
        price numeric,
        stop_price numeric,
        reason text,
        venue_order_id text,
        sequence bigint NOT NULL,
        event_time_us bigint NOT NULL,
        PRIMARY KEY (account_id, client_order_id)
    )
    """,
    "COMMENT ON TABLE orders IS 'Latest transition of each order'",
    """
    CREATE TABLE order_transitions (
        account_id text NOT NULL,
        client_order_id text NOT NULL,
        strategy_id text NOT NULL,
        venue text NOT NULL,
        symbol text NOT NULL,
        side text NOT NULL,
        order_type text NOT NULL,
        leg text NOT NULL,
        evaluation_id text,
        qty numeric NOT NULL,
        status text NOT NULL,
        filled_qty numeric NOT NULL,
        price numeric,
        stop_price numeric,
        reason text,
        venue_order_id text,
        sequence bigint NOT NULL,
        event_time_us bigint NOT NULL,
        PRIMARY KEY (account_id, sequence)
    )
    """,
    "CREATE INDEX transitions_of_order ON order_transitions (client_order_id)",
    """
    CREATE TABLE fills (
        account_id text NOT NULL,
        client_order_id text NOT NULL,
        strategy_id text NOT NULL,
        venue text NOT NULL,
        symbol text NOT NULL,
        event_time_us bigint NOT NULL,
        sequence bigint NOT NULL,
        venue_trade_id text NOT NULL,
        side text NOT NULL,
        qty numeric NOT NULL,
        price numeric NOT NULL,
        fee numeric NOT NULL,
        liquidity text NOT NULL,
        realized_pnl numeric NOT NULL,
        position_after numeric NOT NULL,
        leg text NOT NULL,
        evaluation_id text,
        PRIMARY KEY (account_id, venue_trade_id)
    )
    """,
    "CREATE INDEX fills_of_order ON fills (client_order_id)",
    "CREATE SEQUENCE writers",
    """
    CREATE TABLE outbox (
        id bigserial PRIMARY KEY,
        writer bigint NOT NULL,
        account_partition integer,
        topic text NOT NULL,
        key bytea,
        value bytea,
        header_names text[] NOT NULL,
        header_values bytea[] NOT NULL,
        partition integer
    )
    """,
    # A queue: short, and every row dies young. Vacuum by count, since a share of almost nothing says nothing.
    "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)",
    "COMMENT ON TABLE outbox IS 'What is committed and perhaps not yet published, in order of id'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
