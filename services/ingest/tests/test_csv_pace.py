"""The pace of candle files: once per moment, from the first bar of the market that begins last, and caught up with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ingest.adapters.pace import Pace
from tradewire.testkit.manual_clock import ManualClock

from .test_csv import NOW_US, folder

__all__ = ["folder"]  # pytest finds the fixture here


@pytest.mark.parametrize(
    ("pace", "wait_s"), [(Pace(bars_per_second=4), 0.25), (Pace(speed=7200), 0.5), (Pace(speed=3600), 1.0)]
)
async def test_events_when_paced_waits_once_per_moment_for_all_markets(folder: Path, pace: Pace, wait_s: float) -> None:
    clock = ManualClock(NOW_US)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds=seconds)

    data = CsvMarketData(folder, folder / "instruments.yaml", clock, pace=pace, sleep=sleep)
    async for _ in data.events({}):
        pass
    assert waits == pytest.approx([wait_s] * 5)


@pytest.mark.parametrize(("begun", "waits"), [((), 5), (("alpha:ETHUSD:1h",), 3), (("gamma:BTCUSD:1h",), 5)])
async def test_events_when_markets_must_have_begun_then_paced_from_the_first_bar_of_the_last(
    folder: Path, begun: tuple[str, ...], waits: int
) -> None:
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            found.append(seconds)
            clock.advance(seconds=seconds)

    clock, rules = ManualClock(NOW_US), folder / "instruments.yaml"
    data = CsvMarketData(folder, rules, clock, pace=Pace(bars_per_second=1), paced_once_begun=begun, sleep=sleep)
    async for _ in data.events({}):
        pass
    assert found == pytest.approx([1] * waits)


async def test_events_when_the_taker_was_slow_catches_up(folder: Path) -> None:
    clock = ManualClock(NOW_US)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds=seconds + 1.5)

    file = folder / "beta-BTCUSD-1h.csv"
    data = CsvMarketData([file], folder / "instruments.yaml", clock, pace=Pace(bars_per_second=1), sleep=sleep)
    async for _ in data.events({}):
        pass
    assert waits == pytest.approx([1, 0, 0, 0, 0])
