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

from tradewire.ports.message import Envelope, Event
from tradewire.runtime.observe.secrets import MASK, is_secret_name, scrub

CURRENT_TRACEPARENT: ContextVar[str] = ContextVar("tradewire_traceparent", default="")
CURRENT_RECORD: ContextVar[Envelope | None] = ContextVar("tradewire_record", default=None)
"""The record that is being handled."""
CURRENT_EVENT: ContextVar[Event | None] = ContextVar("tradewire_event", default=None)
"""What it says, once it is decoded."""
OF_EVENTS = ("strategy_id", "config_version", "client_order_id")
"""Fields of an event that every line of its handling has."""
FIELDS = frozenset(
    (
        *("topic", "partition", "offset", "key", "event_id", "client_order_id", "strategy_id", "config_version"),
        *("trace_id", "stage", "reason", "records", "handled", "published", "dead_letters", "given_up", "failed"),
        *("service", "phase", "turned_seconds_ago", "waits_for", "bound", "reinits", "what", "attempt"),
    )
)
"""Extra fields that a line may have, besides attributes of spans: the allow-list. A test derives the names used."""
PREFIXES = ("tradewire.", "messaging.")
"""Attributes of spans; none of them is free text from outside."""
NAMES = {
    "tradewire.client_order_id": "client_order_id",
    "tradewire.strategy.id": "strategy_id",
    "tradewire.config.version": "config_version",
}
"""Attributes of spans under the names that log lines have for them."""
DEPTH_MAX = 4
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
FILE_BYTES_MAX = 10_000_000
FILES_KEPT = 5


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: only fields on the allow-list are shown, texts are scrubbed."""

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
            "message": scrub(record.getMessage()),
            **_context(),
        }
        fields |= {
            NAMES.get(name, name): _shown(value) if _is_allowed(name) else MASK
            for name, value in record.__dict__.items()
            if name not in _STANDARD and name != "event"
        }
        if record.exc_info:
            fields["exception"] = scrub(self.formatException(record.exc_info))
        try:
            return orjson.dumps(fields, default=_text).decode()
        except TypeError:  # an integer beyond 64 bits, a key or text that JSON can't hold: no reason to lose the line
            return json.dumps({name: str(value) for name, value in fields.items()})


def _context() -> dict[str, object]:
    """Of the record that is being handled: its trace, place and id, and whose it is."""
    fields: dict[str, object] = {}
    traceparent, envelope = CURRENT_TRACEPARENT.get(), CURRENT_RECORD.get()
    if len(traceparent) == 55:
        fields = {"trace_id": traceparent[3:35], "span_id": traceparent[36:52], "trace_flags": traceparent[53:]}
    if envelope is not None:
        fields |= {"topic": envelope.topic, "partition": envelope.partition, "offset": envelope.offset}
        fields["event_id"] = envelope.event_id
    if (event := CURRENT_EVENT.get()) is not None:
        fields |= {name: event.__dict__[name] for name in OF_EVENTS if name in event.__dict__}
    return fields


def _is_allowed(name: str) -> bool:
    return (name in FIELDS or name.startswith(PREFIXES)) and not is_secret_name(name)


def _shown(value: object, depth: int = 0) -> object:
    """A field's value: texts scrubbed, and below it nothing that is named like a secret."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth < DEPTH_MAX and isinstance(value, dict):
        return {key: MASK if is_secret_name(str(key)) else _shown(inner, depth + 1) for key, inner in value.items()}
    if depth < DEPTH_MAX and isinstance(value, list | tuple):
        return [_shown(inner, depth + 1) for inner in value]
    return _text(value)


def _text(value: object) -> str:
    return scrub(str(value))


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
