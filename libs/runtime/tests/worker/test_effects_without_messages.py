"""What a service does in silence survives like what it says: any pace, any crash, any hand-over, one result.

The desk of these tests folds two streams of an account into one digest, alternately: evaluation 0, state 0, evaluation
1, state 1 … Each waits for the one before it, most move the digest without a message, and a digest that lacks, doubles
or swaps one differs for ever after.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import FatalError, FencedError
from tradewire.ports.events import AccountStateChanged, RiskAssessed, RiskStateSaved, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.runtime import readers
from tradewire.runtime.changelog import ChangelogStore
from tradewire.runtime.service import Service, Store, on
from tradewire.testkit.builders import account_state, assessment, evaluation
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig, ended
from tradewire.trading.holding import Held
from tradewire.trading.tracking import Tracked

ACCOUNTS = ("alpha", "main", "zeta")
LOUD_EVERY = 5
Waiting = dict[int, tuple[StrategyEvaluated | AccountStateChanged, Envelope]]


def folded(digest: str, turn: int) -> str:
    """Digest of all turns up to one."""
    return hashlib.sha256(f"{digest}/{turn}".encode()).hexdigest()


@dataclass
class Fold:
    """An account: how many turns it took and their digest; what came before its turn waits."""

    partition: int
    turns: int = 0
    digest: str = ""
    waiting: Waiting = field(default_factory=dict)

    @property
    def row(self) -> str:
        """All but what waits."""
        return f"{self.turns} {self.digest}"

    @classmethod
    def restored(cls, partition: int, row: str) -> Fold:
        """From what was written."""
        turns, digest = row.split(" ")
        return cls(partition, int(turns), digest)


class Folding:
    """Takes turns in order; says something at every fifth."""

    def __init__(self) -> None:
        self.held, self.folds = Held(), Tracked[str, Fold]()

    def on_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """An even turn."""
        return self._take(2 * event.candle_offset, event, envelope)

    def on_state(self, event: AccountStateChanged, envelope: Envelope) -> Iterator[Emit]:
        """An odd turn."""
        return self._take(2 * event.sequence - 1, event, envelope)

    def _take(self, turn: int, event: StrategyEvaluated | AccountStateChanged, envelope: Envelope) -> Iterator[Emit]:
        fold = self.folds.get(event.account_id)
        if fold is None:
            fold = self.folds[event.account_id] = Fold(envelope.partition)
        if turn < fold.turns or turn in fold.waiting:
            return
        fold.waiting[turn] = event, envelope
        self.held.take(envelope)
        while fold.turns in fold.waiting:
            taken, cause = fold.waiting.pop(fold.turns)
            self.held.release(cause)
            fold.digest = folded(fold.digest, fold.turns)
            if fold.turns % LOUD_EVERY == 0:
                told = assessment(fold.turns, account_id=taken.account_id, evaluation_id=fold.digest)
                yield Emit(told, cause)
            fold.turns += 1

    def changed(self) -> Iterator[tuple[int, RiskStateSaved]]:
        """For a changelog."""
        for account, fold in self.folds.touched():
            yield fold.partition, RiskStateSaved(account_id=account, event_time_us=0, state=fold.row.encode())

    def restore(self, partition: int, state: Event) -> None:
        """From a changelog."""
        assert isinstance(state, RiskStateSaved)
        self.folds.restore(state.account_id, Fold.restored(partition, state.state.decode()))

    def forget(self, partition: int) -> None:
        """A partition goes."""
        for account in [a for a, fold in self.folds.peek().items() if fold.partition == partition]:
            for _, envelope in self.folds.pop(account).waiting.values():
                self.held.release(envelope)


@dataclass
class Tables:
    """A database that outlives its clients: rows by account, messages to publish, and who may write a partition."""

    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    outbox: list[Outgoing] = field(default_factory=list)
    writers: dict[int, object] = field(default_factory=dict)


class TableStore(Store):
    """Rows in a database, written before what they caused is published, as the ledger does; fenced."""

    def __init__(self, desk: Folding, tables: Tables) -> None:
        self._desk, self._tables = desk, tables

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        self._tables.writers |= dict.fromkeys(partitions, self)
        for account, (partition, row) in self._tables.rows.items():
            if partition in partitions:
                self._desk.folds.restore(account, Fold.restored(partition, row))
        return [record for record in self._tables.outbox if self._home(record) in partitions]

    def _home(self, record: Outgoing) -> int:
        assert record.key is not None, "messages are keyed by account"
        return self._tables.rows[record.key.decode()][0]

    async def release(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._desk.forget(partition)

    async def persist(self, records: Sequence[Outgoing]) -> None:
        for account, fold in self._desk.folds.touched():
            if self._tables.writers[fold.partition] is not self:
                raise FencedError(f"partition {fold.partition} has another writer")
            self._tables.rows[account] = fold.partition, fold.row
        self._tables.outbox += records

    async def published(self, records: Sequence[Outgoing]) -> None:
        self._tables.outbox = [record for record in self._tables.outbox if record not in records]

    async def checkpoint(self) -> None:
        await self.persist(())


class Story:
    """Two members of one group that come, go and die, and the streams that they fold."""

    def __init__(self, kind: str) -> None:
        self.rig, self.tables, self._kind = WorkerRig(), Tables(), kind
        self._tasks: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self.said = dict.fromkeys([(a, half) for a in ACCOUNTS for half in (0, 1)], 0)

    def service(self) -> Service:
        """A new life."""
        desk = Folding()
        stores: dict[str, Callable[[], Store]] = {
            "table": lambda: TableStore(desk, self.tables),
            "changelog": lambda: ChangelogStore(
                RiskStateSaved, changed=desk.changed, restored=desk.restore, forgotten=desk.forget
            ),
        }
        return Service(
            name="risk",
            inputs=(on(StrategyEvaluated, desk.on_evaluation), on(AccountStateChanged, desk.on_state)),
            outputs=(RiskAssessed,),
            store=WatchedStore(stores[self._kind](), self.rig.journal),
            held=desk.held.lowest,
            backlog=desk.held.counts,
        )

    async def say(self, account: str, half: int, count: int) -> None:
        """The next records of one stream."""
        for _ in range(count):
            number = self.said[account, half]
            even, odd = (
                evaluation(number, account_id=account, candle_offset=number),
                account_state(number, account_id=account),
            )
            await self.rig.say(odd if half else even)
            self.said[account, half] += 1

    def turns(self, account: str) -> int:
        """Turns that an account can have taken by now."""
        even, odd = self.said[account, 0], self.said[account, 1]
        return min(2 * even, 2 * odd + 1)

    async def written(self) -> dict[str, str]:
        """Rows by account, wherever they are kept."""
        if self._kind == "table":
            return {account: row for account, (_, row) in self.tables.rows.items()}
        return {e.account_id: e.state.decode() for _, e in await self.rig.said(RiskStateSaved)}  # type: ignore[attr-defined]

    def wanted(self) -> dict[str, str]:
        """Rows of a service that nothing ever happened to."""
        rows = {}
        for account in ACCOUNTS:
            fold = Fold(0)
            for turn in range(self.turns(account)):
                fold = Fold(0, turn + 1, folded(fold.digest, turn))
            if any(self.said[account, half] for half in (0, 1)):
                rows[account] = fold.row
        return rows

    def loud(self) -> set[tuple[str, str]]:
        """Messages of a service that nothing ever happened to."""
        found = set()
        for account in ACCOUNTS:
            digest = ""
            for turn in range(self.turns(account)):
                digest = folded(digest, turn)
                if turn % LOUD_EVERY == 0:
                    found.add((account, digest))
        return found

    def start(self, member: int) -> None:
        """Begin a life, if there is none."""
        task = self._tasks.get(member)
        if task is None or (task[0].done() and isinstance(task[0].exception(), FatalError)):
            stop = asyncio.Event()
            worker = self.rig.worker(self.service(), checkpoint_records=3, poll_records_max=2)
            self._tasks[member] = asyncio.create_task(worker.run(stop)), stop

    async def end(self, member: int, *, orderly: bool) -> None:
        """End a life; one that was not asked to writes nothing any more."""
        if (found := self._tasks.pop(member, None)) is not None:
            task, stop = found
            stop.set() if orderly else task.cancel()
            failure = await ended(task)
            assert failure is None or isinstance(failure, FatalError), failure

    def strike(self, after: int) -> None:
        """Whoever takes the n-th step from now on dies of it."""
        left = after

        async def hook(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise FatalError("struck")

        self.rig.journal.hook = hook

    async def rest(self) -> None:
        """Nothing more comes until all that came is written down: the service is idle."""
        self.rig.journal.hook = WorkerRig().journal.hook
        self.start(0)
        tasks = [task for task, _ in self._tasks.values()]
        async with asyncio.timeout(WITHIN_SECONDS):
            while await self.written() != self.wanted():
                await asyncio.sleep(0.001)  # gives the loop away; the condition itself is what is asked
                for member, (task, _) in list(self._tasks.items()):
                    if task.done():
                        await self.end(member, orderly=False)
                        self.start(member)
        assert tasks

    async def messages(self) -> set[tuple[str, str]]:
        """What was said; two messages with one id are the same."""
        found: dict[str, RiskAssessed] = {}
        for event_id, event in await self.rig.said(RiskAssessed):
            assert isinstance(event, RiskAssessed)
            assert found.setdefault(event_id, event) == event
        return {(event.account_id, event.evaluation_id) for event in found.values()}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 5), st.integers(1, 4)),
        st.tuples(st.just("start"), st.integers(0, 1), st.integers(0, 60)),
        st.tuples(st.just("stop"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("kill"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("strike"), st.integers(1, 15), st.just(0)),
        st.tuples(st.just("run"), st.just(0), st.integers(1, 80)),
        st.tuples(st.just("rest"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


async def lived(story: Story, steps: list[tuple[str, int, int]]) -> None:
    """Go through the steps, then come to rest."""
    for name, which, count in steps:
        match name:
            case "say":
                await story.say(ACCOUNTS[which // 2], which % 2, count)
            case "start" | "run":
                if name == "start":
                    story.start(which)
                for _ in range(count):
                    await asyncio.sleep(0)
            case "strike":
                story.strike(which)
            case "rest":
                await story.rest()
            case _:
                await story.end(which, orderly=name == "stop")
    await story.rest()
    for member in (0, 1):
        await story.end(member, orderly=True)


@pytest.mark.parametrize("kind", ["table", "changelog"])
@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_any_interleaving_of_silence_checkpoints_crashes_and_hand_overs_ends_as_if_undisturbed(
    kind: str, steps: list[tuple[str, int, int]]
) -> None:
    async def live() -> None:
        story = Story(kind)
        await lived(story, steps)
        assert await story.written() == story.wanted()
        assert await story.messages() == story.loud()

    patience_s, readers.POLL_SECONDS = readers.POLL_SECONDS, 0.002  # idle at once, so that idle checkpoints abound
    try:
        asyncio.run(live())
    finally:
        readers.POLL_SECONDS = patience_s


@pytest.mark.parametrize("kind", ["table", "changelog"])
async def test_crash_in_the_quiet_after_a_silent_turn_loses_nothing(kind: str) -> None:
    story = Story(kind)
    story.start(0)
    await story.say("alpha", 0, 2)
    await story.say("alpha", 1, 1)
    await story.rest()
    await story.rig.until(lambda: sum(story.rig.bus._groups["risk"].committed.values()) == 3)
    await story.end(0, orderly=False)
    await story.say("alpha", 1, 2)
    await story.say("alpha", 0, 1)
    await story.rest()
    await story.end(0, orderly=True)
    assert await story.messages() == story.loud()
