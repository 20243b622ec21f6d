"""Alembic runs this; the connection comes from ``tradewire.runtime.stores.postgres.migrate``."""

from tradewire.runtime.stores.postgres import run_revisions

run_revisions()
