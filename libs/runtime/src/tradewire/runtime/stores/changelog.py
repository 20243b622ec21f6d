"""State in a compacted topic, written after the outputs it includes and before the offsets are committed.

On restart records are read again from the committed offset; whatever the restored state already includes is skipped by
the domain's own event-time watermark, because its outputs are known to be out.

A member that was stopped between looking at its lease and writing writes once more when it goes on, after another
member's state (``lease``). So whoever takes a partition over first writes a **claim** to its changelog, whose offset is
the claim's number, and every state carries the claim of its writer. Of several states of one key the one with the
highest claim counts, wherever it stands in the log (docs/adr/0024-claims-in-changelogs.md).

A changelog is an input like any other: a record that is no state, or that the service can't take back, is a dead letter
and is passed over, and of its key the state before it counts (docs/adr/0041-bad-states.md).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.checks import CHECKS
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.codec.headers import CLAIM, claim_of
from tradewire.runtime.codec.messages import read_unchecked
from tradewire.runtime.loop.failures import violation_of
from tradewire.runtime.service import Store, StoreContext
from tradewire.runtime.stores.last_written import LastWritten

CLAIM_KEY = b"@"
"""Key of the records that claim a partition. They hold nothing: their offset is what counts."""
StateKey = tuple[int, str]
"""Partition and key of a state."""


class Saved(NamedTuple):
    """A state as a record holds it, and the claim of its writer."""

    record: Record
    event: Event
    claim: int


@dataclass(slots=True)
class _Found:
    """What a changelog holds: the state that counts of each key, the record keys of all its states, and the record keys
    of what was refused, by place.
    """

    kept: dict[StateKey, Saved] = field(default_factory=dict)
    record_keys: dict[StateKey, set[bytes]] = field(default_factory=dict)
    refused: dict[tuple[Place, int], bytes] = field(default_factory=dict)

    def take(self, key: StateKey, saved: Saved) -> None:
        """Of several states of a key the one with the highest claim counts, and of those the newest."""
        self.record_keys.setdefault(key, set()).add(saved.record.key or b"")
        if saved.claim >= self.kept.setdefault(key, saved).claim:
            self.kept[key] = saved

    def is_refused(self, record: Record) -> bool:
        """Was it refused before?"""
        return (record.place, record.offset) in self.refused


def state_key(key: str, claim: int) -> bytes:
    """Record key of a state that was written under a claim.

    Each writer has record keys of its own: compaction never drops our state in favour of another writer's.
    """
    return f"{key}{CLAIM_KEY.decode()}{claim}".encode()


class ChangelogStore(Store):
    """Keeps a service's state as the last ``event`` per key.

    ``changed`` yields (group partition, state event) for what may have changed since it was last called; ``restored``
    takes one back, or raises before it has changed anything; ``forgotten`` drops the state of a partition. A state
    equal to the last one written is not written.
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
        until = {Place(self._spec.name, p): claim + 1 for p, claim in claims.items()}
        found = _Found()
        async for key, saved in self._saved(begins, until, found):
            found.take(key, saved)
        failed = {key: found.kept[key] for key in list(found.kept) if not await self._take_back(key, found)}
        if failed:
            await self._take_back_others(failed, begins, until, found)
        self._claims |= claims
        await self._write_anew(found)
        return ()

    async def _claim(self, partitions: Sequence[int]) -> dict[int, int]:
        """Claim partitions; their claims. Whoever looks at its lease afterwards and holds it has the highest."""
        assert self._context is not None
        if not partitions:
            return {}
        claims = [Outgoing(self._spec.name, CLAIM_KEY, None, partition=partition) for partition in partitions]
        return {ack.partition: ack.offset for ack in await self._context.bus.publish(claims)}

    async def _saved(
        self, begins: Mapping[Place, int], until: Mapping[Place, int], found: _Found
    ) -> AsyncGenerator[tuple[StateKey, Saved]]:
        """Every state of the partitions that can be read; what can't is refused."""
        assert self._context is not None
        async for record in read_between(self._context.bus, begins, until):
            if record.value is None or found.is_refused(record) or self._context.passes_over(record):
                continue
            try:
                saved = await self._read(record)
            except ContractViolationError as error:
                await self._refuse(record, error, found)
                continue
            yield (record.partition, self._spec.key_of(saved.event)), saved

    async def _read(self, record: Record) -> Saved:
        """A state, within its bounds and under its own key and claim. Raises ContractViolationError."""
        assert self._context is not None
        event = await read_unchecked(self._context.codec, record)
        CHECKS[type(event)](event)
        claim, key = claim_of(record), self._spec.key_of(event)
        allowed = key.encode() if claim is None else state_key(key, claim)  # before there were claims: the key alone
        if record.key != allowed:
            raise ContractViolationError(f"{self._spec.name}: key: found {record.key!r}; allowed: {allowed!r}")
        return Saved(record, event, record.offset if claim is None else claim)

    async def _take_back(self, key: StateKey, found: _Found, saved: Saved | None = None) -> bool:
        """Take a state back, the newest of its key unless told; False when the service refuses it."""
        saved = saved or found.kept[key]
        try:
            self._restored(key[0], saved.event)
        except Exception as error:  # whatever a state leads to that is none
            await self._refuse(saved.record, violation_of(error), found)
            return False
        found.kept[key] = saved
        self._replaced[key] = found.record_keys[key]
        return True

    async def _take_back_others(
        self, failed: Collection[StateKey], begins: Mapping[Place, int], until: Mapping[Place, int], found: _Found
    ) -> None:
        """Of keys whose newest state was refused, the newest of the others that the service takes."""
        others: dict[StateKey, list[Saved]] = {}
        async for key, saved in self._saved(begins, until, found):
            if key in failed:
                others.setdefault(key, []).append(saved)
        for key in failed:
            del found.kept[key]
            for saved in sorted(others.get(key, ()), key=attrgetter("claim", "record.offset"), reverse=True):
                if await self._take_back(key, found, saved):
                    break

    async def _refuse(self, record: Record, error: ContractViolationError, found: _Found) -> None:
        assert self._context is not None
        found.refused[record.place, record.offset] = record.key or b""
        await self._context.refuse(record, error)

    async def _write_anew(self, found: _Found) -> None:
        """Write states under our claim of which a refused record has the record key: compaction keeps the newer one."""
        assert self._context is not None
        refused = {(place.partition, key) for (place, _), key in found.refused.items()}
        records: list[Outgoing] = []
        for (partition, key), saved in found.kept.items():
            if any((partition, record_key) in refused for record_key in found.record_keys[partition, key]):
                records += self._records(partition, key, self._context.codec.encode(saved.event))
        if records:
            await self._context.bus.publish(records)

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
        """A state under our claim, and tombstones for what earlier writers left of it."""
        claim = self._claims[partition]
        ours = state_key(key, claim)
        replaced = self._replaced.pop((partition, key), set()) - {ours}
        state = Outgoing(self._spec.name, ours, value, ((CLAIM, b"%d" % claim),), partition)
        return [state, *(Outgoing(self._spec.name, other, None, partition=partition) for other in sorted(replaced))]
