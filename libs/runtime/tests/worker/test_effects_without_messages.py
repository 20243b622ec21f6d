"""What a service does in silence survives like what it says: any pace, any crash, any hand-over, one result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.errors import FatalError
from tradewire.ports.events import AccountStateChanged, RiskAssessed, RiskStateSaved, StrategyEvaluated
from tradewire.runtime.bus import readers
from tradewire.runtime.service import Service, Store, on
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.testkit.builders import account_state, evaluation
from tradewire.testkit.folding import LOUD_EVERY, Fold, Folding, Tables, TableStore, folded
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig, ended

ACCOUNTS = ("alpha", "main", "zeta")


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
