"""The strategy service's state: which partitions are its own, and the registry that outlives it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import (
    AccountStateChanged,
    ConfigStatus,
    IndicatorsUpdated,
    StrategyConfigPublished,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.ports.strategy_registry import StoredVersion, StrategyRegistryPort
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.loop.resuming import last_messages
from tradewire.runtime.service import Store, StoreContext
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.examiner import Examiner

RECALLED_BARS_MAX = 1_000
"""Of a partition, before those that are read next: a few minutes' of a hundred markets."""


class RegistryStore(Store):
    """Every answer is in the registry before it is published. Evaluations need no state but the bars on their topic."""

    reads_back: tuple[type[Event], ...] = (AccountStateChanged,)

    def __init__(
        self, desk: StrategyDesk, registry: StrategyRegistryPort, examiner: Examiner, clock: ClockPort
    ) -> None:
        self._desk, self._registry, self._examiner, self._clock = desk, registry, examiner, clock
        self._context: StoreContext | None = None
        self._unsaved: list[tuple[StrategyConfigPublished | None, StrategyStatusChanged]] = []

    async def open(self, context: StoreContext) -> None:
        self._context = context
        await self._registry.open()
        for newest in await self._registry.latest():
            for stored in await self._registry.versions(newest.strategy_id):
                if stored.status is not ConfigStatus.REFUSED:
                    self._desk.register(stored.strategy_id, stored.version, stored.digest)
        self._examiner.open(context)

    async def ping(self) -> None:
        await self._registry.ping()

    async def close(self) -> None:
        await self._examiner.close()
        await self._registry.close()

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        self._desk.own(partitions)
        await self._recall(partitions)
        return ()

    async def _recall(self, partitions: Sequence[int]) -> None:
        """Show the desk the bars before those that are read next: whoever passed them may not have decided on all."""
        assert self._context is not None
        bus, codec, topic = self._context.bus, self._context.codec, BY_EVENT[IndicatorsUpdated].name
        places = [Place(topic, partition) for partition in partitions]
        begins, ends = await bus.begin_offsets(places), await bus.end_offsets(places)
        stored = await bus.committed(self._context.service, places)
        next_ = {place: max(begins[place], min(ends[place], stored[place] or 0)) for place in places}
        for record in await last_messages(bus, self._clock, places, RECALLED_BARS_MAX, before=next_):
            if record.value is None or self._context.passes_over(record):
                continue
            with suppress(ContractViolationError):  # a dead letter when it was read
                event = await read_record(codec, record)
                if isinstance(event, IndicatorsUpdated):
                    self._desk.recall(event, codec.decode_headers(record))

    async def release(self, partitions: Sequence[int]) -> None:
        self._desk.forget(partitions)
        self._examiner.forget(partitions)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        self._unsaved += self._desk.journal()
        while self._unsaved:
            config, status = self._unsaved[0]
            if config is None:
                await self._registry.retire(status.strategy_id, status.answered_at_us)
            else:
                await self._registry.save(_stored(config, status))
            del self._unsaved[0]


def _stored(config: StrategyConfigPublished, status: StrategyStatusChanged) -> StoredVersion:
    """The version with its answer; a refused one has no meaning yet, and so no market."""
    accepted = next((v for v in status.active if v.version == config.version), None)
    return StoredVersion(
        strategy_id=config.strategy_id,
        version=config.version,
        digest=accepted.digest if accepted is not None else "",
        document=config.document,
        account_id=accepted.account_id if accepted is not None else "",
        venue=accepted.venue if accepted is not None else "",
        symbols=accepted.symbols if accepted is not None else (),
        interval=accepted.interval if accepted is not None else "",
        author=config.author,
        mode=config.mode,
        status=status.status,
        reasons=status.reasons,
        published_at_us=config.published_at_us,
        answered_at_us=status.answered_at_us,
        evidence=config.evidence,
    )
