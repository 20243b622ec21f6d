"""Whatever arrives, fails or dies around a release, the answers are those of a service that nothing was ever parked in.

The desk of these tests answers an evaluation when the next one of its account is there, so it always holds one that is
not answered, and each answer carries a digest of all that came before: a record lost, doubled or overtaken shows.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ports.errors import ContractViolationError, FatalError
from tradewire.ports.events import RiskAssessed, RiskStateSaved, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import is_letter
from tradewire.runtime.dead_letters.releases import read_answer, write_request
from tradewire.runtime.service import Service, on
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.testkit.builders import assessment, evaluation
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig, ended
from tradewire.trading.pending_offsets import PendingOffsets

LETTERS = DEAD_LETTERS["risk"]
KEY = b"alpha"


def chained(digest: str, number: int) -> str:
    """Digest of all up to a number."""
    return hashlib.sha256(f"{digest}/{number}".encode()).hexdigest()


class ChainDesk:
    """Answers one evaluation behind; refuses what is in ``broken``, which several lives may share."""

    def __init__(self, broken: set[int]) -> None:
        self.unanswered, self._broken = PendingOffsets(), broken
        self._said: dict[str, RiskStateSaved] = {}
        self._pending: dict[str, tuple[StrategyEvaluated, Envelope]] = {}
        self._partitions: dict[str, int] = {}
        self._changed: set[str] = set()

    def decide(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """One evaluation. Raises ContractViolationError for a broken one."""
        if event.candle_offset in self._broken:
            raise ContractViolationError("broken", stage="handle")
        account = event.account_id
        pending, said = self._pending.get(account), self._said.get(account)
        newest_us = pending[0].event_time_us if pending else said.event_time_us if said else -1
        if event.event_time_us <= newest_us:
            return
        self.unanswered.take(envelope)
        self._pending[account], self._partitions[account] = (event, envelope), envelope.partition
        if pending is not None:
            answered, cause = pending
            digest = chained(said.state.decode() if said else "", answered.candle_offset)
            self._said[account] = RiskStateSaved(
                account_id=account, event_time_us=answered.event_time_us, state=digest.encode()
            )
            self._changed.add(account)
            self.unanswered.release(cause)
            yield Emit(assessment(answered.candle_offset, account_id=account, evaluation_id=digest), cause)

    def changed(self) -> Iterator[tuple[int, RiskStateSaved]]:
        """States to write."""
        while self._changed:
            account = self._changed.pop()
            yield self._partitions[account], self._said[account]

    def restore(self, partition: int, state: Event) -> None:
        """A state from before."""
        assert isinstance(state, RiskStateSaved)
        self._said[state.account_id], self._partitions[state.account_id] = state, partition

    def forget(self, partition: int) -> None:
        """A partition goes."""
        for account in [a for a, p in self._partitions.items() if p == partition]:
            del self._partitions[account]
            self._said.pop(account, None)
            if (pending := self._pending.pop(account, None)) is not None:
                self.unanswered.release(pending[1])


class Story:
    """Lives of one service around one key, and what it should have answered by now."""

    def __init__(self) -> None:
        self.rig, self.broken, self.number = WorkerRig(), set[int](), 0
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    def service(self) -> Service:
        """A new life."""
        desk = ChainDesk(self.broken)
        store = ChangelogStore(RiskStateSaved, changed=desk.changed, restored=desk.restore, forgotten=desk.forget)
        return Service(
            name="risk",
            inputs=(on(StrategyEvaluated, desk.decide),),
            outputs=(RiskAssessed,),
            store=WatchedStore(store, self.rig.journal),
            held=desk.unanswered.lowest,
            backlog=desk.unanswered.counts,
        )

    async def say(self, count: int = 1) -> None:
        """The next evaluations."""
        numbers = range(self.number, self.number + count)
        await self.rig.say(*(evaluation(number, candle_offset=number) for number in numbers))
        self.number += count

    async def ask(self) -> None:
        """Request the release, if there is any letter."""
        letters = [record for record in await self.rig.read(LETTERS) if is_letter(record)]
        if letters:
            await self.rig.put(write_request(letters[-1]))

    async def start(self) -> None:
        """Begin a life, if there is none."""
        if self._task is None:
            self._stop = asyncio.Event()
            worker = self.rig.worker(self.service(), checkpoint_records=2, poll_records_max=2)
            self._task = asyncio.create_task(worker.run(self._stop))

    async def end(self, *, orderly: bool) -> None:
        """End the life."""
        if self._task is not None:
            self._stop.set() if orderly else self._task.cancel()
            failure = await ended(self._task)
            assert failure is None or isinstance(failure, FatalError), failure
            self._task = None

    async def die_at(self, step: int) -> None:
        """A life that is struck at the n-th thing it does, or comes to rest before."""
        seen = 0

        async def strike(_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                raise FatalError("struck")

        await self.start()
        assert self._task is not None
        self.rig.journal.hook = strike
        with suppress(TimeoutError):
            async with asyncio.timeout(0.7):
                await asyncio.wait({self._task})
        self.rig.journal.hook = WorkerRig().journal.hook
        await self.end(orderly=False)

    async def said(self) -> list[str]:
        """The answers in the order of their bars; two with one id are the same."""
        found: dict[str, RiskAssessed] = {}
        for event_id, event in await self.rig.said(RiskAssessed):
            assert isinstance(event, RiskAssessed)
            assert found.setdefault(event_id, event) == event
        return [event.evaluation_id for event in sorted(found.values(), key=lambda event: event.event_time_us)]

    def wanted(self) -> list[str]:
        """The answers of a service that nothing was ever parked in."""
        digests = [""]
        for number in range(self.number - 1):
            digests.append(chained(digests[-1], number))
        return digests[1:]

    async def comes_right(self) -> None:
        """With the cause mended, and asked as often as may be, all is answered."""
        self.broken.clear()
        await self.say(2)
        await self.start()
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(await self.said()) < self.number - 1:
                await self.ask()
                await asyncio.sleep(0.05)  # between two questions; the condition itself is what is asked
        await self.end(orderly=True)
        assert await self.said() == self.wanted()


async def parked() -> Story:
    """Three answered, one broken, two behind it; then mended and asked for, and two that arrive."""
    story = Story()
    await story.say(3)
    story.broken.add(3)
    await story.say(3)
    await story.start()
    await story.rig.until(lambda: story.rig.count(LETTERS) == 3)
    await story.end(orderly=True)
    story.broken.clear()
    await story.ask()
    await story.say(2)
    return story


@pytest.mark.parametrize("step", range(1, 37))
async def test_crash_at_any_step_of_a_release_loses_and_doubles_nothing(step: int) -> None:
    story = await parked()
    await story.die_at(step)
    await story.comes_right()


async def test_steps_of_a_release_are_outputs_then_state_then_offsets_then_the_answer() -> None:
    story = await parked()
    story.rig.journal.steps.clear()
    answered: list[int] = []

    async def look(step: str) -> None:
        if step == "after publish" and not answered:
            records = await story.rig.read(LETTERS)
            answered.extend(len(story.rig.journal.steps) for record in records if read_answer(record) is not None)

    story.rig.journal.hook = look
    await story.start()
    await story.rig.until(lambda: bool(answered))
    await story.end(orderly=True)
    assert story.rig.journal.steps[: answered[0]][-3:] == ["checkpoint", "commit", "publish"]
    # The desk holds the last letter, whose record is at 5: it is to be read again from there.
    assert story.rig.bus._groups["risk"].committed[story.rig.place("strategy.evaluation.v1", evaluation(0))] >= 5


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 3)),
        st.tuples(st.just("break"), st.integers(0, 2)),
        st.tuples(st.just("mend"), st.just(0)),
        st.tuples(st.just("ask"), st.just(0)),
        st.tuples(st.just("start"), st.integers(1, 200)),
        st.tuples(st.just("stop"), st.just(0)),
        st.tuples(st.just("kill"), st.just(0)),
        st.tuples(st.just("die"), st.integers(1, 20)),
    ),
    max_size=14,
)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_any_interleaving_of_arrivals_releases_and_crashes_ends_as_if_nothing_was_parked(
    steps: list[tuple[str, int]],
) -> None:
    async def live() -> None:
        story = Story()
        for name, count in steps:
            match name:
                case "say":
                    await story.say(count)
                case "break":
                    story.broken.add(story.number + count)
                case "mend":
                    story.broken.clear()
                case "ask":
                    await story.ask()
                case "start":
                    await story.start()
                    for _ in range(count):
                        await asyncio.sleep(0)
                case "die":
                    await story.end(orderly=True)
                    await story.die_at(count)
                case _:
                    await story.end(orderly=name == "stop")
        await story.comes_right()

    asyncio.run(live())
