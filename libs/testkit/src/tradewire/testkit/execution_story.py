"""The life of an execution service that ends and begins again, on a market and on risk's answers made by chance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.execution.settings import Settings
from tradewire.execution.wiring import SimulatedBrokers, on_ledger
from tradewire.ports.errors import FatalError
from tradewire.ports.events import AccountStateChanged, CandleClosed, OrderFilled, RiskAssessed, Side
from tradewire.ports.message import Event
from tradewire.runtime.bus import readers
from tradewire.runtime.service import Service
from tradewire.testkit.builders import BTC, HOUR_US, assessment, candle, instrument, intent
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.watched import WatchedStore
from tradewire.testkit.worker_rig import WITHIN_SECONDS, Lives, WorkerRig
from tradewire.trading.fingerprint import Fingerprint

SOL = "SOLUSDT"
MARKETS = {"alpha": (BTC,), "main": (SOL,), "gamma": (BTC, SOL)}
PAPER = Settings(bus_url="memory:")


def strategies() -> list[Event]:
    """One for each account."""
    texts = {f"trend-{account}": document(f"trend-{account}", account, *on) for account, on in MARKETS.items()}
    return [status(active(text), strategy_id=strategy_id) for strategy_id, text in texts.items()]


def walks(rng: random.Random, bars: int) -> dict[str, list[CandleClosed]]:
    """A market for each symbol, by its stream."""
    found = {}
    for symbol in (BTC, SOL):
        price = 100
        found[symbol] = [
            candle(number, price := max(50, price + rng.randrange(-5, 6)), symbol) for number in range(bars)
        ]
    return found


def answers(rng: random.Random, bars: int) -> dict[str, list[RiskAssessed]]:
    """Risk's answers by account: now and then an order, for the most part none."""
    found: dict[str, list[RiskAssessed]] = {account: [] for account in MARKETS}
    for account, on in MARKETS.items():
        for number in range(bars):
            for index, symbol in enumerate(on):
                side = rng.choice(list(Side))
                orders = [intent(f"{account}-{symbol}-{number}", side)] if rng.random() < 0.2 else []
                step = {"step_index": index, "step_size": len(on), "symbol": symbol}
                strategy = {"account_id": account, "strategy_id": f"trend-{account}"}
                found[account].append(assessment(number, *orders, **strategy, **step))
    return found


def feeds_of(rng: random.Random, bars: int) -> dict[str, list[Event]]:
    """All that is said, by who says it in what order: symbols, accounts, and the strategy of each account."""
    named = zip(MARKETS, strategies(), strict=True)
    return {**walks(rng, bars), **answers(rng, bars), **{f"status {account}": [event] for account, event in named}}  # type: ignore[dict-item]


def waiting(left: Mapping[str, Sequence[Event]]) -> list[str]:
    """Who may speak next: risk answers for a strategy once it was told of it, so its status is published before."""
    return [name for name, feed in left.items() if feed and not left.get(f"status {name}")]


class ExecutionStory(Lives):
    """Members of the service on one bus, one ledger and, where ``settings`` want it, one broker for each account."""

    def __init__(self, bars: int, settings: Settings = PAPER) -> None:
        super().__init__()
        self.tables, self._bars = LedgerTables(), bars
        self._settings, self._brokers = settings, SimulatedBrokers(settings)

    def service(self) -> Service:
        """A new life."""
        service = on_ledger(self._settings, MemoryLedger(self.tables), self._brokers)
        return replace(service, store=WatchedStore(service.store, self.rig.journal))

    async def begin(self) -> None:
        """What is known before the first bar."""
        await self.rig.say(instrument(BTC), instrument(SOL))

    def start(self, member: int) -> None:
        """Begin a life, if there is none."""
        task = self._tasks.get(member)
        if task is None or (task[0].done() and (task[0].cancelled() or isinstance(task[0].exception(), FatalError))):
            stop = asyncio.Event()
            worker = self.rig.worker(self.service(), checkpoint_records=4, poll_records_max=3)
            self._tasks[member] = asyncio.create_task(worker.run(stop)), stop

    @property
    def checkpoints(self) -> int:
        """Checkpoints so far."""
        return self.rig.journal.steps.count("checkpoint")

    async def checkpoint(self, after: int) -> None:
        """Until there were more checkpoints than ``after``."""
        await self._until(lambda: self.checkpoints > after)

    async def _until(self, holds: object) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds():  # type: ignore[operator]
                await asyncio.sleep(0.001)  # gives the loop away; the condition itself is what is asked
                for member, (task, _) in list(self._tasks.items()):
                    if task.done():
                        await self.end(member, orderly=False)
                self.start(0)

    def done(self) -> bool:
        """Has every bar happened, was every answer placed and every message published?"""
        rows = self.tables.accounts.values()
        if not all(item.published for item in self.tables.outbox):
            return False
        return len(rows) == len(MARKETS) and all(
            row.event_time_us == self._bars * HOUR_US and b'"awaits_us":null' in row.state for row in rows
        )

    async def come_to_an_end(self) -> str:
        """All of it, undisturbed from here on; returns the fingerprint."""
        self.rig.journal.hook = WorkerRig().journal.hook
        await self._until(self.done)
        for member in list(self._tasks):
            await self.end(member, orderly=True)
        prints = Fingerprint()
        for kind in (OrderFilled, AccountStateChanged):
            for _, event in await self.rig.said(kind):
                assert isinstance(event, OrderFilled | AccountStateChanged)
                prints.add(event)
        assert prints.conflicts == []
        return prints.hexdigest()


@contextmanager
def idle_at_once() -> Iterator[None]:
    """Polls end soon, so that idle checkpoints abound."""
    patience_s, readers.POLL_SECONDS = readers.POLL_SECONDS, 0.002
    try:
        yield
    finally:
        readers.POLL_SECONDS = patience_s
