"""A record that asks for an order under the id of another one is a dead letter: the service goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.execution.wiring import on_ledger
from tradewire.ports.events import OrderChanged, OrderStatus, RiskAssessed, Side
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.dead_letters.letters import number, origin
from tradewire.runtime.dead_letters.releases import write_request
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.testkit.builders import BTC, HOUR_US, assessment, candle, instrument, intent
from tradewire.testkit.execution_story import PAPER
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig

ASSESSMENTS, LETTERS = BY_EVENT[RiskAssessed].name, "dlq.execution.v1"


class Rig(WorkerRig):
    """A rig with the execution service, its ledger, and one strategy on one account."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = LedgerTables()

    @asynccontextmanager
    async def at_work(self, *known: Event) -> AsyncIterator[None]:
        """The service, which begins anew as a process does. Raises what would end the process."""
        await self.say(instrument(BTC), status(active(document("trend", "alpha", BTC))), *known)
        stop = asyncio.Event()
        workers = [self.worker(on_ledger(PAPER, MemoryLedger(self.tables)), checkpoint_records=1)]
        self.task = asyncio.create_task(run_in_turn(workers, 0, stop))
        try:
            yield
        finally:
            stop.set()
            await self.task

    async def happened(self, bars: int) -> None:
        """Wait until so many bars happened to the account."""
        rows = self.tables.accounts
        await self.until(lambda: "alpha" in rows and rows["alpha"].event_time_us == bars * HOUR_US, self.task)

    async def letters(self) -> list[tuple[str, int]]:
        """Topic and offset of the records that have a dead letter, once there is one."""
        await self.until(lambda: self.count(LETTERS) > 0, self.task)
        letters = await self.read(LETTERS)
        return [(topic, number(r, "dlq.offset")) for r in letters for topic, _ in [origin(r) or ("", b"")]]

    async def give_up(self) -> None:
        """Let the account go on without the letter."""
        (letter,) = await self.read(LETTERS)
        await self.put(write_request(letter, {letter.offset}))

    async def orders(self) -> list[tuple[str, OrderStatus, str]]:
        """What became of orders: id, status and side."""
        said = dict(await self.said(OrderChanged)).values()
        return [(e.client_order_id, e.status, e.side.value) for e in said if isinstance(e, OrderChanged)]


@pytest.mark.parametrize(
    "second",
    [
        assessment(0, intent("mine", Side.SELL), evaluation_id="forged", strategy_id="nobody"),
        assessment(0, intent("mine", qty=7), evaluation_id="forged", strategy_id="nobody"),
        assessment(0, intent("mine"), evaluation_id="forged", step_size=0),
    ],
    ids=["side", "qty", "outside the steps"],
)
async def test_order_when_denied_under_the_id_of_another_then_its_assessment_is_a_dead_letter(
    second: RiskAssessed,
) -> None:
    rig = Rig()
    denied = assessment(0, intent("mine"), evaluation_id="late", strategy_id="nobody")
    async with rig.at_work():
        await rig.say(*(candle(n) for n in range(3)), *(assessment(n) for n in range(2)))
        await rig.happened(3)
        await rig.say(denied)
        await rig.until(lambda: rig.bus_committed(ASSESSMENTS, "execution") == 3, rig.task)
        await rig.say(second)
        assert await rig.letters() == [(ASSESSMENTS, 3)]
        await rig.give_up()
        await rig.say(candle(3), assessment(2))
        await rig.happened(4)
    assert await rig.orders() == [("mine", OrderStatus.DENIED, "BUY")]


async def test_order_when_placed_at_a_bar_under_the_id_of_another_then_no_bar_is_lost() -> None:
    rig = Rig()
    async with rig.at_work():
        await rig.say(candle(0), candle(1), assessment(0))
        await rig.happened(2)
        await rig.say(assessment(0, intent("mine"), evaluation_id="late", strategy_id="nobody"))
        await rig.until(lambda: rig.bus_committed(ASSESSMENTS, "execution") == 2, rig.task)
        await rig.say(assessment(2, intent("mine", Side.SELL)), assessment(1), candle(2), candle(3))
        assert await rig.letters() == [(ASSESSMENTS, 2)]
        await rig.give_up()
        await rig.happened(3)
        await rig.say(assessment(2), candle(4))
        await rig.happened(4)
    assert await rig.orders() == [("mine", OrderStatus.DENIED, "BUY")]
