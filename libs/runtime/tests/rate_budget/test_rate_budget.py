"""The budget: no span of an interval holds more than the limit, and each lane stops at its own ceiling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.errors import RetryableError
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.rate_budget.budget import ALONE, CEILING_PERCENT, Charge, Lane, RateBudget, SpentPort, Taken
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.runtime.rate_budget.postgres_spent import PostgresSpent
from tradewire.runtime.stores.postgres import PostgresSettings
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from tradewire.testkit.postgres import PostgresServer

pytest_plugins = ["tradewire.testkit.postgres"]
LIMIT = 2400
PATIENT = PostgresSettings(connect_s=60.0, command_s=60.0)


def charge(amount: int, interval_s: float = 60.0) -> Charge:
    return Charge("weight", amount, LIMIT, interval_s)


async def refuse(seconds: float) -> None:
    """Whoever would have to wait says so."""
    raise TimeoutError(f"would wait {seconds} s")


@pytest.fixture(params=["memory", "postgres"])
async def spent(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], SpentPort]]:
    """Makes what processes share: another connection to the same server each time."""
    memory, made = MemorySpent(SystemClock()), list[SpentPort]()
    dsn = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        dsn = server.new_database()

    def make() -> SpentPort:
        made.append(PostgresSpent(dsn, settings=PATIENT) if dsn else memory)
        return made[-1]

    yield make
    for one in made:
        await one.close()


def budget_of(shared: SpentPort, sleep: Callable[[float], Awaitable[None]] = refuse) -> RateBudget:
    return RateBudget("venue", shared, MemorySpent(SystemClock()), sleep=sleep)


async def passed(budget: RateBudget, lane: Lane, amount: int) -> int:
    """How much of a lane leaves without waiting."""
    total = 0
    while True:
        try:
            await budget.take(lane, [charge(amount)])
        except TimeoutError:
            return total
        total += amount


async def test_each_lane_stops_at_its_ceiling_and_the_more_urgent_go_on(spent: Callable[[], SpentPort]) -> None:
    budgets = [budget_of(spent()) for _ in range(4)]
    total = 0
    for budget, lane in zip(budgets, reversed(Lane), strict=True):
        total += await passed(budget, lane, 40)
        most = LIMIT * CEILING_PERCENT[lane] // 100
        assert most - 40 < total <= most
    delays = {figure.labels: figure.value for figure in budgets[0].figures() if "delays" in figure.metric.name}
    assert delays == {("cancel",): 0, ("reduce",): 0, ("open",): 0, ("data",): 0}  # it never came through


async def test_many_at_once_take_no_more_than_one_would(spent: Callable[[], SpentPort]) -> None:
    budgets = [budget_of(spent()) for _ in range(5)]
    taken = await asyncio.gather(*(passed(budget, Lane.DATA, 7) for budget in budgets for _ in range(4)))
    assert sum(taken) == LIMIT * 60 // 100 // 7 * 7


async def test_what_others_use_of_the_address_counts(spent: Callable[[], SpentPort]) -> None:
    one, other = budget_of(spent()), budget_of(spent())
    await one.take(Lane.DATA, [charge(100)])
    await one.told(charge(0), 1400)
    assert await passed(other, Lane.DATA, 20) == 40
    await one.told(charge(0), 10)  # less than is known: says nothing
    assert await passed(other, Lane.DATA, 20) == 0


async def test_where_the_venue_stops_the_address_nobody_goes_on(spent: Callable[[], SpentPort]) -> None:
    one, other = budget_of(spent()), budget_of(spent())
    await one.take(Lane.DATA, [charge(1)])
    await one.stop(charge(0), 60.0)
    for lane in Lane:
        with pytest.raises(TimeoutError, match=r"would wait (5\d|60)"):
            await other.take(lane, [charge(1)])


async def test_a_lane_waits_until_the_window_has_room(spent: Callable[[], SpentPort]) -> None:
    budget = budget_of(spent(), asyncio.sleep)
    for _ in range(10):
        await budget.take(Lane.DATA, [charge(180, interval_s=0.5)])
    delays = {figure.labels: figure.value for figure in budget.figures() if "delays" in figure.metric.name}
    assert delays["data",] >= 1
    assert delays["cancel",] == 0


class Away(SpentPort):
    """A store that does not answer."""

    async def take(self, key: str, charge: Charge, most: int) -> Taken:
        raise RetryableError("no connection")

    async def told(self, key: str, charge: Charge, used: int) -> None:
        raise RetryableError("no connection")

    async def stop(self, key: str, seconds: float) -> None:
        raise RetryableError("no connection")

    async def close(self) -> None:
        """Nothing is open."""


async def test_while_the_store_is_away_a_process_keeps_to_a_part() -> None:
    budget = budget_of(Away())
    assert await passed(budget, Lane.DATA, 10) == LIMIT * 60 // 100 // ALONE // 10 * 10
    await budget.take(Lane.CANCEL, [charge(10)])


@given(asked=st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 150), st.floats(0, 20)), max_size=80))
async def test_no_minute_of_the_venue_holds_more_than_the_limit(asked: list[tuple[Lane, int, float]]) -> None:
    clock = ManualClock(0)
    sent: list[tuple[float, int]] = []

    async def sleep(seconds: float) -> None:
        clock.advance(seconds=seconds)

    budget = RateBudget("venue", MemorySpent(clock), Away(), sleep=sleep)
    for lane, amount, pause_s in asked:
        clock.advance(seconds=pause_s)
        await budget.take(lane, [charge(amount)])
        sent.append((clock.monotonic_s(), amount))
    for start_s, _ in sent:
        assert sum(amount for at_s, amount in sent if start_s <= at_s < start_s + 60) <= LIMIT
