"""The event bus: partitioned, replayable topics of key-value records, as Kafka defines them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read. ``value`` None is a tombstone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int

    @property
    def place(self) -> Place:
        """Where it was read."""
        return Place(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to write. ``partition`` None: by murmur2 of the key, as every Kafka client does."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class Ack(NamedTuple):
    """Where a record was written."""

    topic: str
    partition: int
    offset: int


OnPlaces = Callable[[Sequence[Place]], Awaitable[None]]


class SubscriptionPort(Protocol):
    """A member of a consumer group: partitions are shared with the group's other members."""

    @abstractmethod
    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        """Next records, in order per partition; empty after ``timeout_s``. Raises RetryableError, FatalError."""

    @abstractmethod
    async def commit(self, offsets: Mapping[Place, int]) -> None:
        """Store the next offset to read per partition; one no longer owned is ignored. Raises RetryableError."""

    @abstractmethod
    def assignment(self) -> frozenset[Place]:
        """Partitions owned now."""

    @abstractmethod
    def holds(self) -> bool:
        """Is what we own ours for certain? False once the group may have given it to others, known by our own clock.

        It may become true again, when the group confirms the ownership; otherwise ``on_revoked`` follows.
        """

    @abstractmethod
    def pause(self, places: Sequence[Place]) -> None:
        """Deliver nothing from these until resumed: back-pressure that keeps the membership alive."""

    @abstractmethod
    def resume(self, places: Sequence[Place]) -> None:
        """Undo ``pause``."""

    @abstractmethod
    async def lag(self) -> dict[Place, int]:
        """Records behind the end, per owned partition."""

    @abstractmethod
    async def close(self) -> None:
        """Leave the group."""


class TailPort(Protocol):
    """A reader of named partitions outside any group."""

    @abstractmethod
    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        """Next records, in offset order per partition; empty after ``timeout_s``."""

    @abstractmethod
    def pause(self, places: Sequence[Place]) -> None:
        """Deliver nothing from these until resumed."""

    @abstractmethod
    def resume(self, places: Sequence[Place]) -> None:
        """Undo ``pause``."""

    @abstractmethod
    async def close(self) -> None:
        """Stop reading."""


class EventBusPort(Protocol):
    """Kafka's model of a log. Adapters: Kafka, Redis Streams, memory; one behaviour suite holds for all."""

    @abstractmethod
    async def start(self) -> None:
        """Connect. Raises RetryableError when the servers can't be reached."""

    @abstractmethod
    async def close(self) -> None:
        """Flush and disconnect."""

    @abstractmethod
    async def publish(self, records: Sequence[Outgoing]) -> list[Ack]:
        """Write all, in order per partition, and wait for every acknowledgement.

        Raises RetryableError when the outcome of any is unknown (the caller sends all again: ids make that harmless);
        ContractViolationError when a record is too large to ever be written.
        """

    @abstractmethod
    async def subscribe(
        self,
        topics: Sequence[str],
        group: str,
        *,
        on_assigned: OnPlaces,
        on_revoked: OnPlaces,
        member: str | None = None,
    ) -> SubscriptionPort:
        """Join ``group``. The callbacks run before the first record of, and after the last record of, an ownership.

        ``member`` names a static member: its partitions wait for it through a restart. Reading starts at the group's
        committed offset, or at the beginning.
        """

    @abstractmethod
    async def tail(self, starts: Mapping[Place, int]) -> TailPort:
        """Read these partitions from the given offsets (clamped to what is kept)."""

    @abstractmethod
    async def partitions(self, topic: str) -> int:
        """Partition count. Raises ContractViolationError for an unknown topic."""

    @abstractmethod
    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """Offset after the last record, per partition."""

    @abstractmethod
    async def begin_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """Offset of the first record kept, per partition."""

    @abstractmethod
    async def next_offsets(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        """Offset of the first record at or after an offset, per partition; the end when there is none.

        Not every offset has a record: compaction removes records, and markers of transactions take offsets.
        """

    @abstractmethod
    async def offsets_at(self, times_ms: Mapping[Place, int]) -> dict[Place, int]:
        """Offset of the first record whose timestamp is at or after a time, per partition; the end when none is."""

    @abstractmethod
    async def committed(self, group: str, places: Sequence[Place]) -> dict[Place, int | None]:
        """Offsets that the group has stored."""

    @abstractmethod
    async def create_topics(self, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> None:
        """Create what is missing; existing topics are left as they are."""
