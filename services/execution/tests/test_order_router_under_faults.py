"""Whatever is lost, late, doubled or dead: at most one order per intent, none lost, and the ledger has it right."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tradewire.execution.adapters.memory_ledger import LedgerTables, MemoryLedger
from tradewire.ports.broker import BrokerPort
from tradewire.ports.events import OrderIntent, OrderLeg, OrderStatus, OrderType, Side
from tradewire.testkit.broker_suite import intent, market
from tradewire.testkit.faulty_venue import ALL_FAULTS, Faults
from tradewire.testkit.matching_engine import REFUSED_QTY
from tradewire.testkit.order_checker import findings
from tradewire.testkit.router_rig import ACCOUNT, SYMBOL, RouterRig

LONG_RUN_ORDERS = 2_000


def rig(*, seed: int = 1, faults: Faults | None = None) -> tuple[RouterRig, LedgerTables]:
    """A rig over a ledger in memory."""
    tables = LedgerTables()
    return RouterRig(lambda: MemoryLedger(tables), seed=seed, faults=faults), tables


def check(run: RouterRig, tables: LedgerTables) -> None:
    """The ledger and the bus against the venue's truth."""
    orders = {client_id: event for (account, client_id), event in tables.orders.items() if account == ACCOUNT}
    assert findings(run.approved, run.venue, orders, list(tables.fills.values())) == []
    said = set(run.published.values())
    written = [*tables.transitions.values(), *tables.fills.values()]
    assert [event for event in written if event.model_dump_json().encode() not in said] == []


def an_intent(number: int, dice: random.Random) -> OrderIntent:
    """Any order: at the market or resting, an entry or a guard, now and then one that the venue refuses."""
    kind = dice.choice((market, intent))
    return kind(
        f"o-{number}",
        qty=REFUSED_QTY if dice.random() < 0.05 else Decimal(dice.randint(1, 9)),
        side=dice.choice(list(Side)),
        reduce_only=dice.random() < 0.4,
        leg=OrderLeg.STOP_LOSS,
    )


async def story(run: RouterRig) -> None:
    """Three orders, a cancel of one, some trading, a liquidation."""
    await run.start()
    await run.until_ready()
    await run.place([market("o-1"), intent("o-2"), intent("o-3", reduce_only=True)])
    run.venue.trade()
    await run.step()
    await run.place([], cancels=["o-2"])
    run.venue.make_own_order("autoclose-1", SYMBOL, Side.SELL, Decimal("0.2"))
    await run.step()
    run.venue.finish()


async def test_story_when_nothing_goes_wrong_then_ledger_equals_venue() -> None:
    run, tables = rig()
    await story(run)
    await run.settle()
    check(run, tables)
    statuses = {client_id: event.status for (_, client_id), event in tables.orders.items()}
    assert statuses == {
        "o-1": OrderStatus.FILLED,
        "o-2": statuses["o-2"],
        "o-3": OrderStatus.FILLED,
        "autoclose-1": OrderStatus.FILLED,
    }


@pytest.mark.parametrize("seed", range(2))
async def test_story_when_process_dies_at_any_await_then_none_lost_and_none_doubled(seed: int) -> None:
    run, _ = rig(seed=seed)
    await story(run)
    await run.settle()
    moments = run.fuse.count
    assert moments > 60
    for moment in range(1, moments + 1):
        run, tables = rig(seed=seed)
        run.fuse.at = moment
        try:
            await story(run)
        except BaseException as error:
            if type(error).__name__ != "CrashError":
                raise
            await run.rebuild()
            await run.until_ready()
        await run.settle()
        check(run, tables)


async def test_long_run_when_everything_goes_wrong_then_none_lost_and_none_doubled() -> None:
    run, tables = rig(seed=7, faults=ALL_FAULTS)
    dice = random.Random(7)
    await run.start()
    placed = crashes = 0
    while placed < LONG_RUN_ORDERS:
        many = [an_intent(placed + i, dice) for i in range(dice.randint(0, 6))]
        placed += len(many)
        cancels = [f"o-{dice.randrange(placed)}" for _ in range(dice.randint(0, 3)) if placed]
        if dice.random() < 0.3:
            run.fuse.at = run.fuse.count + dice.randint(1, 40)
            crashes += 1
        run.bus_down = dice.random() < 0.1
        if dice.random() < 0.05:
            run.venue.die()
            await run.step(seconds=dice.uniform(0, 20))
            run.venue.down = False
        await run.place(many, cancels)
        run.venue.trade()
        for _ in range(dice.randint(0, 3)):
            await run.step(seconds=dice.uniform(0, 3))
        if dice.random() < 0.02:
            run.venue.make_own_order(f"autoclose-{placed}", SYMBOL, dice.choice(list(Side)), Decimal(1))
    await run.settle()
    run.venue.finish()
    await run.settle()
    check(run, tables)
    assert crashes > 100


class RouterMachine(RuleBasedStateMachine):
    """Any interleaving of orders, cancels, trading, time, faults, deaths and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.run_, self.tables = rig(seed=3)
        self.loop.run_until_complete(self.run_.start())
        self.count = 0

    @rule(
        order_type=st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
        reduce_only=st.booleans(),
        many=st.integers(1, 3),
    )
    def place(self, order_type: OrderType, reduce_only: bool, many: int) -> None:
        """Risk approves orders."""
        intents = []
        for _ in range(many):
            self.count += 1
            make = market if order_type is OrderType.MARKET else intent
            intents.append(make(f"o-{self.count}", reduce_only=reduce_only))
        self.run_.venue.down = False
        self.loop.run_until_complete(self.run_.place(intents))

    @precondition(lambda self: self.count)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Risk withdraws one, open or not."""
        self.run_.venue.down = False
        number = data.draw(st.integers(1, self.count))
        self.loop.run_until_complete(self.run_.place([], [f"o-{number}"]))

    @rule(broken=st.booleans())
    def break_or_mend(self, broken: bool) -> None:
        """The network."""
        self.run_.venue.faults = ALL_FAULTS if broken else Faults()

    @rule()
    def venue_dies(self) -> None:
        """Until the next order."""
        self.run_.venue.die()

    @rule(moments=st.integers(1, 30))
    def process_will_die(self, moments: int) -> None:
        """Some awaits from now."""
        self.run_.fuse.at = self.run_.fuse.count + moments

    @rule(seconds=st.sampled_from([0.01, 1, 20]))
    def time_passes(self, seconds: float) -> None:
        """And what is due is done."""
        self.loop.run_until_complete(self.run_.step(seconds=seconds))

    @rule()
    def trade(self) -> None:
        """Orders fill, or not."""
        self.run_.venue.trade()

    def teardown(self) -> None:
        """All is quiet."""
        self.loop.run_until_complete(self.run_.settle())
        self.loop.close()
        check(self.run_, self.tables)


RouterMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRouterMachine = RouterMachine.TestCase


async def test_checker_when_an_order_is_sent_blindly_again_then_it_says_so() -> None:
    run, tables = rig()
    await run.start()
    await run.until_ready()
    await run.place([market("o-1")])
    run.venue.finish()
    await run.venue.submit(SYMBOL, market("o-1"))
    await run.settle()
    with pytest.raises(AssertionError, match="2 orders at the venue"):
        check(run, tables)


async def test_checker_when_a_fill_is_missing_or_an_order_forgotten_then_it_says_so() -> None:
    run, tables = rig()
    await story(run)
    await run.settle()
    port: BrokerPort = run.venue
    assert (await port.fills_since("")).fills
    tables.fills.popitem()
    with pytest.raises(AssertionError, match="is not in the ledger"):
        check(run, tables)
    run.approved.append(intent("o-99"))
    with pytest.raises(AssertionError, match="o-99: not in the ledger"):
        check(run, tables)
