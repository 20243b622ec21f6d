"""Settings that every service has. Each comes from the environment: ``TRADEWIRE_`` and the upper-case name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class RuntimeSettings(BaseSettings):
    """How a process reaches the bus, shows itself and paces its checkpoints."""

    model_config = SettingsConfigDict(env_prefix="TRADEWIRE_", extra="ignore", frozen=True)

    bus_url: str = Field(
        "kafka://127.0.0.1:9092", description="kafka://[USER:PASSWORD@]HOST:PORT[?…], redis://… or memory:"
    )
    registry_url: str | None = Field(None, description="Base URL of a Confluent-API schema registry; none: ids.json.")
    member: str | None = Field(None, description="Static group member id, e.g. the pod name; none: dynamic membership.")
    environment: str = Field("local", description="Deployment environment named in logs and spans.")
    revision: str = Field("unknown", description="Revision of the source that runs, e.g. a git commit; for metrics.")
    http_host: str = Field("127.0.0.1", description="Address of /health and /metrics.")
    http_port: int | None = Field(None, description="Port of /health and /metrics; 0: any free one; none: no server.")
    http_port_file: Path | None = Field(None, description="Where the port in use is written once it listens.")
    tokens_file: Path | None = Field(
        None, description="File of tokens with roles, for everything but /health and /metrics; none: loopback only."
    )
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_folder: Path | None = Field(None, description="Folder for rotated files per module; none: stdout.")
    otlp_url: str | None = Field(
        None, description="OTLP/HTTP traces endpoint, e.g. http://127.0.0.1:4318/v1/traces; none: no spans."
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Share of traces recorded.")
    poll_records_max: int = Field(500, ge=1, description="Most records per poll.")
    checkpoint_records: int = Field(
        500, ge=1, description="Records between checkpoints: most that are handled again after a crash."
    )
    checkpoint_seconds: float = Field(1.0, gt=0, description="Seconds between checkpoints while records arrive.")
    backlog_records_max: int = Field(
        5000, ge=1, description="Buffered records per partition before its reading is paused."
    )
    retry_seconds_max: float = Field(15.0, gt=0, description="Longest pause between tries of a failed publish.")
    ready_wait_seconds: float = Field(
        15.0, gt=0, description="Longest wait for the same step, or for servers, of a service that is ready."
    )
    ready_lag_seconds: float = Field(
        15.0, gt=0, description="Oldest record, unread or unanswered, of a ready service, s."
    )
    heartbeat_seconds: float = Field(
        30.0, gt=0, description="Time between the heartbeat records that ingest sends through all stages, s."
    )
    drain_seconds: float = Field(10.0, gt=0, description="Longest graceful stop.")
