"""JSON logs: one object a line, trace ids under the names that OpenTelemetry's log compatibility rules give them."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import Counter

CURRENT_TRACEPARENT: ContextVar[str] = ContextVar("tradewire_traceparent", default="")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SECRET_MARKS = ("password", "secret", "token", "api_key", "apikey", "authorization")
FILE_BYTES_MAX = 10_000_000
FILES_KEPT = 5


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; extra fields pass through, those named like secrets are masked."""

    def __init__(self, service: str, version: str, environment: str) -> None:
        super().__init__()
        self._fixed = {
            "service.name": service,
            "service.version": version,
            "deployment.environment.name": environment,
        }

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "severity": record.levelname,
            **self._fixed,
            "logger": record.name,
            "event": getattr(record, "event", None) or record.name.rsplit(".", 1)[-1],
            "message": record.getMessage(),
        }
        traceparent = CURRENT_TRACEPARENT.get()
        if len(traceparent) == 55:
            fields |= {
                "trace_id": traceparent[3:35],
                "span_id": traceparent[36:52],
                "trace_flags": traceparent[53:],
            }
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name != "event":
                fields[name] = "***" if any(mark in name.lower() for mark in _SECRET_MARKS) else value
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(fields, default=str).decode()
        except TypeError:  # an integer beyond 64 bits, a key or text that JSON can't hold: no reason to lose the line
            return json.dumps({name: str(value) for name, value in fields.items()})


class LogCounter(logging.Handler):
    """Counts log records by severity."""

    def __init__(self, records: Counter) -> None:
        """``records``: counter with the label severity."""
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.labels(record.levelname).inc()


class _ModuleFiles(logging.Handler):
    """Writes each module's records to a rotated file of its own below one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._files: dict[str, logging.handlers.RotatingFileHandler] = {}

    def emit(self, record: logging.LogRecord) -> None:
        module = ".".join(record.name.split(".")[:3])
        handler = self._files.get(module)
        if handler is None:
            path = self._folder / f"{module}.log"
            handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, delay=True
            )
            handler.setFormatter(self.formatter)
            self._files[module] = handler
        handler.emit(record)

    def close(self) -> None:
        for handler in self._files.values():
            handler.close()
        super().close()


def configure_logging(*, service: str, version: str, environment: str, level: str, folder: Path | None) -> None:
    """Send every logger's records, libraries' included, to stdout or to rotated files per module in ``folder``."""
    handler: logging.Handler
    if folder is None:
        handler = logging.StreamHandler(sys.stdout)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _ModuleFiles(folder)
    handler.setFormatter(JsonFormatter(service, version, environment))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "httpx", "httpcore", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
