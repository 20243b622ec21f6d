"""Risk limits, every version of them."""

from alembic import op

revision = "limits_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE limits (
        id bigserial PRIMARY KEY,
        account_id text NOT NULL,
        version bigint NOT NULL,
        max_order_notional numeric,
        max_position_notional numeric,
        max_gross_exposure numeric,
        max_net_exposure numeric,
        max_leverage numeric,
        max_concentration_ratio numeric,
        max_daily_loss numeric,
        max_drawdown_ratio numeric,
        max_orders_per_minute bigint,
        max_data_age_s double precision,
        price_collar_ratio numeric,
        author text NOT NULL,
        changed_at_us bigint NOT NULL
    )
    """,
    "CREATE INDEX limits_in_force ON limits (account_id, version DESC, id DESC)",
    "COMMENT ON TABLE limits IS 'In force is the highest version of an account; of equal versions the later row'",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)
