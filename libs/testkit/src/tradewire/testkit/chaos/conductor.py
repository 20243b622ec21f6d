"""Lets the bars of a drill come at their pace, publishes versions and strikes at the bars that the plan names."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import httpx

from tradewire.app.operating.operator import Operator
from tradewire.app.operating.platform import Platform
from tradewire.ports.bus import Place
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import InstanceReported
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.testkit.chaos.market import PacedMarket
from tradewire.testkit.chaos.plan import SEVERAL, ChaosPlan, Fault, Moment
from tradewire.testkit.chaos.scenario import Publication
from tradewire.testkit.chaos.striker import Striker

ANSWER_SECONDS = 300.0
QUIET_SECONDS = 1.0
"""So long nothing may be written or committed: longer than an idle service takes to its checkpoint."""
LOOK_SECONDS = 0.2
RETRY_SECONDS = 0.5
QUIETENED = tuple(topic for topic in TOPICS if topic != BY_EVENT[InstanceReported].name)
"""Topics that are quiet between two bars: instances report themselves whatever they do, and six of them leave no second
without a report."""

Progress = Callable[[int], None]


async def publish(operator: Operator, publication: Publication) -> None:
    """Publish a version and wait for the platform's answer; what a broker that is away swallowed is published again.

    Raises NoAnswerError.
    """
    config = publication.config
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            with suppress(RetryableError):
                await operator.say(config)
                await operator.answers({config.strategy_id: config.version}, ANSWER_SECONDS)
                return
            await asyncio.sleep(RETRY_SECONDS)


async def undisturbed(market: PacedMarket, publications: Sequence[Publication], operator: Operator) -> None:
    """All bars at full speed, but for the stops at which versions are published."""
    for publication in publications:
        market.let(publication.after_bars)
        await publish(operator, publication)
    market.let(market.total)


class Conductor:
    """A run with a pace: bars per second, or 0: each bar only when all is quiet behind the one before."""

    def __init__(
        self,
        market: PacedMarket,
        publications: Sequence[Publication],
        plan: ChaosPlan,
        striker: Striker,
        *,
        running: Platform,
        bars_per_second: float,
        clock: ClockPort,
    ) -> None:
        self._market, self._striker, self._running, self._clock = market, striker, running, clock
        self._bars_per_second = bars_per_second
        self._publications: dict[int, list[Publication]] = defaultdict(list)
        for publication in publications:
            self._publications[publication.after_bars].append(publication)
        self._faults: dict[tuple[int, Moment], list[Fault]] = defaultdict(list)
        for fault in plan.faults:
            self._faults[fault.after_bars, fault.moment].append(fault)

    async def run(self, progress: Progress) -> None:
        """Let every bar come. Raises NoAnswerError when nobody answers a version."""
        wait = self._quiet if self._bars_per_second == 0 else self._paced
        for bar in range(1, self._market.total + 1):
            await wait()
            if self._strike(bar - 1, Moment.QUIET):
                await wait()
            self._market.let(bar)
            progress(bar)
            self._strike(bar, Moment.BUSY)
            for publication in self._publications[bar]:
                await publish(self._running.operator, publication)
        await self._striker.settle()

    def _strike(self, bar: int, moment: Moment) -> bool:
        faults = self._faults[bar, moment]
        for fault in faults:
            self._striker.strike(fault)
        return bool(faults)

    async def _paced(self) -> None:
        await asyncio.sleep(1 / self._bars_per_second)  # the pace itself

    async def _quiet(self) -> None:
        """Until every instance that can answer does its work, and nothing was written or committed for a while."""
        since_s, known = self._clock.monotonic_s(), None
        async with httpx.AsyncClient() as client:
            while self._clock.monotonic_s() - since_s < QUIET_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
                with suppress(RetryableError):
                    now = (await self._offsets(), await self._ready(client))
                    if now == known and now[1]:
                        continue
                    known = now
                since_s = self._clock.monotonic_s()

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        striker = self._striker
        expected = [s for n, s in self._running.services.items() if not (striker.away[n] or striker.frozen[n])]
        reports = await asyncio.gather(*(service.health(client) for service in expected))
        return all(report is not None and _at_work(report) for report in reports)

    async def _offsets(self) -> dict[Place, object]:
        """Ends of the topics, and what each group has committed. Raises RetryableError."""
        bus = self._running.bus
        places = [Place(topic, p) for topic in QUIETENED for p in range(await bus.partitions(topic))]
        found: dict[Place, object] = dict(await bus.end_offsets(places))
        for group in SEVERAL:
            mine = [place for place in places if group in TOPICS[place.topic].consumers]
            committed = await bus.committed(group, mine)
            found |= {Place(f"{group} {place.topic}", place.partition): offset for place, offset in committed.items()}
        return found


def _at_work(health: Mapping[str, Any]) -> bool:
    """Ready but for the drill's own kills: after a few of them an instance asks for a minute's life to be trusted."""
    services = cast(Mapping[str, Mapping[str, Any]], health["services"])
    return all(
        service["phase"] == "running" and {wait["reason"] for wait in service["unready"]} <= {"crash_loop"}
        for service in services.values()
    )


async def unpaced(
    market: PacedMarket,
    publications: Sequence[Publication],
    plan: ChaosPlan,
    striker: Striker,
    *,
    operator: Operator,
    until_bars: Callable[[int], Awaitable[None]],
) -> None:
    """All bars at full speed; faults come when so many bars have happened to an account."""

    async def strike() -> None:
        for fault in plan.faults:
            await until_bars(fault.after_bars)
            striker.strike(fault)

    striking = asyncio.create_task(strike())
    try:
        await undisturbed(market, publications, operator)
        await striking
        await striker.settle()
    finally:
        striking.cancel()
        await asyncio.gather(striking, return_exceptions=True)
