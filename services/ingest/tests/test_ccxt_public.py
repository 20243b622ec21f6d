"""Public candles by REST, against a venue on loopback that answers in Binance's shapes and misbehaves on demand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from tradewire.ingest.adapters.ccxt_public import CcxtPublic
from tradewire.ingest.adapters.instruments_file import read_brackets
from tradewire.ingest.adapters.polling import Backoff, PollPolicy
from tradewire.ingest.feed import Feed
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.events import CandleClosed, GapDetected, InstrumentStatus
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event
from tradewire.testkit.fake_candle_venue import (
    FILTERS,
    MINUTE_MS,
    FakeCandleVenue,
    Reply,
    kline,
    status,
    symbol_info,
)
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.market_data_suite import MarketDataSuite

BRACKETS = read_brackets(Path(__file__).parents[3] / "data" / "sample" / "instruments.yaml")
START_MS = 1_626_992_700_000
NOW_MS = START_MS + 20 * MINUTE_MS + 30_000
POLICY = PollPolicy(page_bars=8, history_bars=20, attempts=3, rate_limit_ms=1)


@pytest.fixture
async def venue() -> AsyncIterator[FakeCandleVenue]:
    fake = FakeCandleVenue(ManualClock(NOW_MS * 1000), start_ms=START_MS)
    await fake.start()
    yield fake
    await fake.stop()


def market(
    fake: FakeCandleVenue,
    *,
    waits: list[float] | None = None,
    symbols: tuple[str, ...] = ("BTCUSDT",),
    policy: PollPolicy = POLICY,
) -> CcxtPublic:
    async def sleep(seconds: float) -> None:
        fake.clock.advance(seconds=seconds)
        if waits is not None:
            waits.append(seconds)
        await asyncio.sleep(0)

    return CcxtPublic(
        "binanceusdm",
        symbols,
        "1m",
        fake.clock,
        venue="binance",
        brackets=BRACKETS,
        policy=policy,
        base_url=fake.url,
        sleep=sleep,
        rng=random.Random(7),
    )


async def read(source: CcxtPublic, count: int, resume_minute: int | None = None) -> list[Event]:
    """The first ``count`` events; with ``resume_minute``, those after the close of the bar before that minute."""
    resume = {} if resume_minute is None else {("binance", "BTCUSDT"): (START_MS + resume_minute * MINUTE_MS) * 1000}
    events: list[Event] = []
    stream = source.events(resume)
    try:
        async for event in stream:
            events.append(event)
            if len(events) == count:
                break
    finally:
        await cast("Any", stream).aclose()
        await source.close()
    return events


def minutes(events: list[Event]) -> list[int | str]:
    return [
        (event.open_time_us // 1000 - START_MS) // MINUTE_MS
        if isinstance(event, CandleClosed)
        else f"{event.kind.value} {event.missing}"
        for event in events
        if isinstance(event, CandleClosed | GapDetected)
    ]


class TestCcxtContract(MarketDataSuite):
    recorded = False
    until_us = (START_MS + 24 * MINUTE_MS) * 1000

    @pytest.fixture(autouse=True)
    def _venue(self, venue: FakeCandleVenue) -> None:
        venue.minutes = [minute for minute in range(100) if minute not in (11, 12)]
        self.venue = venue

    def market(self) -> MarketDataPort:
        self.venue.clock = ManualClock(NOW_MS * 1000)
        return market(self.venue, symbols=("BTCUSDT", "ETHUSDT"))


async def test_events_from_the_first_start_reach_back_and_go_on_bar_by_bar(venue: FakeCandleVenue) -> None:
    waits: list[float] = []
    events = await read(market(venue, waits=waits), 22)
    assert minutes(events) == list(range(22))
    assert waits == pytest.approx([32.0, 60.0])  # 30 s to the close and 2 s to settle; then each minute
    assert [minute for _, minute in venue.asked] == [0, 8, 16, 20, 21]


async def test_events_hold_the_text_of_the_venue_and_never_an_unfinished_bar(venue: FakeCandleVenue) -> None:
    events = await read(market(venue), 21)
    assert [str(event.close) for event in events if isinstance(event, CandleClosed)][-2:] == ["8.1900", "8.2000"]
    assert not any(event.last_of_stream for event in events if isinstance(event, CandleClosed))


async def test_events_when_resumed_ask_from_the_bar_that_is_due(venue: FakeCandleVenue) -> None:
    assert minutes(await read(market(venue), 5, resume_minute=17)) == [17, 18, 19, 20, 21]
    assert venue.asked[0] == ("BTCUSDT", 17)


FAULTS: dict[str, tuple[Reply, float]] = {
    "429": (status(429, Retry_After="7"), 7.0),
    "418": (status(418, Retry_After="90"), 90.0),
    "429 without a time": (status(429), 0.0),
    "500": (status(500), 0.0),
    "503": (status(503), 0.0),
    "no JSON": (lambda: web.Response(text="<html>maintenance</html>", content_type="text/html"), 0.0),
    "no list": (lambda: web.json_response({}), 0.0),
    "no rows": (lambda: web.json_response([["soon"]]), 0.0),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_events_when_the_venue_fails_once_waits_and_loses_nothing(venue: FakeCandleVenue, name: str) -> None:
    reply, least_s = FAULTS[name]
    venue.replies = [None, reply]
    waits: list[float] = []
    assert minutes(await read(market(venue, waits=waits), 20)) == list(range(20))
    assert len(waits) == 1
    assert max(least_s, 0.25) <= waits[0] <= max(least_s, 0.5)


async def test_events_when_the_venue_keeps_failing_says_so_after_its_attempts(venue: FakeCandleVenue) -> None:
    venue.replies = [None, *[status(503)] * 3]
    waits: list[float] = []
    with pytest.raises(RetryableError, match="binance: klines of BTCUSDT: 3 attempts failed"):
        await read(market(venue, waits=waits), 1)
    assert len(waits) == 2
    assert venue.replies == []


async def test_events_when_the_venue_does_not_answer_in_time_is_retryable(venue: FakeCandleVenue) -> None:
    venue.hanging = True
    with pytest.raises(RetryableError, match="3 attempts failed"):
        await read(market(venue, policy=replace(POLICY, timeout_s=0.05)), 1)


async def test_events_when_nobody_listens_is_retryable(venue: FakeCandleVenue) -> None:
    venue.url = "http://127.0.0.1:1"
    with pytest.raises(RetryableError, match="exchangeInfo: 3 attempts failed"):
        await read(market(venue), 1)


async def test_events_when_the_venue_lacks_bars_reports_them_and_goes_on(venue: FakeCandleVenue) -> None:
    venue.minutes = [minute for minute in range(100) if minute not in (5, 6, 7)]
    assert minutes(await read(market(venue), 18)) == [*range(5), "MISSING 3", *range(8, 20)]
    assert venue.asked.count(("BTCUSDT", 5)) == 1


async def test_events_when_missing_bars_come_at_the_second_asking_says_filled(venue: FakeCandleVenue) -> None:
    venue.late = {3, 4}
    events = await read(market(venue), 21)
    assert minutes(events) == [0, 1, 2, 3, 4, "FILLED 2", *range(5, 20)]


async def test_events_when_a_bar_is_bad_reports_it_and_the_hole(venue: FakeCandleVenue) -> None:
    venue.odd[5] = kline(START_MS, 5, low="-1")
    told = minutes(await read(market(venue), 22))
    assert told == [*range(5), "INVALID 0", "INVALID 0", "MISSING 1", *range(6, 20)]


async def test_events_when_the_newest_bar_is_bad_does_not_ask_for_it_again_and_again(venue: FakeCandleVenue) -> None:
    venue.odd[19] = kline(START_MS, 19, close="NaN")
    told = minutes(await read(market(venue), 24))
    assert told == [*range(19), "INVALID 0", "INVALID 0", "MISSING 1", 20, 21]


async def test_events_when_a_bar_is_late_asks_again_soon(venue: FakeCandleVenue) -> None:
    venue.late = {19}
    waits: list[float] = []
    assert minutes(await read(market(venue, waits=waits), 20, resume_minute=19))[0] == 19
    assert waits[0] == POLICY.poll_s


@pytest.mark.parametrize(("ahead_s", "last"), [(90, 21), (-90, 18), (0, 19)])
async def test_events_go_by_the_venues_clock(venue: FakeCandleVenue, ahead_s: int, last: int) -> None:
    venue.minutes = list(range(-5, 100))
    venue.ahead_ms = ahead_s * 1000
    waits: list[float] = []
    source = market(venue, waits=waits)
    count = POLICY.history_bars
    assert [*Feed(source).figures()] == []
    assert minutes(await read(source, count))[-1] == last
    assert waits == []
    (offset,) = Feed(source).figures()
    assert offset.metric.name == "tradewire_exchange_clock_offset_seconds"
    assert offset.value == pytest.approx(ahead_s, abs=0.002)


async def test_events_of_several_symbols_go_by_close_and_symbol(venue: FakeCandleVenue) -> None:
    events = await read(market(venue, symbols=("ETHUSDT", "BTCUSDT")), 42)
    told = [(event.close_time_us, event.symbol) for event in events if isinstance(event, CandleClosed)]
    assert told == sorted(told)


async def test_instruments_are_what_the_venue_tells(venue: FakeCandleVenue) -> None:
    bare = [item for item in FILTERS if item["filterType"] in ("PRICE_FILTER", "LOT_SIZE")]
    venue.symbols[1] = symbol_info("ETHUSDT", status="SETTLING", filters=bare)
    source = market(venue, symbols=("BTCUSDT", "ETHUSDT"))
    btc, eth = await source.instruments()
    await source.close()
    assert (btc.venue, btc.symbol, btc.base, btc.quote) == ("binance", "BTCUSDT", "BTC", "USDT")
    assert btc.status == InstrumentStatus.TRADING
    assert [str(value) for value in (btc.tick_size, btc.step_size, btc.min_qty, btc.max_qty, btc.min_notional)] == [
        "0.10",
        "0.001",
        "0.001",
        "1000",
        "5",
    ]
    assert (btc.maker_fee, btc.taker_fee) == (Decimal("0.0002"), Decimal("0.0005"))
    assert (btc.liquidation_fee, btc.price_collar_ratio) == (Decimal("0.012"), Decimal("0.05"))
    assert (btc.intervals, btc.brackets, btc.valid_from_us) == (("1m",), BRACKETS, START_MS * 1000)
    assert (eth.status, eth.min_notional) == (InstrumentStatus.CLOSED, Decimal(0))


async def test_instruments_when_the_venue_is_away_is_retryable_and_works_later(venue: FakeCandleVenue) -> None:
    venue.replies = [status(503)] * 3
    source = market(venue)
    with pytest.raises(RetryableError, match="exchangeInfo"):
        await source.instruments()
    assert [item.symbol for item in await source.instruments()] == ["BTCUSDT"]
    await source.close()


async def test_events_when_the_symbol_is_unknown_is_fatal(venue: FakeCandleVenue) -> None:
    with pytest.raises(FatalError, match="symbol: found 'DOGEUSD', allowed one that the venue lists"):
        await read(market(venue, symbols=("DOGEUSD",)), 1)


async def test_events_when_the_venue_refuses_for_good_is_fatal(venue: FakeCandleVenue) -> None:
    refusal = {"code": -1121, "msg": "Invalid symbol."}
    venue.replies = [None, lambda: web.json_response(refusal, status=400)]
    with pytest.raises(FatalError, match="Invalid symbol"):
        await read(market(venue), 1)


@pytest.mark.parametrize(
    ("exchange_id", "symbols", "interval", "message"),
    [
        ("nowhere", ("BTCUSDT",), "1m", "exchange: found 'nowhere'"),
        ("binanceusdm", ("BTCUSDT",), "7m", "interval: found '7m', allowed 1m, 3m, 5m, .*, as binanceusdm offers them"),
        ("binanceusdm", (), "1m", "symbols: found none"),
    ],
)
def test_build_when_a_setting_is_none_says_what_is_allowed(
    exchange_id: str, symbols: tuple[str, ...], interval: str, message: str
) -> None:
    with pytest.raises(FatalError, match=message):
        CcxtPublic(exchange_id, symbols, interval, ManualClock(), venue="binance", brackets=BRACKETS)


def test_backoff_doubles_within_its_bound_and_heeds_the_venue() -> None:
    backoff = Backoff(PollPolicy(backoff_first_s=1, backoff_most_s=8), random.Random(1))
    for failures, step in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (50, 8)):
        assert step / 2 <= backoff.wait_s(failures) <= step
    assert backoff.wait_s(1, retry_after_s=30) == 30
    assert backoff.wait_s(1, retry_after_s=10**9) == 3 * 86_400
