"""Charges by key and time, and until when a key is stopped. Times are seconds of the server's clock."""

from alembic import op

revision = "rate_budget_0001"
down_revision = None

STATEMENTS = (
    """
    CREATE FUNCTION locked(asked_key text) RETURNS double precision LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('tradewire.rate_budget ' || asked_key, 0));
        RETURN extract(epoch FROM clock_timestamp());
    END $$
    """,
    """
    CREATE TABLE spent (
        key text NOT NULL,
        at_s double precision NOT NULL,
        amount integer NOT NULL,
        PRIMARY KEY (key, at_s)
    )
    """,
    "CREATE TABLE stopped (key text PRIMARY KEY, until_s double precision NOT NULL)",
    """
    CREATE FUNCTION take(
        asked_key text, asked integer, most integer, window_s double precision,
        OUT wait_s double precision, OUT used integer, OUT recent integer
    ) LANGUAGE plpgsql AS $$
    DECLARE now_s double precision; oldest_s double precision; stop_s double precision;
    BEGIN
        now_s := locked(asked_key);
        DELETE FROM spent WHERE key = asked_key AND at_s < now_s - window_s;
        SELECT coalesce(sum(amount), 0), min(at_s) INTO used, oldest_s FROM spent WHERE key = asked_key;
        SELECT max(until_s) INTO stop_s FROM stopped WHERE key = asked_key;
        wait_s := greatest(coalesce(stop_s, 0) - now_s, 0);
        IF wait_s = 0 AND used + asked > most THEN
            wait_s := greatest(oldest_s + window_s - now_s, 0.01);
        END IF;
        IF wait_s = 0 THEN
            INSERT INTO spent VALUES (asked_key, ceil(now_s / (window_s / 60)) * (window_s / 60), asked)
                ON CONFLICT (key, at_s) DO UPDATE SET amount = spent.amount + excluded.amount;
            used := used + asked;
        END IF;
        SELECT coalesce(sum(amount), 0) INTO recent FROM spent WHERE key = asked_key AND at_s > now_s - window_s / 6;
    END $$
    """,
    """
    CREATE FUNCTION told(asked_key text, counted integer, window_s double precision) RETURNS void
    LANGUAGE plpgsql AS $$
    DECLARE now_s double precision; used integer;
    BEGIN
        now_s := locked(asked_key);
        SELECT coalesce(sum(amount), 0) INTO used FROM spent
            WHERE key = asked_key AND at_s >= now_s - window_s;
        IF counted > used THEN
            INSERT INTO spent VALUES (asked_key, now_s, counted - used)
                ON CONFLICT (key, at_s) DO UPDATE SET amount = spent.amount + excluded.amount;
        END IF;
    END $$
    """,
    """
    CREATE FUNCTION stop(asked_key text, seconds double precision) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE now_s double precision;
    BEGIN
        now_s := locked(asked_key);
        INSERT INTO stopped VALUES (asked_key, now_s + seconds)
            ON CONFLICT (key) DO UPDATE SET until_s = greatest(stopped.until_s, excluded.until_s);
    END $$
    """,
)


def upgrade() -> None:
    """Make tables and functions."""
    for statement in STATEMENTS:
        op.execute(statement)
