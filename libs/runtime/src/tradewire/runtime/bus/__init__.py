"""Adapters of the event bus: Kafka for services, Redis Streams, and memory for one process."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from tradewire.ports.bus import EventBusPort

CLIENT_ID = "tradewire"


def connect(
    url: str, *, client_id: str = CLIENT_ID, partitions: Mapping[str, int] | None = None
) -> EventBusPort:
    """A bus that is not started yet, for ``memory:``, ``kafka://host:port[,host:port]`` or ``redis://host:port/0``.

    ``partitions``: topics that a memory bus has from the beginning. Raises ValueError for any other address.
    """
    parts = urlsplit(url)
    # Each adapter's client library is imported only when it is used.
    if parts.scheme == "memory":
        from tradewire.runtime.bus.memory import MemoryBus

        return MemoryBus(partitions)
    if parts.scheme == "kafka" and parts.netloc:
        from tradewire.runtime.bus.kafka import KafkaBus

        return KafkaBus(parts.netloc, client_id)
    raise ValueError(f"bus address {url!r} is none of memory:, kafka://host:port, redis://host:port/0")
