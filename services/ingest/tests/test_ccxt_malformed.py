"""What a venue answers in a shape that it never promised: reported and gone past, or refused in a sentence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from tradewire.ingest.adapters.ccxt_beside import _bars
from tradewire.ingest.adapters.ccxt_public import CcxtPublic, _rows
from tradewire.ingest.adapters.instruments_file import read_brackets
from tradewire.ingest.adapters.polling import PollPolicy
from tradewire.ports.errors import FatalError, RetryableError
from tradewire.testkit.fake_candle_venue import FILTERS, MINUTE_MS, FakeCandleVenue, symbol_info
from tradewire.testkit.manual_clock import ManualClock
from tradewire.trading.bars_csv import BarFault, RawBar

BRACKETS = read_brackets(Path(__file__).parents[3] / "data" / "sample" / "instruments.yaml")
START_MS = 1_626_992_700_000
GOOD = [START_MS, "7.6", "9.6", "7.5", "8.1", "3005"]
WHERE_US = START_MS * 1000 - 7
ODD: tuple[Any, ...] = (
    None,
    "row",
    7,
    [],
    [START_MS],
    [None, *GOOD[1:]],
    ["soon", *GOOD[1:]],
    [True, *GOOD[1:]],
    [-1, *GOOD[1:]],
    [10**30, *GOOD[1:]],
    [{}, *GOOD[1:]],
    {"openTime": START_MS},
)


@pytest.mark.parametrize("row", ODD)
def test_row_that_is_no_candle_is_a_fault_behind_the_one_before(row: object) -> None:
    first, fault, after = _rows([GOOD, row, [START_MS + MINUTE_MS, *GOOD[1:]]], WHERE_US)
    assert isinstance(first, RawBar)
    assert isinstance(after, RawBar)
    assert isinstance(fault, BarFault)
    assert (fault.open_time_us, fault.field, fault.found) == (START_MS * 1000, "row", str(row)[:80])
    (alone,) = _rows([row], WHERE_US)
    assert alone.open_time_us == WHERE_US


@pytest.mark.parametrize("row", [*ODD, [START_MS, "a", "b", "c", "d"], [START_MS, None, "1", "1", "1"]])
def test_mark_that_can_not_be_read_is_left_out(row: Any) -> None:
    found = list(_bars([row, GOOD]))
    assert [bar.open_time_us for bar in found][-1] == START_MS * 1000


@pytest.fixture
async def venue() -> AsyncIterator[FakeCandleVenue]:
    """A venue whose clock is at minute 20."""
    fake = FakeCandleVenue(ManualClock((START_MS + 20 * MINUTE_MS) * 1000), start_ms=START_MS)
    await fake.start()
    yield fake
    await fake.stop()


def source(fake: FakeCandleVenue) -> CcxtPublic:
    """Reads the venue; waits take no time."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    policy = PollPolicy(page_bars=8, history_bars=20, attempts=3, rate_limit_ms=1)
    options: dict[str, Any] = {"venue": "binance", "brackets": BRACKETS, "base_url": fake.url, "policy": policy}
    return CcxtPublic("binanceusdm", ("BTCUSDT",), "1m", fake.clock, sleep=sleep, rng=random.Random(7), **options)


@pytest.mark.parametrize("time", [None, "soon", {}, [1]])
async def test_candle_without_a_time_is_asked_for_again_and_then_told_as_retryable(
    venue: FakeCandleVenue, time: object
) -> None:
    venue.odd[5] = [time, *GOOD[1:], START_MS, "1", 1, "1", "1", "0"]
    reading = source(venue)
    events = cast("Any", reading.events({}))
    with pytest.raises(RetryableError, match="binance: klines of BTCUSDT: 3 attempts"):
        async for _ in events:
            pass
    await reading.close()


@pytest.mark.parametrize("tick", ["", "abc", None, "0.1.1"])
async def test_instrument_whose_filters_can_not_be_read_is_refused_in_a_sentence(
    venue: FakeCandleVenue, tick: object
) -> None:
    filters = [FILTERS[0] | {"tickSize": tick}, *FILTERS[1:4], {"multiplierUp": tick, "filterType": "PERCENT_PRICE"}]
    venue.symbols = [symbol_info("BTCUSDT", filters=filters)]
    reading = source(venue)
    with pytest.raises(FatalError, match="binance: BTCUSDT: filters and fees can't be read: "):
        await reading.instruments()
    await reading.close()
