"""What happened, for those who watch and those who ask afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

PAGE_MAX = 1_000
"""Most entries of one page."""


@dataclass(frozen=True, slots=True)
class TelemetryEntry:
    """One message as it was seen on the bus.

    ``event_time_us``: the message's own time; ``recorded_at_us``: when it was seen, UTC, both µs; ``kind``: name of its
    event type; an id that does not apply is None; ``trace_id``: 32 hex digits; ``payload``: JSON values; decimals
    may be Decimals and come back as strings.
    """

    event_id: str
    topic: str
    partition: int
    offset: int
    event_time_us: int
    recorded_at_us: int
    kind: str
    account_id: str | None = None
    strategy_id: str | None = None
    symbol: str | None = None
    client_order_id: str | None = None
    trace_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    payload: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Entries wanted: those that match all that is given.

    ``from_us`` inclusive and ``to_us`` exclusive, event time in µs; ``limit``: entries per page, 1 to PAGE_MAX;
    ``after``: where the last page ended.
    """

    trace_id: str | None = None
    client_order_id: str | None = None
    strategy_id: str | None = None
    account_id: str | None = None
    symbol: str | None = None
    kind: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    limit: int = 100
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= PAGE_MAX:
            raise ValueError(f"limit {self.limit} entries; allowed: 1 to {PAGE_MAX}")
        if self.after is not None:
            position(self.after)

    @property
    def matches(self) -> dict[str, str]:
        """Fields of an entry that must equal these values."""
        names = ("trace_id", "client_order_id", "strategy_id", "account_id", "symbol", "kind")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries by event time, then event id. ``next``: what to give as ``after`` for the rest; None at the end."""

    entries: Sequence[TelemetryEntry]
    next: str | None


def cursor(entry: TelemetryEntry) -> str:
    """The place of an entry in the order of pages."""
    return f"{entry.event_time_us}:{entry.event_id}"


def position(after: str) -> tuple[int, str]:
    """Event time and id of a cursor. Raises ValueError."""
    time_us, colon, event_id = after.partition(":")
    if not colon or not time_us.removeprefix("-").isdecimal():
        raise ValueError(f"{after!r} is not where a page ended; allowed: the `next` of a page")
    return int(time_us), event_id


class TelemetryPort(Protocol):
    """Takes what happened. Adapters: Prometheus, log store."""

    @abstractmethod
    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        """Take entries; one whose ``event_id`` is there already is left out. Raises RetryableError."""


class LogStorePort(TelemetryPort, Protocol):
    """Keeps what happened for a while. Adapters: Postgres, memory."""

    @abstractmethod
    async def open(self) -> None:
        """Connect and migrate. Raises RetryableError."""

    async def ping(self) -> None:
        """Ask whether the server answers; one in memory always does. Raises RetryableError, FatalError."""
        return

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def query(self, query: LogQuery) -> LogPage:
        """Entries that match, a page at a time. Raises RetryableError."""

    @abstractmethod
    async def forget(self, recorded_before_us: int) -> int:
        """Delete what was seen before, in bounded steps; returns how many entries. Raises RetryableError."""
