"""The platform on real servers, its market data and its orders at a simulated Binance, while processes are killed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.venue_audit import INTERVAL, SYMBOL, findings

from tradewire.app.operating.platform import Platform, RunOptions, begin, platform
from tradewire.app.operating.scenario import Scenario
from tradewire.ports.events import CandleClosed
from tradewire.runtime.clock import SystemClock
from tradewire.testkit.binance_venue import LEVERAGE
from tradewire.testkit.checker import read_ledger, read_topics
from tradewire.venue.faults import FaultPlan, ScriptedFault, parse_faults
from tradewire.venue.loading import load_markets
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import Venue, VenueOptions

PROJECT = Path(__file__).parents[2]
LENGTH_US = 300_000_000
SPEED, BEHIND_H = 240, 200
"""A bar takes 1.25 s; the venue's time begins so early that it does not reach the machine's."""
KILLED = ("execution", "ingest")
PATIENCE_S = 180.0
"""A run in which what is waited for has not come for so long has stopped for good."""
LOOK_S = 0.05

FAULTS = """
faults:
  - {kind: reply_lost, probability: 0.1, call: POST /fapi/v1/order}
  - {kind: reply_lost, probability: 0.1, call: POST /fapi/v1/algoOrder}
  - {kind: reply_lost, probability: 0.1, call: DELETE /fapi/v1/algoOrder}
  - {kind: reply_late, probability: 0.05, seconds: 0.5, call: POST /fapi/v1/order}
  - {kind: unavailable, probability: 0.1, call: POST /fapi/v1/order}
  - {kind: unavailable, probability: 0.1, call: POST /fapi/v1/algoOrder}
  - {kind: timed_out, probability: 0.1, call: POST /fapi/v1/order}
  - {kind: timed_out, probability: 0.1, call: DELETE /fapi/v1/algoOrder}
  - {kind: unavailable, probability: 0.02, call: GET /fapi/v1/userTrades}
  - {kind: reply_lost, probability: 0.02, call: GET /fapi/v1/openOrders}
  - {kind: unavailable, probability: 0.05, call: GET /fapi/v1/klines}
  - {kind: reply_lost, probability: 0.05, call: GET /fapi/v1/klines}
  - {kind: unavailable, probability: 0.05, call: GET /fapi/v1/markPriceKlines}
  - {kind: event_lost, probability: 0.15}
  - {kind: event_twice, probability: 0.15}
  - {kind: event_late, probability: 0.15}
  - {kind: expired_in_match, probability: 0.03}
"""
EVERY_S = (
    ("silent", 7_000, 600),
    ("halt", 11_000, 900),
    ("clock", 13_000, 300),
    ("liquidation", 17_000, 0),
    ("adl", 23_000, 0),
)
"""Faults that come again and again: kind, how often and for how long, s of the venue's time."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill came to. ``reconciled_s``: from each start of execution until it knew all that was unfinished, and
    ``loaded_s`` until its process had loaded and answered.
    """

    kills: Counter[str]
    findings: list[str]
    orders: int
    fills: int
    candles: int
    reconciled_s: list[float] = field(default_factory=list)
    loaded_s: list[float] = field(default_factory=list)


def fault_plan(seed: int, kills: int) -> FaultPlan:
    """All kinds of faults, those with a time repeated over the length of the run."""
    plan, last_s = parse_faults(FAULTS, "FAULTS", seed=seed), 3_600 + kills * SPEED * 8
    for kind, every_s, seconds in EVERY_S:
        for at_s in range(every_s, last_s, every_s):
            plan.faults += (ScriptedFault(kind=kind, symbol=SYMBOL, at_s=at_s, seconds=seconds, ahead_ms=700),)
    return plan


@asynccontextmanager
async def venue(seed: int, kills: int, *, faulty: bool) -> AsyncIterator[VenueServer]:
    """A venue whose time runs ``SPEED`` times as fast."""
    clock = SystemClock()
    folder = PROJECT / "data/sample"
    markets = load_markets(folder, now_us=clock.now_us() - BEHIND_H * 3_600_000_000, history=500)
    plan = fault_plan(seed, kills) if faulty else FaultPlan()
    options = VenueOptions(Decimal(100_000), SPEED, seed, faults=plan, behind_s=BEHIND_H * 3600)
    server = VenueServer(Venue([item for item in markets if item[0].symbol == SYMBOL], clock, options))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def settings(server: VenueServer, keys: Path) -> dict[str, str]:
    """Of ingest and execution, to trade there."""
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "main.key").write_text(server.venue.keys.api_key)
    (keys / "main.secret").write_text(server.venue.keys.secret)
    return {
        "TRADEWIRE_MARKET_SOURCE": "binance",
        "TRADEWIRE_INSTRUMENTS_FILE": str(PROJECT / "data/sample/instruments.yaml"),
        "TRADEWIRE_BINANCE_SYMBOLS": f'["{SYMBOL}"]',
        "TRADEWIRE_BINANCE_INTERVAL": INTERVAL,
        "TRADEWIRE_BINANCE_REST_URL": server.rest,
        "TRADEWIRE_BINANCE_WS_URL": server.ws,
        "TRADEWIRE_BINANCE_LATE_SECONDS": "60",
        "TRADEWIRE_BINANCE_SILENT_SECONDS": "3",
        "TRADEWIRE_VENUE": "binance",
        "TRADEWIRE_BINANCE_LEVERAGE": str(LEVERAGE),
        "TRADEWIRE_BINANCE_KEYS": str(keys),
        "TRADEWIRE_BINANCE_SHOWN_SECONDS": "1",
    }


async def drill(root: Path, strategies: tuple[Path, ...], *, kills: int, seed: int) -> Drilled:
    """Kill processes at drawn moments, let the platform come to rest, and hold its records against the venue."""
    dice = random.Random(seed)
    async with venue(seed, kills, faulty=True) as server:
        scenario = Scenario("venue", PROJECT / "data/sample", ("coinbase-BTCUSD-1h.csv",), strategies)
        options = RunOptions(
            root=root / "run", registry=False, telemetry=False, environment=settings(server, root / "keys")
        )
        async with platform(scenario, options) as running:
            await begin(running, scenario)
            run = VenueChaos(running, server)
            await run.until_bars(3)
            for number in range(kills):
                await asyncio.sleep(dice.uniform(0.0, 4.0))  # the drawn moment of a kill
                await run.kill(dice.choices(KILLED, (2, 1))[0], down_s=dice.uniform(0.0, 1.0))
                if number % 10 == 9:
                    print(f"{number + 1} kills, {len(server.venue.account.fills)} fills", flush=True)
            return await run.come_to_rest()


class VenueChaos:
    """A running platform, and the venue that it trades at."""

    def __init__(self, running: Platform, server: VenueServer) -> None:
        self._running, self._server = running, server
        self._kills: Counter[str] = Counter()
        self._reconciled_s: list[float] = []
        self._loaded_s: list[float] = []

    async def kill(self, name: str, *, down_s: float) -> None:
        """End a process by SIGKILL, and start it again after a while."""
        service = self._running.services[name]
        await asyncio.to_thread(service.kill)
        self._kills[name] += 1
        await asyncio.sleep(down_s)  # how long nobody is there
        started_s = time.monotonic()
        service.start()
        if name == "execution":
            await self._until(lambda _: True, of=lambda report: report)
            self._loaded_s.append(time.monotonic() - started_s)
            await self._until(lambda account: account["reconciled"])
            self._reconciled_s.append(time.monotonic() - started_s)

    async def until_bars(self, count: int) -> None:
        """Until the account has gone on by so many bars."""
        first = (await self._until(lambda account: account["event_time_us"] > 0))["event_time_us"]
        await self._until(lambda account: account["event_time_us"] >= first + count * LENGTH_US)

    async def _until(self, done: Any, *, of: Any = lambda report: _account(report)) -> dict[str, Any]:
        """Until what execution says of the account, or ``of`` all of its report, is so."""
        service, until_s = self._running.services["execution"], time.monotonic() + PATIENCE_S
        report: Any = None
        async with httpx.AsyncClient() as client:
            while time.monotonic() < until_s:
                self._running.check()
                report = await service.health(client)
                part = None if report is None else of(report)
                if part is not None and done(part):
                    return dict(part)
                await asyncio.sleep(LOOK_S)  # between two questions
        raise AssertionError(f"what was waited for did not come within {PATIENCE_S:.0f} s: {report}\n{service.tail()}")

    async def come_to_rest(self) -> Drilled:
        """Without faults and then without a market, until records and venue agree or patience is over."""
        venue = self._server.venue
        venue.faults.faults = ()
        await self.until_bars(4)
        venue.clock.hold()
        found, until_s = ["nothing was read"], time.monotonic() + 60
        while found and time.monotonic() < until_s:
            said = await read_topics(self._running.stack.bootstrap_servers)
            ledger = await read_ledger(self._running.stack.postgres_dsn("execution"))
            found = list(findings(venue, said, ledger))
        candles = [one for one in said if isinstance(one.event, CandleClosed)]
        orders = len(venue.account.orders) + len(venue.account.algos)
        return Drilled(self._kills, found, orders, len(ledger.fills), len(candles), self._reconciled_s, self._loaded_s)


def _account(report: Any) -> Any:
    """What a health report of execution says of the account; None where it says nothing yet."""
    state: Any = (report.get("services") or {}).get("execution") or {"details": {}}
    return (state["details"].get("accounts") or {}).get("main")
