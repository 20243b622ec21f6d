"""No hole and no double in the candle topic, whatever happens to the venue's streams and to ingest."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.live_candles import SYMBOLS, Told, drill

from tradewire.embedded import Stack, StackPaths

MINUTE_MS = 60_000


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own."""
    paths = StackPaths.under(tmp_path / "redis")
    with Stack(paths, kafka=False, postgres=False, registry=False, redis=True) as stack:
        stack.start()
        yield stack.redis_url


def check(told: Told, shown: dict[str, dict[int, list[Any]]]) -> None:
    """Each candle of the venue once, in order, with its numbers, from the first one published to the last."""
    for symbol in SYMBOLS:
        candles = told.candles[symbol]
        opens = [candle["open_time_us"] // 1000 for candle in candles]
        assert opens == [opened for opened in shown[symbol] if opened >= opens[0]]
        for candle in candles:
            _, *prices, volume = shown[symbol][candle["open_time_us"] // 1000][:6]
            names = ("open", "high", "low", "close", "volume")
            assert [candle[name] for name in names] == [Decimal(number) for number in (*prices, volume)]
            assert candle["mark_close"] == candle["close"]


async def test_ingest_killed_at_any_moment_leaves_no_hole_and_no_double(redis_url: str, tmp_path: Path) -> None:
    told, shown = await drill(redis_url, tmp_path, kills=3, seed=7)
    check(told, shown)
    assert any(candle["backfilled"] for symbol in SYMBOLS for candle in told.candles[symbol])
    filled = [gap for gap in told.gaps if gap["kind"] == "FILLED"]
    assert filled
    assert {item["symbol"] for item in told.instruments} == set(SYMBOLS)
