"""Which partition a key belongs to, and which group member a partition belongs to: Kafka's own two rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import count

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.errors import ContractViolationError

CACHED_KEYS_MAX = 65_536
RECORD_BYTES_MAX = 983_040
"""Key, value and headers; what is left of Kafka's 1 MiB is for framing."""
HEADER_BYTES = 10
"""Most that the lengths of a header's name and value take."""

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """Unsigned 32-bit murmur2 with Kafka's seed.

    Source: Appleby (2008), MurmurHash2, as in Apache Kafka's `Utils.murmur2`.
    """
    whole = len(data) & ~3
    digest = _SEED ^ len(data)
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        digest = digest * _MULTIPLIER & _MASK ^ word
    if rest := data[whole:]:
        digest = (digest ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _MASK
    digest = (digest ^ digest >> 13) * _MULTIPLIER & _MASK
    return digest ^ digest >> 15


@lru_cache(CACHED_KEYS_MAX)
def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key, the same as every Kafka client's default partitioner gives."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Partitioner:
    """Chooses and checks the partition of outgoing records; records without a key take turns."""

    def __init__(self, record_bytes_max: int = RECORD_BYTES_MAX) -> None:
        self._record_bytes_max = record_bytes_max
        self._turns = count()

    def partition(self, record: Outgoing, partitions: int) -> int:
        """Partition that ``record`` goes to. Raises ContractViolationError when it can't ever be written."""
        if (size := record_bytes(record)) > self._record_bytes_max:
            raise ContractViolationError(
                f"record of {size} bytes for {record.topic} is above {self._record_bytes_max} bytes",
                stage="publish",
            )
        if record.key is None and record.value is None:
            raise ContractViolationError(f"tombstone without a key for {record.topic}", stage="publish")
        if record.partition is None:
            return next(self._turns) % partitions if record.key is None else partition_of(record.key, partitions)
        if not 0 <= record.partition < partitions:
            raise ContractViolationError(
                f"{record.topic} has partitions 0 to {partitions - 1}, not {record.partition}",
                stage="publish",
            )
        return record.partition


def record_bytes(record: Outgoing) -> int:
    """Size of key, value and headers, bytes."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name) + len(value) + HEADER_BYTES
    return size


def group_start(committed: int | None, *, begin: int, end: int) -> int:
    """Where a group goes on: at what it committed, or at the first record kept if there is no such offset any more.

    Source: Apache Kafka's consumer with ``auto.offset.reset=earliest``.
    """
    return committed if committed is not None and begin <= committed <= end else begin


def range_assignment(
    subscriptions: Mapping[str, Collection[str]], partitions: Mapping[str, int]
) -> dict[str, list[Place]]:
    """Places per member, given each member's topics and each topic's partition count.

    Of each topic a member gets a contiguous range: topics of equal partition count stay co-partitioned.
    Source: Apache Kafka's `RangeAssignor`.
    """
    owned: dict[str, list[Place]] = {member: [] for member in sorted(subscriptions)}
    for topic in sorted(partitions):
        members = [member for member in owned if topic in subscriptions[member]]
        if not members:
            continue
        each, extra = divmod(partitions[topic], len(members))
        start = 0
        for index, member in enumerate(members):
            stop = start + each + (index < extra)
            owned[member] += [Place(topic, partition) for partition in range(start, stop)]
            start = stop
    return owned
