"""Marks and funding by REST: joined to the bar they belong to, and none lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from tradewire.ingest.adapters.ccxt_public import CcxtPublic
from tradewire.ingest.adapters.instruments_file import read_brackets
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.events import CandleClosed
from tradewire.testkit.fake_candle_venue import MINUTE_MS, FakeCandleVenue, kline
from tradewire.testkit.manual_clock import ManualClock

BRACKETS = read_brackets(Path(__file__).parents[3] / "data" / "sample" / "instruments.yaml")
START_MS = 1_626_992_700_000
NOW_MS = START_MS + 20 * MINUTE_MS + 30_000


@pytest.fixture
async def venue() -> AsyncIterator[FakeCandleVenue]:
    fake = FakeCandleVenue(ManualClock(NOW_MS * 1000), start_ms=START_MS)
    await fake.start()
    yield fake
    await fake.stop()


async def read(fake: FakeCandleVenue, count: int, late: dict[int, dict[tuple[int, int], str]] | None = None) -> Any:
    """The first candles by minute; ``late``: settlements that the venue lists only after it gave a minute's candle."""

    async def sleep(seconds: float) -> None:
        fake.clock.advance(seconds=seconds)
        await asyncio.sleep(0)

    policy = PollPolicy(page_bars=8, history_bars=20, attempts=3, rate_limit_ms=1)
    source = CcxtPublic(
        "binanceusdm",
        ("BTCUSDT",),
        "1m",
        fake.clock,
        venue="binance",
        brackets=BRACKETS,
        policy=policy,
        base_url=fake.url,
        sleep=sleep,
        rng=random.Random(7),
    )
    found: dict[int, CandleClosed] = {}
    stream = source.events({})
    async for event in stream:
        assert isinstance(event, CandleClosed)
        minute = (event.open_time_us // 1000 - START_MS) // MINUTE_MS
        found[minute] = event
        fake.settlements |= (late or {}).get(minute, {})
        if len(found) == count:
            break
    await cast("Any", stream).aclose()
    await source.close()
    return found


async def test_candle_when_the_venue_has_a_mark_over_it_then_carries_it_as_sent(venue: FakeCandleVenue) -> None:
    venue.marks = {4: kline(START_MS, 4, close="8.12345678"), 5: kline(START_MS, 5, low="9.9", close="8.1")}
    found = await read(venue, 20)
    marked = found[4]
    prices = (marked.mark_open, marked.mark_high, marked.mark_low, marked.mark_close)
    assert prices == tuple(map(Decimal, ("7.6080", "9.6180", "7.6070", "8.12345678")))
    assert [minute for minute, bar in found.items() if bar.mark_close is not None] == [4]  # 5 does not nest


async def test_settlement_when_recorded_some_ms_after_a_close_then_belongs_to_the_bar_that_closed(
    venue: FakeCandleVenue,
) -> None:
    venue.settlements = {(3, 16): "0.00010000", (12, 0): "-0.00007500"}
    found = await read(venue, 20)
    rates = {minute: bar.funding_rate for minute, bar in found.items() if bar.funding_rate is not None}
    assert rates == {2: Decimal("0.0001"), 11: Decimal("-0.000075")}


async def test_settlement_when_listed_late_then_told_once_with_the_next_bar(venue: FakeCandleVenue) -> None:
    venue.settlements = {(3, 5): "0.0001"}
    found = await read(venue, 23, late={19: {(20, 5): "0.0002"}})
    rates = {minute: bar.funding_rate for minute, bar in found.items() if bar.funding_rate is not None}
    assert rates == {2: Decimal("0.0001"), 20: Decimal("0.0002")}
