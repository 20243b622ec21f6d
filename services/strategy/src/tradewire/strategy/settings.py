"""Settings of the strategy service, on top of those of every service."""

from __future__ import annotations

from pydantic import Field

from tradewire.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    strategy_dsn: str | None = Field(None, description="Postgres DSN of the registry; none: in memory.")
