"""A day of the venue's time, turned: candles without a hole, a ledger without drift, memory that stays.

Listen keys run out each hour, connections are cut after 24 hours, two symbols are funded at hours of their own, filters
change and trading is halted, while ingest follows the candles and an account trades. ``make venue-day`` runs it whole.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.binance.limits import RateLimit
from tradewire.execution.adapters import binance_rest
from tradewire.ingest.adapters.binance_live import BinanceLive, LiveMarket
from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ingest.adapters.binance_streams import MarketStreams
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.events import CandleClosed, GapDetected, GapKind, InstrumentChanged, OrderLeg, OrderType, Side
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.testkit.binance_account import POLL_SECONDS, BinanceAccount
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.broker_suite import intent, market
from tradewire.testkit.builders import candle, instrument
from tradewire.venue.faults import parse_faults

HOURS = int(os.environ.get("HOURS", "2"))
MINUTES = HOURS * 60
HALT_S, HALTED_MINUTES = HOURS * 1500 + 600, 20
SYMBOLS, FUNDED_EACH_H = ("BTCUSDT", "ETHUSDT"), {"BTCUSDT": 8, "ETHUSDT": 1}
TRADES_EACH_MINUTES = 20
AMPLE = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 1_000_000)
"""The budget counts by the venue's time here, of which a minute is a moment."""
FAULTS = f"""
faults:
  - {{kind: filters, symbol: BTCUSDT, at_s: {HOURS * 600}, tick_size: 0.5}}
  - {{kind: halt, symbol: ETHUSDT, at_s: {HALT_S}, seconds: {HALTED_MINUTES * 60}}}
  - {{kind: event_lost, probability: 0.05}}
  - {{kind: event_twice, probability: 0.05}}
"""
GROWTH_MAX = 1.3
"""Objects of Python at the end for each one after a third of the time, what test and venue keep of orders included."""


@pytest.fixture
async def venue() -> AsyncIterator[BinanceVenue]:
    """Minutes that go up and down by a percent within three hours."""
    fees = {"taker_fee": Decimal("0.0005"), "maker_fee": Decimal("0.0002")}
    rules = [instrument(symbol, **fees) for symbol in SYMBOLS]
    bars = [
        candle(n, Decimal(40_000 + 4 * abs(n % 200 - 100)), symbol, "1m", volume=Decimal(50))
        for symbol in SYMBOLS
        for n in range(MINUTES + 60)
    ]
    found = BinanceVenue(bars, rules=rules, faults=parse_faults(FAULTS, "FAULTS", seed=1), whole_bars=False)
    for symbol, hours in FUNDED_EACH_H.items():
        listing = replace(found.venue.listings[symbol], funding_hours=hours)
        found.venue.listings[symbol] = found.venue.markets[symbol].listing = listing
    await found.start()
    yield found
    await found.stop()


@dataclass(slots=True)
class Followed:
    """What ingest published, as far as it is compared."""

    source: BinanceLive
    minutes: dict[str, list[int]] = field(default_factory=lambda: {symbol: [] for symbol in SYMBOLS})
    funded: Counter[str] = field(default_factory=Counter)
    instruments: list[str] = field(default_factory=list)
    gaps: list[tuple[str, str | None, int]] = field(default_factory=list)

    reading: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise what ended the reading."""
        if self.reading is not None and self.reading.done():
            self.reading.result()

    async def close(self) -> None:
        """End it."""
        assert self.reading is not None, "it reads"
        self.reading.cancel()
        await asyncio.wait({self.reading})
        await self.source.close()

    async def read(self) -> None:
        """Until cancelled."""
        for found in await self.source.instruments():
            self.instruments.append(f"{found.symbol} {found.status.value} {found.tick_size}")
        async for event in self.source.events({}):
            match event:
                case CandleClosed():
                    self.minutes[event.symbol].append(event.open_time_us // 60_000_000)
                    self.funded[event.symbol] += event.funding_rate is not None
                case InstrumentChanged():
                    self.instruments.append(f"{event.symbol} {event.status.value} {event.tick_size}")
                case GapDetected() if event.kind is GapKind.MISSING:
                    self.gaps.append((event.symbol, event.found, event.missing))


def followed(venue: BinanceVenue) -> Followed:
    """Ingest's source at the venue, by the venue's clock."""
    spent, policy = (
        MemorySpent(venue.clock),
        PollPolicy(history_bars=1, attempts=3, settle_s=0.01, backoff_first_s=0.01),
    )
    rest = BinancePublic(venue.server.rest, "1m", policy=policy, budget=RateBudget(venue.server.rest, spent, spent))
    live = LiveMarket(SYMBOLS, "1m", late_s=20.0, instruments_s=10.0)
    return Followed(BinanceLive(rest, MarketStreams(venue.server.ws, silent_s=5.0), live, venue.clock, policy=policy))


async def traded(rig: BinanceAccount, number: int) -> None:
    """One turn of the day: in with a stop, or out without it."""
    if number % 2 == 0:
        stop = intent(
            f"stop-{number}",
            side=Side.SELL,
            leg=OrderLeg.STOP_LOSS,
            order_type=OrderType.STOP_MARKET,
            price=None,
            stop_price=Decimal(38_000),
            reduce_only=True,
            qty=Decimal("0.5"),
        )
        await rig.place(market(f"in-{number}"), stop)
    else:
        await rig.place(market(f"out-{number}", side=Side.SELL, leg=OrderLeg.EXIT, reduce_only=True))
        await rig.cancel(f"stop-{number - 1}")


def differences(rig: BinanceAccount, venue: BinanceVenue) -> Iterator[str]:
    """Where the ledger is not what the venue has."""
    account, exchange, state = venue.venue.account, venue.venue.books.exchange.account, rig.execution.state()
    held = {item.spec.symbol: Decimal(item.qty_e8).scaleb(-8) for item in exchange.open_positions()}
    income: Counter[str] = Counter()
    for row in account.income:
        income[row.income_type] += int(row.income * 10**8)
    sums = (
        ("COMMISSION", -state.fees_paid),
        ("REALIZED_PNL", state.realized_pnl),
        ("FUNDING_FEE", -state.funding_paid),
    )
    figures = {
        "positions": (rig.positions(), held),
        "fills": (
            Counter(fill.venue_trade_id for fill in rig.fills()),
            Counter(str(fill.trade_id) for fill in account.fills),
        ),
        "wallet": (state.wallet_balance, Decimal(exchange.wallet_e8).scaleb(-8)),
        **{name: (ours, Decimal(income[name]).scaleb(-8)) for name, ours in sums},
    }
    for name, (ours, theirs) in figures.items():
        if ours != theirs:
            yield f"{name}: ours {ours}, the venue's {theirs}"


async def pass_minute(venue: BinanceVenue, candles: Followed, minute: int) -> None:
    """The venue's time goes on to a minute, and a little further until its candles are there."""
    await venue.move(max(minute * 60_000_000, venue.clock.now_us()))
    halted = range(HALT_S // 60, HALT_S // 60 + HALTED_MINUTES + 1)
    waited = [symbol for symbol in SYMBOLS if symbol == "BTCUSDT" or minute - 1 not in halted]
    while any(minute - 1 > max(candles.minutes[symbol], default=-1) for symbol in waited):
        candles.check()
        await asyncio.sleep(POLL_SECONDS)
        venue.clock.advance(seconds=0.1)
        await venue.server.tick()


async def lived(rig: BinanceAccount, candles: Followed) -> tuple[list[str], list[int]]:
    """The day; what differed meanwhile, and how many objects there were after a third and at the end."""
    found, sizes = list[str](), list[int]()
    for minute in range(1, MINUTES + 1):
        await pass_minute(rig.venue, candles, minute)
        if minute % TRADES_EACH_MINUTES == 0:
            await traded(rig, minute // TRADES_EACH_MINUTES)
            await rig.read(after_s=1)
            found += differences(rig, rig.venue)
        if minute in (MINUTES // 3, MINUTES):
            gc.collect()
            sizes.append(len(gc.get_objects()))
    for _ in range(3):
        await rig.read(after_s=61)
    found += [event.message for event in rig.incidents()]
    return [*found, *differences(rig, rig.venue)], sizes


async def test_day_when_it_passes_then_no_hole_no_drift_and_no_growth(
    venue: BinanceVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binance_rest, "WEIGHT_LIMIT", AMPLE)
    rig, candles = BinanceAccount(venue, tmp_path), followed(venue)
    await rig.read()
    candles.reading = asyncio.create_task(candles.read())
    found, (early, late) = await lived(rig, candles)
    await candles.close()
    await rig.close()
    keys, ends = venue.venue.listen_keys.made, dict(candles.source._streams.counts.ends)
    bars, rss_mb = sum(map(len, candles.minutes.values())), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{HOURS} h: {bars} bars, {len(rig.fills())} fills, {keys} listen keys, market connections ended {ends}, "
        f"funded {dict(candles.funded)}, gaps {candles.gaps}, instruments {candles.instruments}, "
        f"{early} objects after a third, {late} at the end, largest RSS {rss_mb} MB"
    )
    assert found == []
    halted = range(HALT_S // 60, HALT_S // 60 + HALTED_MINUTES)
    for symbol in SYMBOLS:
        gone = halted if symbol == "ETHUSDT" else ()
        seen = candles.minutes[symbol]
        assert seen == [n for n in range(seen[0], seen[-1] + 1) if n not in gone], symbol
        assert seen[-1] >= MINUTES - 1
        assert candles.funded[symbol] >= HOURS // FUNDED_EACH_H[symbol]
    assert candles.gaps == [("ETHUSDT", "halted", HALTED_MINUTES)]
    assert "BTCUSDT TRADING 0.5" in candles.instruments
    assert {"ETHUSDT BREAK 0.1", "ETHUSDT TRADING 0.1"} <= set(candles.instruments)
    assert keys >= HOURS
    assert late < GROWTH_MAX * early
