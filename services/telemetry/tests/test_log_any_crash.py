"""The log store and the books over random crashes, hand-overs and failures: each event once, none lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.ports.errors import RetryableError
from tradewire.ports.message import Event
from tradewire.ports.telemetry import LogQuery, TelemetryEntry, TelemetryPort
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.service import Service
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.handlers import inputs
from tradewire.telemetry.store import TelemetryStore
from tradewire.testkit.execution_story import idle_at_once
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import Lives, WorkerRig

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


PARTITIONS = 2
"""Of accounts, on the rig's bus."""


class Disturbed(MemoryLogStore):
    """A log store that now and then fails, before it has written or behind that."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng, self.calm = rng, False

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        chance = 1.0 if self.calm else self._rng.random()
        if chance < 0.1:
            raise RetryableError("log store away")
        await super().record(entries)
        if chance < 0.2:
            raise RetryableError("written, and the answer lost")


class Unshown(TelemetryPort):
    """Metrics that nobody looks at."""

    def open(self) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing is hidden."""

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        """Nothing is counted."""


class LogStory:
    """Members of the service over one log store, that come and go."""

    def __init__(self, rng: random.Random) -> None:
        self.lives, self.log_store = Lives(), Disturbed(rng)
        self.rig, self._rng, self._books = self.lives.rig, rng, Books()

    def start(self, member: int) -> None:
        """Begin a life, if none goes on."""
        known = self.lives._tasks.get(member)
        if known is None or known[0].done():
            stop = asyncio.Event()
            task = asyncio.create_task(self.rig.worker(self._service()).run(stop))
            self.lives._tasks[member] = task, stop

    def _service(self) -> Service:
        self._books = Books()
        desk = TelemetryDesk(self._books)
        parts: Any = {"restore_records_max": self._rng.choice((1, 4, 100)), "keep_us": 10**15}
        self._store = store = TelemetryStore(desk, self.log_store, Unshown(), self.rig.clock, **parts)
        return Service(name="telemetry", inputs=inputs(desk), store=WatchedStore(store, self.rig.journal))

    async def come_to_an_end(self, topics: set[str]) -> tuple[list[str], object]:
        """Let a last member handle everything; the ids in the log, and the sums in its books."""
        self.rig.journal.hook, self.log_store.calm = WorkerRig().journal.hook, True
        for member in (0, 1):
            await self.lives.end(member, orderly=False)
        self.start(0)
        task, _ = self.lives._tasks[0]
        await self.rig.until(
            lambda: (
                all(self.rig.bus_committed(t, "telemetry") == self.rig.count(t) for t in topics)
                and len(self._store.held()[0]) == PARTITIONS
            ),
            task,
        )
        found = sums(self._books)
        await self.lives.end(0, orderly=True)
        return [entry.event_id for entry in (await self.log_store.query(LogQuery(limit=1_000))).entries], found


def sums(books: Books) -> object:
    """What depends on every fill."""
    strategies = {book.account_id: dict(book.strategies) for book in books.accounts.values() if book.strategies}
    return strategies, books.results.rows, sorted(trade.order for trade in books.trades.working())


def told(messages: Messages, rng: random.Random) -> Iterator[Event]:
    """Facts of two accounts."""
    for sequence in range(1, rng.randrange(3, 30)):
        ids: dict[str, Any] = {"account_id": rng.choice(("alpha", "beta")), "sequence": sequence}
        make = rng.choice((messages.fill, messages.order, messages.state))
        yield make(**ids, event_time_us=sequence)


async def lived(messages: Messages, rng: random.Random) -> None:
    """Tell everything while members are killed, struck, stopped and joined."""
    story, said, topics, everything = LogStory(rng), set[str](), set[str](), Books()
    for event in told(messages, rng):
        (record,) = await story.rig.say(event)
        said.add(dict(record.headers)["event_id"].decode())
        topics.add(BY_EVENT[type(event)].name)
        everything.take(event, messages.envelope(event))
        match rng.choice(("start", "start", "kill", "strike", "stop", "join")):
            case "start":
                story.start(0)
            case "join":
                story.start(1)
            case "strike":
                story.lives.strike(rng.randrange(1, 8))
            case how:
                await story.lives.end(rng.randrange(2), orderly=how == "stop")
        for _ in range(rng.randrange(60)):
            await asyncio.sleep(0)
    found, booked = await story.come_to_an_end(topics)
    assert (len(found), set(found)) == (len(said), said)
    assert booked == sums(everything)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_log_when_members_are_killed_at_any_step_then_each_event_is_there_once(messages: Messages, seed: int) -> None:
    with idle_at_once():
        asyncio.run(lived(messages, random.Random(seed)))
