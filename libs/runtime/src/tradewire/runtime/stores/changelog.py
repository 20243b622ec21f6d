"""State in a compacted topic, written after the outputs it includes and before the offsets are committed.

On restart records are read again from the committed offset; whatever the restored state already includes is skipped by
the domain's own event-time watermark, because its outputs are known to be out.

A member that was stopped between looking at its lease and writing writes once more when it goes on, after another
member's state (``lease``). So whoever takes a partition over first writes a **claim** to its changelog, whose offset is
the claim's number, and every state carries the claim of its writer. Of several states of one key the one with the
highest claim counts, wherever it stands in the log (docs/adr/0024-claims-in-changelogs.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.headers import CLAIM, claim_of
from tradewire.runtime.loop.failures import tell_how_to_skip
from tradewire.runtime.service import Store, StoreContext
from tradewire.runtime.stores.last_written import LastWritten

CLAIM_KEY = b"@"
"""Key of the records that claim a partition. They hold nothing: their offset is what counts."""
StateKey = tuple[int, str]
"""Partition and key of a state."""


@dataclass(slots=True)
class _Kept:
    """The state that counts among those of one key, its claim, and the record keys of all of them."""

    event: Event
    claim: int
    record_keys: set[bytes] = field(default_factory=set)


class ChangelogStore(Store):
    """Keeps a service's state as the last ``event`` per key.

    ``changed`` yields (group partition, state event) for what may have changed since it was last called; ``restored``
    takes one back; ``forgotten`` drops the state of a partition. A state equal to the last one written is not written.
    """

    def __init__(
        self,
        event: type[Event],
        *,
        changed: Callable[[], Iterable[tuple[int, Event]]],
        restored: Callable[[int, Event], None],
        forgotten: Callable[[int], None],
    ) -> None:
        self._spec = BY_EVENT[event]
        self._changed, self._restored, self._forgotten = changed, restored, forgotten
        self._context: StoreContext | None = None
        self._unwritten: list[Outgoing] = []
        self._written = LastWritten()
        self._claims: dict[int, int] = {}
        self._replaced: dict[StateKey, set[bytes]] = {}

    async def open(self, context: StoreContext) -> None:
        self._context = context

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        assert self._context is not None
        places = [Place(self._spec.name, partition) for partition in partitions]
        begins = await self._context.bus.begin_offsets(places)
        for place, begin in begins.items():
            if begin:  # compaction keeps the first offset: only deletion moves it
                self._context.lost(place, 0, begin, why="deleted from a topic that keeps state")
        claims = await self._claim(partitions)
        kept = await self._kept(begins, {Place(self._spec.name, p): claim for p, claim in claims.items()})
        for (partition, key), state in kept.items():
            self._replaced[partition, key] = state.record_keys
            self._restored(partition, state.event)
        self._claims |= claims
        return ()

    async def _claim(self, partitions: Sequence[int]) -> dict[int, int]:
        """Claim partitions; their claims. Whoever looks at its lease afterwards and holds it has the highest."""
        assert self._context is not None
        if not partitions:
            return {}
        claims = [Outgoing(self._spec.name, CLAIM_KEY, None, partition=partition) for partition in partitions]
        return {ack.partition: ack.offset for ack in await self._context.bus.publish(claims)}

    async def _kept(self, begins: Mapping[Place, int], claims: Mapping[Place, int]) -> dict[StateKey, _Kept]:
        """The states before a claim of each partition."""
        assert self._context is not None
        kept: dict[StateKey, _Kept] = {}
        until = {place: claim + 1 for place, claim in claims.items()}
        async for record in read_between(self._context.bus, begins, until):
            if record.value is None or self._context.passes_over(record):
                continue
            event, claim = await self._read(record)
            state = kept.setdefault((record.partition, self._spec.key_of(event)), _Kept(event, claim))
            state.record_keys.add(record.key or b"")
            if claim >= state.claim:
                state.event, state.claim = event, claim
        return kept

    async def _read(self, record: Record) -> tuple[Event, int]:
        """A state event and its claim. Raises ContractViolationError, and tells how to go on without the record."""
        assert self._context is not None
        assert record.value is not None
        try:
            return await self._context.codec.read(self._spec.name, record.value), claim_of(record)
        except ContractViolationError as error:
            tell_how_to_skip(record, self._context.service, error)
            raise

    async def release(self, partitions: Sequence[int]) -> None:
        gone = set(partitions)
        self._unwritten = [record for record in self._unwritten if record.partition not in gone]
        self._replaced = {state: keys for state, keys in self._replaced.items() if state[0] not in gone}
        for partition in partitions:
            self._forgotten(partition)
            self._written.forget(partition)
            self._claims.pop(partition, None)

    async def checkpoint(self) -> None:
        assert self._context is not None
        # ``changed`` tells each change once, so what could not be written is kept for the next try.
        for partition, event in self._changed():
            key, value = self._spec.key_of(event), self._context.codec.encode(event)
            if self._written.differs(partition, key, value):
                self._unwritten += self._records(partition, key, value)
        if self._unwritten:
            await self._context.bus.publish(self._unwritten)
            self._unwritten = []

    def _records(self, partition: int, key: str, value: bytes) -> list[Outgoing]:
        """A state under our claim, and tombstones for what earlier writers left of it.

        Each writer has record keys of its own: compaction never drops our state in favour of another writer's.
        """
        claim = self._claims[partition]
        ours = f"{key}{CLAIM_KEY.decode()}{claim}".encode()
        replaced = self._replaced.pop((partition, key), set()) - {ours}
        state = Outgoing(self._spec.name, ours, value, ((CLAIM, b"%d" % claim),), partition)
        return [state, *(Outgoing(self._spec.name, other, None, partition=partition) for other in sorted(replaced))]
