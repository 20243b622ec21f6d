"""Adapters of the event bus: Kafka for services, Redis Streams, and memory for one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from tradewire.ports.bus import EventBusPort
from tradewire.runtime.observe.secrets import remember, scrub

CLIENT_ID = "tradewire"

Settings = TypeVar("Settings")


PATIENT_READING = {"fetch_bytes_min": "65536", "fetch_wait_ms": "250"}
"""Settings of a Kafka reader that nobody waits for: a quarter of a second's records at once cost one fetch."""


def connect(
    url: str, *, client_id: str = CLIENT_ID, partitions: Mapping[str, int] | None = None, patient: bool = False
) -> EventBusPort:
    """A bus, not started yet, for ``memory:``, ``kafka://host:port[,host:port]`` or ``redis://host:port/0``.

    The query sets the adapter's bounds by name, as in ``kafka://localhost:9092?session_s=10``; who signs in and how is
    in the address too (see ``kafka_address``), and ``rediss:`` is Redis over TLS. ``partitions``: topics that a memory
    bus has from the beginning. ``patient``: nothing that others wait for follows from what is read, so Kafka may gather
    records for a moment. Raises ValueError when the address makes no sense.
    """
    remember([url])
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    # Each adapter's client library is imported only when it is used.
    if parts.scheme == "memory" and not query:
        from tradewire.runtime.bus.memory import MemoryBus

        return MemoryBus(partitions)
    if parts.scheme == "kafka" and parts.netloc:
        from tradewire.runtime.bus.kafka import KafkaBus
        from tradewire.runtime.bus.kafka_address import split_address
        from tradewire.runtime.bus.kafka_client import KafkaSettings

        servers, security, bounds = split_address(url)
        settings = _settings(KafkaSettings, PATIENT_READING | bounds if patient else bounds, url)
        return KafkaBus(servers, client_id, settings=replace(settings, security=security))
    if parts.scheme in ("redis", "rediss") and parts.netloc:
        from tradewire.runtime.bus.redis_streams import RedisBus, RedisSettings

        return RedisBus(url.partition("?")[0], settings=_settings(RedisSettings, query, url))
    raise ValueError(f"bus address {scrub(url)!r} is none of memory:, kafka://host:port, redis://host:port/0")


def _settings(kind: type[Settings], query: Mapping[str, str], url: str) -> Settings:
    bounds = (field for field in fields(kind) if isinstance(field.default, int | float))  # type: ignore[arg-type]
    defaults: dict[str, Any] = {field.name: field.default for field in bounds}
    if unknown := query.keys() - defaults.keys():
        raise ValueError(f"bus address {scrub(url)!r} sets {sorted(unknown)}; known are {sorted(defaults)}")
    return kind(**{name: type(defaults[name])(value) for name, value in query.items()})
