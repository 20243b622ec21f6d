"""Settings of the telemetry service, on top of those of every service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tradewire.runtime.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    telemetry_dsn: str | None = Field(None, description="Postgres DSN of the log store; none: in memory, bounded.")
    log_store_days: float = Field(30.0, gt=0, description="Days for which the log store keeps entries.")
    market_sample: int = Field(
        0, ge=0, description="Of market and indicator messages the log store takes every n-th; 0: none."
    )
    restore_records_max: int = Field(
        20_000, ge=1, description="Evaluations, assessments, orders and fills read again per partition at a start."
    )
    views_folder: Path = Field(
        Path(".tradewire/views"), description="Views process: folder of its windows; a lost one is read again."
    )
    view_window_seconds: float = Field(3600.0, gt=0, description="Views process: length of a window of event time, s.")
    view_windows_kept: int = Field(720, ge=1, description="Views process: newest windows kept per account.")
