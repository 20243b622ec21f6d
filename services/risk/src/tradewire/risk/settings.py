"""Settings of the risk service, on top of those of every service."""

from __future__ import annotations

from pydantic import Field

from tradewire.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    risk_dsn: str | None = Field(
        None, description="Postgres DSN of the limits; none: in memory, from risk.limits-status.v1."
    )
    join_grace_seconds: float | None = Field(
        None, gt=0, description="Live: longest wait for a step's inputs; none: replay, wait for all."
    )
