"""What happens to the members of one group that fold streams: see ``folding``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tradewire.ports.errors import FatalError
from tradewire.ports.events import AccountStateChanged, RiskAssessed, RiskStateSaved, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory_group import GroupMember, MemoryGroup
from tradewire.runtime.codec.headers import header_of
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.service import Service, Store, on
from tradewire.runtime.stores.changelog import ChangelogStore
from tradewire.testkit.builders import account_state, evaluation
from tradewire.testkit.expelling import expel, readmit
from tradewire.testkit.folding import LOUD_EVERY, Fold, Folding, Tables, TableStore, folded
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import WITHIN_SECONDS, Lives, WorkerRig

ACCOUNTS = ("alpha", "main", "zeta")


class Story(Lives):
    """Two members of one group that come, go, die and are taken for dead, and the streams that they fold."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.tables, self._kind = Tables(), kind
        self._expelled: list[tuple[MemoryGroup, GroupMember]] = []
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
            held=desk.pending.lowest,
            backlog=desk.pending.counts,
            renew=self.service,
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
        found: dict[str, tuple[int, str]] = {}
        for record in await self.rig.read(BY_EVENT[RiskStateSaved].name):
            if record.value is not None:
                event, claim = self.rig.codec.decode(record.topic, record.value), int(header_of(record, "claim"))
                assert isinstance(event, RiskStateSaved)
                if claim >= found.get(event.account_id, (0, ""))[0]:
                    found[event.account_id] = claim, event.state.decode()
        return {account: row for account, (_, row) in found.items()}

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
            self._tasks[member] = asyncio.create_task(run_in_turn([worker], 0, stop)), stop

    def expel(self, which: int) -> None:
        """A member's partitions go to the others, and it does not know."""
        group = self.rig.bus._groups.get("risk")
        if group is not None and (member := expel(group, which)) is not None:
            self._expelled.append((group, member))

    async def readmit(self) -> None:
        """Those who were taken for dead learn of it."""
        expelled, self._expelled = self._expelled, []
        for group, member in expelled:
            await readmit(group, member)

    def freeze(self, after: int, *, when: str = "after") -> tuple[asyncio.Event, asyncio.Event]:
        """Whoever comes to the n-th step from now on stops before or after it, and is taken for dead.

        Returns: that it stopped; that it may go on. Nobody stops while the group gives out its partitions.
        """
        left, stopped, thawed = after, asyncio.Event(), asyncio.Event()

        async def hook(step: str) -> None:
            nonlocal left
            left -= step.startswith(when) and not step.endswith("claim")
            if left == 0 and not stopped.is_set():
                self.expel(0)
                stopped.set()
                await thawed.wait()

        self.rig.journal.hook = hook
        return stopped, thawed

    def failed(self, member: int) -> bool:
        """Did a life end by itself?"""
        return self._tasks[member][0].done()

    async def rows(self, account: str) -> list[int]:
        """Turns in each row that was ever written to the changelog, in order."""
        found = [event for _, event in await self.rig.said(RiskStateSaved)]
        return [int(e.state.split()[0]) for e in found if isinstance(e, RiskStateSaved) and e.account_id == account]

    async def rest(self) -> None:
        """Nothing more comes until all that came is written down and told: the service is idle."""
        await self.readmit()
        self.rig.journal.hook = WorkerRig().journal.hook
        self.start(0)
        tasks = [task for task, _ in self._tasks.values()]
        async with asyncio.timeout(WITHIN_SECONDS):
            while await self.written() != self.wanted() or self.tables.outbox:
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
