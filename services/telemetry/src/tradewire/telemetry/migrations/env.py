"""Alembic runs this; the connection comes from ``tradewire.runtime.postgres.migrate``."""

from tradewire.runtime.postgres import run_revisions

run_revisions()
